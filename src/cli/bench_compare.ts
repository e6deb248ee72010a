/**
 * `bench --compare`: what an earlier measurement found, beside what was found now.
 *
 * @module
 */
import * as z from "npm:zod@4.6.7";
import { legible, quoted } from "../data/quoted.ts";
import { UsageError } from "./arguments.ts";
import { formatTable } from "./table.ts";

/** What `--json` prints that `--compare` reads. */
export interface Recorded {
  /** The command's form. */
  readonly form: string;
  /** The adapter's name. */
  readonly adapter: string;
  /** What two measurements must have in common. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** Medians in milliseconds by what they are of. */
  readonly medians: Readonly<Record<string, number>>;
}

const schema = z.object({
  form: z.string(),
  adapter: z.string(),
  settings: z.record(z.string(), z.union([z.string(), z.number()])),
  medians: z.record(z.string(), z.number()),
}) satisfies z.ZodType<Recorded>;

/**
 * Reads what `--json` printed.
 *
 * @throws {UsageError} when there is no such file, or it is of something else
 */
export async function readRecorded(path: string): Promise<Recorded> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`Cannot read --compare ${path}: ${reason}. ${remedy}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`Cannot use --compare ${path}: it is not JSON (${legible(reason, 200)}). ${remedy}`, {
      cause,
    });
  }
  const { data } = schema.safeParse(value);
  if (data) return data;
  throw new UsageError(`Cannot use --compare ${path}: it is not what a measurement printed. ${remedy}`);
}

const remedy = "Give a file that `deno task bench … --json > FILE` made.";

/**
 * Refuses what cannot be compared with what will be measured.
 *
 * @param path for the message
 * @param adapter left out while it is not known
 * @throws {UsageError} when form, settings or adapter differ
 */
export function assertComparable(
  path: string,
  old: Recorded,
  now: Pick<Recorded, "form" | "settings"> & { readonly adapter?: string },
): void {
  const refuse = (what: string, before: string, wanted: string, remedy: string): never => {
    throw new UsageError(
      `Cannot compare with ${path}: its ${what} is ${quoted(before)}, and this one's is ${quoted(wanted)}. ${remedy}`,
    );
  };
  if (old.form !== now.form) {
    refuse("form", old.form, now.form, "Give a file that the same form of bench made.");
  }
  for (const name of new Set([...Object.keys(now.settings), ...Object.keys(old.settings)])) {
    const [before, wanted] = [old.settings[name], now.settings[name]];
    if (before !== wanted) {
      refuse(name, String(before ?? "missing"), String(wanted ?? "missing"), "Measure with the same flags.");
    }
  }
  if (now.adapter !== undefined && old.adapter !== now.adapter) {
    refuse("adapter", old.adapter, now.adapter, "Times of two adapters say nothing about a change.");
  }
}

/** One median then and now, in milliseconds; null where only the other was measured. */
export interface Change {
  /** What it is of. */
  readonly name: string;
  /** Then. */
  readonly oldMs: number | null;
  /** Now. */
  readonly newMs: number | null;
  /** Now by then. */
  readonly ratio: number | null;
}

/** Every median that either has, in the order of what was measured now. */
export function changes(old: Recorded["medians"], now: Recorded["medians"]): Change[] {
  const names = [...Object.keys(now), ...Object.keys(old).filter((name) => !Object.hasOwn(now, name))];
  return names.map((name) => {
    const oldMs = old[name] ?? null;
    const newMs = now[name] ?? null;
    return { name, oldMs, newMs, ratio: oldMs === null || newMs === null ? null : newMs / oldMs };
  });
}

/** The changes as a table. */
export function formatChanges(list: readonly Change[]): string[] {
  const number = (value: number | null, digits: number): string => value === null ? "–" : value.toFixed(digits);
  return formatTable(
    [
      { title: "median", align: "left" },
      { title: "old ms", align: "right" },
      { title: "new ms", align: "right" },
      { title: "new by old", align: "right" },
    ],
    list.map(({ name, oldMs, newMs, ratio }) => [name, number(oldMs, 3), number(newMs, 3), number(ratio, 2)]),
  );
}
