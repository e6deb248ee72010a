/**
 * Figures that train a network once per value of a setting: LeNet's of Appendix G, the convolutional networks' of Appendix H.
 *
 * @module
 */
import type { ExperimentRun, Panel } from "./experiment.ts";
import { linesOf, speedAndAccuracy } from "./panels.ts";
import { type Changes, convolutional, sweep } from "./runs.ts";

/** What all sweeps say of themselves. */
export const ourGrid =
  "The grid is ours, chosen around the values that the paper's text names: it prints its own only in the picture. The paper shows " +
  "accuracy on the validation set here, and we show that on the test set. Three replicates, as in the paper's appendices.";

/** The values of a setting for LeNet, a run each. */
export function lenetSweep<Value>(
  values: readonly Value[],
  of: (value: Value) => { readonly name: string; readonly changes: Changes },
): ExperimentRun[] {
  return sweep("lenet", values, of);
}

/** The name of a convolutional network's preset. */
export type ConvPreset = (typeof convolutional)[number]["preset"];

/** A setting's values for each convolutional network: their runs, and two panels a network. */
export function convSweep<Value>(
  valuesOf: (preset: ConvPreset) => readonly Value[],
  of: (value: Value, preset: ConvPreset) => { readonly name: string; readonly changes: Changes },
  options: { readonly x?: "log" | "linear" | "weights" } = {},
): { readonly runs: readonly ExperimentRun[]; readonly panels: readonly Panel[] } {
  const networks = convolutional.map(({ name, preset }) => ({
    name,
    runs: sweep(preset, valuesOf(preset), (value) => {
      const own = of(value, preset);
      return { ...own, name: `${name}, ${own.name}` };
    }),
  }));
  return {
    runs: networks.flatMap(({ runs }) => runs),
    panels: networks.flatMap(({ name, runs }) => speedAndAccuracy(linesOf(runs), name, options)),
  };
}
