/**
 * A configuration's optimizer.
 *
 * @module
 */
import type { OptimizerSettings } from "../nn/optimizer.ts";
import type { LotteryConfig } from "./config.ts";

/**
 * The optimizer of a configuration, with its schedule of learning rates.
 *
 * @param rate `final`: all along the rate that the schedule ends with, for fine-tuning
 */
export function optimizerOf(config: LotteryConfig, rate: "schedule" | "final" = "schedule"): OptimizerSettings {
  const { weightDecay, momentum, lrDropFactor: dropFactor } = config;
  const isFinal = rate === "final";
  const common = {
    lr: isFinal ? config.lr * dropFactor ** config.lrDrops.length : config.lr,
    weightDecay,
    warmup: isFinal ? 0 : config.warmup,
    drops: isFinal ? [] : config.lrDrops,
    dropFactor,
  };
  return config.optimizer === "adam" ? { type: "adam", ...common } : { type: "sgd", momentum, ...common };
}
