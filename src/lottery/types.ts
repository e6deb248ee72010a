/**
 * What the loop tells its listeners: events, records of trained networks, snapshots to go on from.
 *
 * Units: fractions of 1; losses are mean cross-entropy in nats; an iteration is one optimizer step; replicates and draws
 * count from 1, levels from 0 (the dense network).
 *
 * @module
 */
import type { AdapterInfo } from "../gpu/gpu.ts";
import type { TrainingState } from "../nn/ensemble.ts";
import type { LayerValues, NetworkSpec, NormValues } from "../nn/network.ts";
import type { ArmName } from "./arms/names.ts";
import type { LotteryConfig } from "./config.ts";

export type { ArmName };

/** One network of the experiment. */
export interface NetworkKey {
  /** The arm. */
  readonly arm: ArmName;
  /** The level; 0 = dense. */
  readonly level: number;
  /** The replicate, from 1. */
  readonly replicate: number;
  /** Which of a control's draws for this ticket, from 1; 1 for a ticket. */
  readonly draw: number;
}

/** How much of a layer survives. */
export interface LayerCount {
  /** `conv1`, `conv2`, …, `dense1`, … */
  readonly name: string;
  /** Weights of the layer before any pruning. */
  readonly size: number;
  /** Weights that survive. */
  readonly kept: number;
}

/** What one trained network of one level came to. */
export interface LevelRecord extends NetworkKey {
  /** The replicate's seed. */
  readonly seed: number;
  /** `diverged` when a training loss was not finite. */
  readonly status: "ok" | "diverged";
  /** The first iteration whose loss was not finite. */
  readonly divergedAt: number | null;
  /** Surviving fraction of all weights. */
  readonly remaining: number;
  /** The same per layer, as counts. */
  readonly layers: readonly LayerCount[];
  /** Iteration of minimum validation loss, the earliest if several; null when no loss was finite. */
  readonly earlyStopIteration: number | null;
  /** The minimum itself. */
  readonly validationLossAtEarlyStop: number | null;
  /** Test accuracy at that iteration. */
  readonly testAccuracyAtEarlyStop: number | null;
  /** Accuracy on the whole training split at that iteration. */
  readonly trainAccuracyAtEarlyStop: number | null;
  /** Test accuracy after the last iteration. */
  readonly testAccuracyAtEnd: number | null;
  /** Accuracy on the whole training split after the last iteration. */
  readonly trainAccuracyAtEnd: number | null;
}

/** One evaluation of one network. A loss that is not finite is null. */
export interface Evaluation extends NetworkKey {
  /** Steps done. */
  readonly iteration: number;
  /** Mean training loss since the evaluation before; null before the first step. */
  readonly trainLoss: number | null;
  /** Mean loss on the validation split. */
  readonly validationLoss: number | null;
  /** Accuracy on the validation split. */
  readonly validationAccuracy: number;
  /** Mean loss on the test set. */
  readonly testLoss: number | null;
  /** Accuracy on the test set. */
  readonly testAccuracy: number;
}

/** One layer of a trained network, `[inputs][outputs]` each, biases `[outputs]`; a convolution's rows are `[C][ky][kx]`. */
export interface TrainedLayer {
  /** `conv1`, `conv2`, …, `dense1`, … */
  readonly name: string;
  /** Rows: fan-in. */
  readonly inputs: number;
  /** Columns: units or output channels. */
  readonly outputs: number;
  /** 1 where a weight survives. */
  readonly mask: Uint8Array<ArrayBuffer>;
  /** The values that the network was initialised with, pruned or not. */
  readonly initial: Float32Array<ArrayBuffer>;
  /** The values that training ended with; zero where pruned. */
  readonly final: Float32Array<ArrayBuffer>;
  /** Initial biases. */
  readonly initialBias: Float32Array<ArrayBuffer>;
  /** Final biases. */
  readonly finalBias: Float32Array<ArrayBuffer>;
  /** For a rewound ticket: weights, pruned or not, and biases that training started from instead of the initial ones. */
  readonly rewind?: LayerValues;
}

/** One batch norm of a trained network. */
export interface TrainedNorm {
  /** `norm1`, `norm2`, … */
  readonly name: string;
  /** What it was initialised with. */
  readonly initial: NormValues;
  /** What training ended with. */
  readonly final: NormValues;
  /** For a rewound ticket: what training started from. */
  readonly rewind?: NormValues;
}

/** A network at the end of its level: its ticket, and what training made of it. */
export interface TrainedNetwork extends NetworkKey {
  /** The architecture. */
  readonly network: NetworkSpec;
  /** The iteration at which its training started: 0, or the one that its level was rewound to. */
  readonly firstIteration: number;
  /** The layers with weights, in order. */
  readonly layers: readonly TrainedLayer[];
  /** The batch norms, in order. */
  readonly norms: readonly TrainedNorm[];
  /** (scale, shift) of each channel: what bytes became before the network saw them. */
  readonly normalization: Float32Array<ArrayBuffer>;
}

