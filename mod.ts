/**
 * Winnow: lottery-ticket experiments on any GPU, in handwritten WGSL through WebGPU.
 *
 * {@linkcode lottery} trains a network, prunes its smallest weights, resets the rest to their initial values and trains
 * again, level after level (Frankle & Carbin, "The Lottery Ticket Hypothesis", ICLR 2019), and yields what happens as typed
 * events. {@linkcode loadTicket}, {@linkcode train}, {@linkcode evaluate} and {@linkcode predict} use what it found.
 *
 * @example Finding a ticket on a small generated data set
 * ```ts
 * import { loadDataset, lottery, preset } from "./mod.ts";
 *
 * const config = preset("lenet-quick", {
 *   dataset: "synthetic",
 *   trainSize: 1000,
 *   validationSize: 500,
 *   levels: 1,
 *   iterations: 20,
 *   evalEvery: 10,
 *   width: 0.1,
 *   controls: [],
 * });
 * const dataset = await loadDataset(config.dataset);
 * for await (const event of lottery(config, { dataset })) {
 *   if (event.type === "level-end") console.log(event.level, event.records[0]?.testAccuracyAtEnd);
 * }
 * ```
 *
 * @module
 */
export { lottery, type LotteryOptions } from "./src/lottery/lottery.ts";
export { recovering, type RecoveryOptions } from "./src/lottery/recovery.ts";
export {
  type ControlName,
  type LotteryConfig,
  networkOf,
  parseConfig,
  preset,
  type PresetName,
  presets,
} from "./src/lottery/config.ts";
export { armNames, controlNames } from "./src/lottery/arms/names.ts";
export type { CustomNetwork } from "./src/lottery/network_schema.ts";
export { parsePlanTable } from "./src/lottery/plan_table.ts";
export type { Scope } from "./src/lottery/schedule.ts";
export type { TraceListener, TraceSpan, TraceTrack } from "./src/lottery/trace.ts";
export {
  type ArmSummary,
  type LevelSummary,
  type ReplicateSummary,
  summarize,
  type Summary,
} from "./src/analysis/summary.ts";
export type {
  ArmName,
  Evaluation,
  LayerCount,
  LevelRecord,
  LevelTiming,
  LockstepBy,
  LotteryEvent,
  MemoryEntry,
  NetworkKey,
  PartialNetwork,
  RewindPoint,
  Snapshot,
  TicketMask,
  TrainedLayer,
  TrainedNetwork,
  TrainedNorm,
  TrainedValues,
} from "./src/lottery/types.ts";
export {
  formatModel,
  formatTicket,
  loadModel,
  loadTicket,
  modelOf,
  type RewindValues,
  type Ticket,
  ticketOf,
  train,
  type TrainOptions,
} from "./src/lottery/ticket.ts";
export { formatCompactTicket, loadCompactTicket } from "./src/store/compact_ticket.ts";
export { evaluate, type InferenceOptions, logits, type Model, predict, type Score } from "./src/nn/inference.ts";
export {
  architecture,
  type ArchitectureName,
  architectureNames,
  type ArchitectureOptions,
  varied,
} from "./src/nn/architectures.ts";
export type {
  Activation,
  BatchNormSpec,
  ConvSpec,
  DenseSpec,
  DropoutSpec,
  Extent,
  GlobalAveragePoolSpec,
  LayerSpec,
  LayerValues,
  MaxPoolSpec,
  NetworkSpec,
  NormValues,
  ResidualSpec,
} from "./src/nn/network.ts";
export type { TrainingState } from "./src/nn/ensemble.ts";
export {
  type LockstepRow,
  type PlanRow,
  type PlanTable,
  planTable,
  type SpeedRow,
  type TilesPlan,
} from "./src/nn/plan.ts";
export type { AdamSettings, LearningRateSettings, OptimizerSettings, SgdSettings } from "./src/nn/optimizer.ts";
export { datasetNames, loadDataset, type LoadOptions } from "./src/data/load.ts";
export type { Dataset, DatasetFile, DatasetName, Examples, ReadFile } from "./src/data/dataset.ts";
export { readFolder } from "./src/data/read_folder.ts";
export { syntheticDataset, type SyntheticOptions } from "./src/data/synthetic.ts";
export { type AdapterInfo, Gpu, type OpenOptions } from "./src/gpu/gpu.ts";
export { Buffer, type Ledger } from "./src/gpu/buffer.ts";
export { type Constants, type KernelSource, PipelineCache } from "./src/gpu/pipelines.ts";
export { type Dispatch, type Launch, Program, type RecordingHost } from "./src/gpu/program.ts";
export type { Range } from "./src/gpu/readback.ts";
export type { Limits } from "./src/gpu/limits.ts";
export { AdapterError, DeviceLostError, GpuError, OutOfMemoryError, ReadbackTimeoutError } from "./src/gpu/errors.ts";
