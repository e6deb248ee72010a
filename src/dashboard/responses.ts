/**
 * What the routes below `/api` share: values of a query, and answers as CSV or JSON.
 *
 * @module
 */
import { HttpError } from "fresh";
import { quoted } from "../data/quoted.ts";
import { armNames, isArmName } from "../lottery/arms/names.ts";
import { csv } from "../store/export.ts";
import { type Curve, type CurveQuery, metrics } from "./types.ts";

/** The formats of tables. */
export const formats = ["json", "csv"] as const;

/**
 * The one of some words that a query names; the first when it names none.
 *
 * @throws {HttpError} 400, which says what is wanted
 */
export function chosen<Name extends string>(url: URL, key: string, known: readonly [Name, ...Name[]]): Name {
  const value = url.searchParams.get(key) ?? "";
  if (value === "") return known[0];
  const found = known.find((name) => name === value);
  if (found !== undefined) return found;
  throw new HttpError(400, `${key} is ${quoted(value)}: give one of ${known.join(", ")}, or leave it out.`);
}

/**
 * Which curves a query asks for: `metric`, `arms` and `levels` as lists with commas, `networks`.
 *
 * @throws {HttpError} 400, which says what is wanted
 */
export function curveQuery(url: URL): CurveQuery {
  return {
    metric: chosen(url, "metric", metrics),
    arms: listIn(url, "arms").map((name) => {
      if (isArmName(name)) return name;
      throw new HttpError(400, `arms has ${quoted(name)}: give some of ${armNames.join(", ")} with commas, or none.`);
    }),
    levels: listIn(url, "levels").map((text) => {
      if (/^\d{1,3}$/.test(text)) return Number(text);
      throw new HttpError(400, `levels has ${quoted(text)}: give whole numbers from 0 with commas, or none.`);
    }),
    networks: chosen(url, "networks", ["mean", "each"]),
  };
}

/** A list with commas; none when it is empty. */
export function listIn(url: URL, key: string): string[] {
  const value = url.searchParams.get(key) ?? "";
  return value === "" ? [] : [...new Set(value.split(","))];
}

/** An answer, or what is wrong with the request in a line of text: for programs, which have no use for a page. */
export async function answered(answer: () => Response | Promise<Response>): Promise<Response> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const headers = { "content-type": "text/plain; charset=utf-8" };
    return new Response(`${error.message}\n`, { status: error.status, headers });
  }
}

/** The answer for what is no run's id. */
export function unknownRun(id: string): HttpError {
  return new HttpError(404, `There is no run ${quoted(id)}.`);
}

/** Curves as a table: a row per point. */
export function curvesCsv(curves: readonly Curve[], metric: string): string {
  const rows = curves.flatMap(({ arm, level, remaining, replicate, draw, iterations, values, range }) =>
    iterations.map((iteration, at) => [
      arm,
      level,
      remaining,
      replicate,
      draw,
      iteration,
      values[at] ?? null,
      range?.minimum[at] ?? null,
      range?.maximum[at] ?? null,
    ])
  );
  return csv([["arm", "level", "remaining", "replicate", "draw", "iteration", metric, "minimum", "maximum"], ...rows]);
}

/**
 * A table to be kept as a file.
 *
 * @param name of the file, without what its format adds
 */
export function download(
  pieces: AsyncIterable<string> | Iterable<string>,
  format: (typeof formats)[number],
  name: string,
): Response {
  const body = ReadableStream.from(pieces).pipeThrough(new TextEncoderStream());
  return new Response(body, {
    headers: {
      "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/json; charset=utf-8",
      "content-disposition": `attachment; filename="${name.replaceAll(/[^A-Za-z0-9._-]/g, "_")}.${format}"`,
    },
  });
}
