/**
 * How many weights survive at a level that is not trained yet.
 *
 * @module
 */
import type { DatasetName } from "../data/dataset.ts";
import { type LotteryConfig, networkOf } from "../lottery/config.ts";
import { ratesOf } from "../lottery/schedule.ts";
import { plannedWeights } from "../lottery/schedule.ts";
import type { LevelRecord } from "../lottery/types.ts";
import { layOut } from "../nn/network.ts";

const grey = { channels: 1, height: 28, width: 28, classes: 10 } as const;

/** What the data sets' images are, which a run's folder does not say. */
const images: Readonly<Record<DatasetName, Readonly<Record<"channels" | "height" | "width" | "classes", number>>>> = {
  mnist: grey,
  "fashion-mnist": grey,
  synthetic: grey,
  cifar10: { channels: 3, height: 32, width: 32, classes: 10 },
};

/**
 * Surviving fraction of all weights by level: of levels that are trained as recorded; of others as planned, or continued from
 * the last two where the plan is for images of another size than these were.
 */
export function remainingByLevel(config: LotteryConfig, records: readonly LevelRecord[]): number[] {
  const recorded = new Map(records.map(({ level, remaining }) => [level, remaining]));
  const planned = plan(config, records);
  const all: number[] = [];
  for (let level = 0; level <= config.levels; level++) {
    const [last = 1, before = 1] = [all[level - 1], all[level - 2]];
    all.push(recorded.get(level) ?? planned?.[level] ?? (level === 0 ? 1 : last * Math.min(1, last / before)));
  }
  return all;
}

function plan(config: LotteryConfig, records: readonly LevelRecord[]): number[] | undefined {
  try {
    const layout = layOut(networkOf(config, { name: config.dataset, ...images[config.dataset] }));
    const sizes = records[0]?.layers.map(({ size }) => size);
    const isOther = sizes && (sizes.length !== layout.layers.length ||
      layout.layers.some(({ inputs, outputs }, index) => inputs * outputs !== sizes[index]));
    if (isOther) return undefined;
    return plannedWeights(layout, config.levels, ratesOf(config)).map((count) => count / layout.weights);
  } catch {
    // A network of the user's own for other images.
    return undefined;
  }
}
