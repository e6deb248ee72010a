/**
 * Which kernels the layers of a level ran, in as few words as tell it.
 *
 * @module
 */
import type { LevelSummary } from "./summary.ts";

/** More layers than this are not named one by one. */
const mostNames = 3;

/**
 * One kind for all layers: `masked-dense`; several: `compact: dense1, dense2; masked-dense: dense3`, or `compact: dense1; else
 * masked-dense` where most of many layers ran the same. Empty where nothing is known.
 */
export function kernelWords(plan: LevelSummary["plan"]): string {
  const layersBy = Map.groupBy(Object.entries(plan), ([, kernels]) => kernels);
  if (layersBy.size === 1) return [...layersBy.keys()].join();
  const most = Math.max(mostNames + 1, ...[...layersBy.values()].map(({ length }) => length));
  const [usual] = [...layersBy].find(([, { length }]) => length === most) ?? [];
  return [
    ...[...layersBy].filter(([kernels]) => kernels !== usual)
      .map(([kernels, layers]) => `${kernels}: ${layers.map(([name]) => name).join(", ")}`),
    ...(usual === undefined ? [] : [`else ${usual}`]),
  ].join("; ");
}

/** Neighbouring levels that ran the same, together: `levels 0 to 4`, with what they ran. Levels of which nothing is known are left out. */
export function kernelsByLevel(
  levels: readonly Pick<LevelSummary, "level" | "plan">[],
): { readonly levels: string; readonly kernels: string }[] {
  const spans: { first: number; last: number; readonly kernels: string }[] = [];
  for (const { level, plan } of levels) {
    const kernels = kernelWords(plan);
    const before = spans.at(-1);
    if (before?.kernels === kernels) before.last = level;
    else spans.push({ first: level, last: level, kernels });
  }
  return spans.filter(({ kernels }) => kernels !== "").map(({ first, last, kernels }) => ({
    levels: first === last ? `level ${first}` : `levels ${first} to ${last}`,
    kernels,
  }));
}
