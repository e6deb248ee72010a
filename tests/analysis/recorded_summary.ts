/**
 * The summary of a real run, levels 0, 5, 8 and 10 of it: LeNet on 8,000 images of MNIST for 2,400 iterations, 25 % pruned per
 * round, two replicates with a re-initialisation each, recorded on lavapipe on 2026-11-25.
 *
 * @module
 */
import type { Summary } from "../../src/analysis/summary.ts";

/** The run. */
export const recorded: Summary = JSON.parse(
  Deno.readTextFileSync(new URL("./recorded_summary.json", import.meta.url)),
);

/** The same with some networks changed, each by its arm, level and place in the list. */
export function changed(
  change: (
    arm: string,
    level: number,
    index: number,
  ) => Partial<Summary["arms"][number]["levels"][number]["replicates"][number]>,
): Summary {
  return {
    ...recorded,
    arms: recorded.arms.map((arm) => ({
      ...arm,
      levels: arm.levels.map((level) => ({
        ...level,
        replicates: level.replicates.map((one, index) => ({ ...one, ...change(arm.name, level.level, index) })),
      })),
    })),
  };
}

/** The same with a second draw of every re-initialised network, changed from the first. */
export function withSecondDraws(
  change: Partial<Summary["arms"][number]["levels"][number]["replicates"][number]>,
): Summary {
  return {
    ...recorded,
    arms: recorded.arms.map((arm) =>
      arm.name === "ticket" ? arm : {
        ...arm,
        levels: arm.levels.map((level) => ({
          ...level,
          replicates: level.replicates.flatMap((one) => [one, { ...one, draw: 2, ...change }]),
        })),
      }
    ),
  };
}
