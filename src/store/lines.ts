/**
 * The errors along the lines between tickets and their twins: `connectivity.json` in a run's folder, measured after training from what
 * the run kept.
 *
 * @module
 */
import { join } from "node:path";
import type { MeasuredLine } from "../experiments/loaded_run.ts";
import type { LotteryConfig } from "../lottery/config.ts";
import { writeJson } from "./files.ts";
import { readJson } from "./run_files.ts";

/** The name of the file. */
export const linesName = "connectivity.json";

/** The lines that were measured of a run, of what is wanted of it; none where there is no file that can be read. */
export async function readLines(
  folder: string,
  { levels, replicates }: Pick<LotteryConfig, "levels" | "replicates">,
): Promise<MeasuredLine[]> {
  const value = await readJson(join(folder, linesName)).catch(() => undefined);
  const lines = isObject(value) && Array.isArray(value["lines"]) ? value["lines"] : [];
  return lines.filter(isLine).filter((own) => own.level <= levels && own.replicate <= replicates);
}

/** Writes the lines of a run, in order: all of them. */
export async function writeLines(folder: string, lines: readonly MeasuredLine[]): Promise<void> {
  const ordered = lines.toSorted((a, b) => a.level - b.level || a.replicate - b.replicate);
  await writeJson(join(folder, linesName), { schema: 1, lines: ordered });
}

function isLine(value: unknown): value is MeasuredLine {
  return isObject(value) && typeof value["level"] === "number" && typeof value["replicate"] === "number" &&
    Array.isArray(value["points"]) &&
    value["points"].every((point: unknown) =>
      isObject(point) && typeof point["alpha"] === "number" && typeof point["testError"] === "number"
    );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
