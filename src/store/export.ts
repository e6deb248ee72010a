/**
 * What runs have recorded, as CSV and JSON for other programs: in pieces, so that no export is held in memory whole.
 * docs/run-folder.md describes the columns.
 *
 * @module
 */
import { stringify } from "npm:csv-stringify@6.6.0/sync";
import { armNames } from "../lottery/arms/names.ts";
import type { Evaluation, LevelRecord } from "../lottery/types.ts";
import type { RunGlance } from "./glance.ts";
import { armFolders, readMetricsInParts } from "./run_files.ts";

/** The tables of an export. */
export const tables = ["levels", "metrics"] as const;

/** A table of an export. */
export type Table = (typeof tables)[number];

/** What of a run is exported; {@linkcode RunGlance} has it, and so has a run that was read whole. */
export type ExportedRun = Pick<RunGlance, "id" | "folder" | "state" | "config" | "manifest" | "records">;

/** Runs, however they come. */
export type Runs = Iterable<ExportedRun> | AsyncIterable<ExportedRun>;

/** A row per trained network. */
const levelColumns = [
  "arm",
  "level",
  "replicate",
  "draw",
  "seed",
  "status",
  "divergedAt",
  "remaining",
  "kept",
  "size",
  "earlyStopIteration",
  "validationLossAtEarlyStop",
  "testAccuracyAtEarlyStop",
  "trainAccuracyAtEarlyStop",
  "testAccuracyAtEnd",
  "trainAccuracyAtEnd",
] as const;

/** A row per evaluation. */
const metricColumns = [
  "arm",
  "level",
  "replicate",
  "draw",
  "iteration",
  "trainLoss",
  "validationLoss",
  "validationAccuracy",
  "testLoss",
  "testAccuracy",
] as const;

const runColumns = ["run", "preset", "dataset", "network"] as const;

/**
 * Runs as CSV, with a header.
 *
 * @throws {CorruptRunError} naming the first line of `metrics.jsonl` that is no evaluation
 */
export async function* exportCsv(runs: Runs, table: Table): AsyncGenerator<string> {
  yield csv([[...runColumns, ...table === "levels" ? levelColumns : metricColumns]]);
  for await (const run of runs) {
    const about = aboutRun(run);
    if (table === "levels") {
      yield csv(
        recordsOf(run).map((record) => {
          const total = (key: "kept" | "size"): number => record.layers.reduce((sum, layer) => sum + layer[key], 0);
          const row = { ...record, kept: total("kept"), size: total("size") };
          return [...about, ...levelColumns.map((column) => row[column])];
        }),
      );
    } else {
      for (const arm of run.config ? await armFolders(run.folder, run.config) : []) {
        for await (const part of readMetricsInParts(arm)) {
          yield csv(part.map((evaluation) => [...about, ...metricColumns.map((column) => evaluation[column])]));
        }
      }
    }
  }
}

/**
 * Runs as JSON, two spaces deep: settings, adapter and those of both tables that are wanted.
 *
 * @throws {CorruptRunError} naming the first line of `metrics.jsonl` that is no evaluation
 */
export async function* exportJson(runs: Runs, wanted: readonly Table[] = tables): AsyncGenerator<string> {
  yield '{\n  "schema": 1,\n  "runs": ';
  yield* listOf(runs, 4, async function* (run: ExportedRun) {
    const { id, state, config, manifest } = run;
    const about = JSON.stringify({ id, state, config, adapter: manifest?.adapter ?? null }, null, 2);
    yield indented(about.slice(0, about.lastIndexOf("\n")), 4);
    if (wanted.includes("levels")) {
      yield ',\n      "levels": ';
      yield indented(JSON.stringify(recordsOf(run), null, 2), 6);
    }
    if (wanted.includes("metrics")) {
      yield ',\n      "metrics": ';
      yield* listOf(evaluationsOf(run), 8, function* (evaluation) {
        yield indented(JSON.stringify(evaluation, null, 2), 8);
      });
    }
    yield "\n    }";
  });
  yield "\n}\n";
}

/** Rows as CSV: quoted as in RFC 4180, lines end in \n, an empty field for null. */
export function csv(rows: readonly (readonly (string | number | null)[])[]): string {
  return stringify(rows.map((row) => [...row]), { record_delimiter: "\n" });
}

/** A JSON list as `JSON.stringify()` writes it, from entries that come one by one. */
async function* listOf<Entry>(
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  spaces: number,
  write: (entry: Entry) => Iterable<string> | AsyncIterable<string>,
): AsyncGenerator<string> {
  let before = "[\n";
  for await (const entry of entries) {
    yield before + " ".repeat(spaces);
    yield* write(entry);
    before = ",\n";
  }
  yield before === "[\n" ? "[]" : `\n${" ".repeat(spaces - 2)}]`;
}

function indented(json: string, spaces: number): string {
  return json.replaceAll("\n", `\n${" ".repeat(spaces)}`);
}

async function* evaluationsOf({ folder, config }: ExportedRun): AsyncGenerator<Evaluation> {
  for (const arm of config ? await armFolders(folder, config) : []) {
    for await (const part of readMetricsInParts(arm)) yield* part;
  }
}

function aboutRun({ id, config }: ExportedRun): string[] {
  const network = config?.network;
  return [id, config?.preset ?? "", config?.dataset ?? "", typeof network === "object" ? network.name : network ?? ""];
}

/** Networks by arm, level, replicate and draw, whatever order they were trained in. */
function recordsOf({ records }: ExportedRun): LevelRecord[] {
  return records.toSorted((a, b) =>
    armNames.indexOf(a.arm) - armNames.indexOf(b.arm) || a.level - b.level || a.replicate - b.replicate ||
    a.draw - b.draw
  );
}