/** How a level ran. */
export interface LevelTiming {
  /** The level. */
  readonly level: number;
  /** Wall-clock seconds, evaluation included. */
  readonly seconds: number;
  /** Median milliseconds of one training step of all networks in lockstep, without evaluation and compilation. */
  readonly stepMs: number;
  /** Which kernels each layer ran. */
  readonly plan: Readonly<Record<string, string>>;
}

/** A mask that an arm found by pruning, one bit per parameter of the arena. */
export interface TicketMask {
  /** The arm: the tickets, or another that prunes for itself. */
  readonly arm: ArmName;
  /** The level that is trained with it. */
  readonly level: number;
  /** The replicate. */
  readonly replicate: number;
  /** 32 parameters per word. */
  readonly words: Uint32Array<ArrayBuffer>;
}

/** Where the tickets of a replicate are rewound to: what its dense network was at iteration `rewind`. */
export interface RewindPoint {
  /** The replicate. */
  readonly replicate: number;
  /** The whole arena: weights, biases, batch norms and their running statistics. */
  readonly values: Float32Array<ArrayBuffer>;
}

/** What a network was trained to, kept where an arm starts from it or prunes by it. */
export interface TrainedValues {
  /** The arm. */
  readonly arm: ArmName;
  /** The level. */
  readonly level: number;
  /** The replicate. */
  readonly replicate: number;
  /** The whole arena; zero where the mask prunes. */
  readonly values: Float32Array<ArrayBuffer>;
}

/** A network within its level: everything that it takes to go on with it bit for bit, beside the masks of the snapshot. */
export interface PartialNetwork extends NetworkKey, TrainingState {
  /** Steps done. */
  readonly iteration: number;
  /** Its evaluations so far. */
  readonly evaluations: readonly Evaluation[];
  /** Wall-clock seconds so far: its share of what trained in lockstep. */
  readonly seconds: number;
  /** Median milliseconds of a step of what trained in lockstep, so far. */
  readonly stepMs: number;
  /** Of a dense network beyond iteration `rewind`, when the configuration rewinds: the arena at that iteration. */
  readonly rewind?: Float32Array<ArrayBuffer>;
}

/** Everything a later `lottery()` needs to go on: it trains what is wanted and not done. */
export interface Snapshot {
  /** What was trained. */
  readonly records: readonly LevelRecord[];
  /** How long it took. */
  readonly timings: readonly LevelTiming[];
  /** Masks of arms that prune, for levels 1 and on; level L + 1's are there as soon as level L is done. */
  readonly masks: readonly TicketMask[];
  /** One per replicate whose dense network is trained, when the configuration rewinds to an iteration after 0; else none. */
  readonly rewinds: readonly RewindPoint[];
  /**
   * Where a control needs them: what dense networks were trained to, and the newest level of arms that go on with their trained
   * weights. Absent when there are none.
   */
  readonly trained?: readonly TrainedValues[];
  /** Networks within their level, to go on with at their iterations. Absent when there are none. */
  readonly partial?: readonly PartialNetwork[];
}

/** A buffer in the memory plan. */
export interface MemoryEntry {
  /** What it holds. */
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
}

/**
 * What decides how many networks train in lockstep: `level`, all of the largest level; `memory`, more would not fit; `plan`, more
 * are no faster by the plan table; `caller`, no more were asked for. No number depends on it.
 */
export type LockstepBy = "level" | "memory" | "plan" | "caller";

/** What `lottery()` yields. */
export type LotteryEvent =
  | {
    readonly type: "start";
    readonly config: LotteryConfig;
    readonly network: {
      readonly spec: NetworkSpec;
      /** Weights in all; biases and batch norms are not counted. */
      readonly weights: number;
      readonly layers: readonly LayerCount[];
    };
    readonly adapter: AdapterInfo;
    /** The largest plan of the run: buffers on the GPU. */
    readonly memory: readonly MemoryEntry[];
    /** Most networks that train in lockstep; levels with more train in turns, each with events of its own. */
    readonly lockstep: number;
    /** Who said so. */
    readonly lockstepBy: LockstepBy;
    /** Planned surviving fraction per level. */
    readonly remaining: readonly number[];
  }
  | {
    readonly type: "level-start";
    readonly level: number;
    /** What trains in lockstep. */
    readonly networks: readonly (NetworkKey & { readonly seed: number })[];
    /** Where the training begins or, within a level that was interrupted, goes on. */
    readonly iteration: number;
    readonly remaining: number;
    readonly layers: readonly LayerCount[];
  }
  | {
    readonly type: "progress";
    readonly level: number;
    /** Where the level began: 0, or where it was rewound to. */
    readonly firstIteration: number;
    readonly iteration: number;
    readonly iterations: number;
    /** Milliseconds of one step of all networks, lately. */
    readonly stepMs: number;
    /** Mean training loss of the first network since the last evaluation, at least once a second; null before there is one. */
    readonly trainLoss: number | null;
  }
  | { readonly type: "evaluation"; readonly evaluation: Evaluation }
  | {
    readonly type: "level-end";
    readonly level: number;
    readonly records: readonly LevelRecord[];
    readonly networks: readonly TrainedNetwork[];
    readonly timing: LevelTiming;
  }
  | { readonly type: "snapshot"; readonly snapshot: Snapshot }
  | { readonly type: "end"; readonly snapshot: Snapshot };
