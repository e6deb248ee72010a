/**
 * `histograms.jsonl` of an arm.
 *
 * @module
 */
import { isArmName } from "../lottery/arms/names.ts";
import type { WeightHistogram } from "../store/histograms.ts";
import { readWholeLines } from "../store/run_files.ts";

/** All histograms of a file, in order. A line that is none is passed over: `runs verify` tells of it. */
export async function readHistogramFile(path: string): Promise<WeightHistogram[]> {
  const all: WeightHistogram[] = [];
  for await (const { lines } of readWholeLines(path, 0)) {
    for (const line of lines) {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        continue;
      }
      if (isHistogram(value)) all.push(value);
    }
  }
  return all;
}

function isHistogram(value: unknown): value is WeightHistogram {
  return isObject(value) && isArmName(value["arm"]) &&
    typeof value["layer"] === "string" &&
    ["level", "replicate", "draw", "limit", "notFinite"].every((key) => typeof value[key] === "number") &&
    ["initialSurviving", "initialPruned", "finalSurviving"].every((key) => isCounts(value[key]));
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => typeof count === "number");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
