/**
 * Gradients at given values, for arms that score weights before training.
 *
 * @module
 */
import { DataOrder } from "../data/order.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { DeviceExamples } from "../nn/batches.ts";
import { Ensemble } from "../nn/ensemble.ts";
import { denseMask } from "../nn/mask.ts";
import type { NetworkLayout } from "../nn/network.ts";
import { armCode } from "./arms/names.ts";
import type { LotteryConfig } from "./config.ts";
import { optimizerOf } from "./optimizer.ts";
import type { Trial } from "./trials.ts";

/** With what a gradient is computed. */
export interface GradientSources {
  readonly config: LotteryConfig;
  readonly layout: NetworkLayout;
  readonly train: DeviceExamples;
  readonly test: DeviceExamples;
}

/**
 * The gradient of the mean training loss over one batch of a trial's training images, every weight taken part: an arena. All scores
 * of a trial see the same batch, of a data order that no training has. Weight decay is not part of it.
 */
export async function batchGradient(
  gpu: Gpu,
  { config, layout, train, test }: GradientSources,
  trial: Trial,
  values: Float32Array<ArrayBuffer>,
): Promise<Float32Array<ArrayBuffer>> {
  using ensemble = await Ensemble.open(gpu, {
    layout,
    replicates: 1,
    batchSize: config.batchSize,
    optimizer: optimizerOf(config),
    iterations: config.iterations,
    train,
    test,
    splits: [trial.split],
    normalization: [trial.normalization],
    augment: config.augment,
  });
  const stream = { arm: armCode("snip"), level: 0, draw: 1 };
  const order = new DataOrder(trial.split.train, config.batchSize, trial.seed, stream, { augment: config.augment });
  ensemble.begin([{ values, mask: denseMask(layout) }]);
  ensemble.steps([order.next(1)]);
  const [gradient] = await ensemble.gradients();
  if (!gradient) throw new Error("unreachable: one gradient per network");
  return gradient;
}
