/** Placeholder until the schema lands. @module */
export interface LotteryConfig {
  readonly preset: "lenet-quick" | "lenet";
  readonly dataset: "mnist" | "fashion-mnist" | "synthetic";
  readonly trainSize: number;
  readonly validationSize: number;
  readonly levels: number;
  readonly iterations: number;
  readonly batchSize: number;
  readonly optimizer: "adam" | "sgd";
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly pruneDense: number;
  readonly pruneOutput: number;
  readonly scope: "layer" | "global";
  readonly width: number;
  readonly replicates: number;
  readonly controls: readonly ("reinit")[];
  readonly reinitDraws: number;
  readonly seed: number;
  readonly evalEvery: number;
  readonly saveFinals: "none" | "last" | "all";
}
