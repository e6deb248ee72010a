/**
 * `bench crossover`: compact against dense kernels on one layer, density after density.
 *
 * @module
 */
import {
  comparisons,
  type Crossover,
  crossover,
  formatCrossover,
  type TimedLayer,
  usualDensities,
} from "../../bench/crossover.ts";
import { quoted } from "../data/quoted.ts";
import { lanes } from "../nn/graph.ts";
import { roundUp } from "../nn/network.ts";
import { lineFigure } from "../plot/line_figure.ts";
import { runLook } from "../plot/palette.ts";
import { standalone } from "../plot/styles.ts";
import { UsageError } from "./arguments.ts";
import { type BenchForm, mediansOf, runsFlag, wholeNumber } from "./bench_form.ts";

const usualRuns = 25;

/** The form. */
export const crossoverForm: BenchForm = {
  name: "crossover",
  description: "compact against dense kernels on one layer, and the density at which they cross",
  what: [
    "Times compact and dense kernels on the same layer, density after density, all in turn: how long compact ones take by",
    "dense ones, and the density below which they are faster. Needs an adapter with timestamps.",
  ],
  flags: [
    { flag: "--layer", value: "INxOUT", description: "inputs and outputs of a dense layer (784x300)" },
    {
      flag: "--conv",
      value: "CxKxS",
      description: "instead, a 3 × 3 convolution from C to K channels on S × S images",
    },
    { flag: "--batch-size", value: "N", description: `images of one step, in whole ${lanes}s (64)` },
    runsFlag(usualRuns),
    { flag: "--svg", value: "FILE", description: "draws it, too" },
  ],
  examples: [
    "bench crossover",
    "bench crossover --layer 300x100 --svg crossover.svg",
    "bench crossover --conv 64x64x32",
  ],
  prepare(values) {
    const layer = layerOf(values.get("--layer"), values.get("--conv"));
    const asked = wholeNumber("--batch-size", values.get("--batch-size") ?? "64", { most: 4096 });
    const batch = roundUp(asked, lanes);
    const runs = wholeNumber("--runs", values.get("--runs") ?? `${usualRuns}`, { most: 1000 });
    const title = `${titleOf(layer)}, batch ${batch}`;
    return {
      settings: { layer: nameOf(layer), batchSize: batch },
      async measure(gpu, signal) {
        const densities = usualDensities[layer.type];
        const found = await crossover(gpu, { layer, batch, densities, runs, signal });
        return {
          details: { runs, ...found, comparisons: comparisons(found) },
          medians: mediansOf([
            ...Object.entries(found.dense).map(([pass, ms]) => [`dense ${pass}`, ms] as const),
            ...found.compact.flatMap(({ density, ms }) =>
              Object.entries(ms).map(([pass, ms]) => [`compact ${pass} at ${percent(density)}`, ms] as const)
            ),
          ]),
          lines: [`${title}; compact by dense, medians of ${runs} measurements in turn`, "", ...formatCrossover(found)],
          svg: draw(found, title, gpu.adapter.name),
        };
      },
    };
  },
};

/** The measurement as a file: a line for each choice, and a rule where compact is as fast as dense. */
function draw(found: Crossover, title: string, adapter: string): string {
  const choices = comparisons(found);
  const words = choices.map(({ title, crossing }) =>
    `${title}: ${crossing === null ? "no crossing among these densities" : `faster below ${percent(crossing)}`}`
  );
  const densities = choices[0]?.points.map(({ density }) => inPercent(density)) ?? [];
  return standalone(lineFigure({
    prefix: "crossover",
    title: `Compact by dense, ${title}`,
    subtitle: adapter,
    words: `${words.join("; ")}.`,
    x: { title: "Weights remaining (%)", scale: "log", reversed: true, ticks: densities, label: String },
    y: { title: "Time of compact kernels by that of dense ones", scale: "log" },
    rule: { value: 1, name: "as fast", label: "as dense" },
    series: choices.map(({ title, points }, index) => {
      const { style, marker } = runLook(index);
      return {
        name: title,
        style: `run-${style}`,
        marker,
        points: points.map(({ density, ratio }) => ({
          x: inPercent(density),
          y: { mean: ratio, minimum: ratio, maximum: ratio },
          note: `${title} at ${percent(density)}: ${ratio.toFixed(2)}`,
        })),
      };
    }),
  }));
}

function layerOf(dense: string | undefined, conv: string | undefined): TimedLayer {
  if (conv === undefined) {
    const [inputs = 0, outputs = 0] = countsOf(2, dense ?? "784x300");
    if (inputs >= 1 && outputs >= 1) return { type: "dense", inputs, outputs };
    throw new UsageError(`--layer is ${quoted(dense ?? "")}, and it must be inputs and outputs, such as 784x300.`);
  }
  if (dense !== undefined) throw new UsageError("Cannot time --layer and --conv at once. Give one of them.");
  const [channels = 0, outputs = 0, size = 0] = countsOf(3, conv);
  if (channels >= 1 && outputs >= 1 && size >= 1) return { type: "conv", channels, outputs, size };
  throw new UsageError(
    `--conv is ${quoted(conv)}, and it must be channels in, channels out and the images' size, such as 64x64x32.`,
  );
}

/** So many numbers with an × between them; none where the text is anything else. */
function countsOf(count: number, text: string): number[] {
  const parts = text.split(/[x×]/);
  return parts.length === count && parts.every((part) => /^\d{1,6}$/.test(part)) ? parts.map(Number) : [];
}

function nameOf(layer: TimedLayer): string {
  return layer.type === "dense"
    ? `${layer.inputs}x${layer.outputs}`
    : `conv ${layer.channels}x${layer.outputs}x${layer.size}`;
}

function titleOf(layer: TimedLayer): string {
  if (layer.type === "dense") return `${layer.inputs} × ${layer.outputs}`;
  return `${layer.channels} → ${layer.outputs} channels at ${layer.size} × ${layer.size}`;
}

function percent(fraction: number): string {
  return `${inPercent(fraction)} %`;
}

function inPercent(fraction: number): number {
  return Number((fraction * 100).toPrecision(2));
}
