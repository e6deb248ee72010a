/**
 * What the page and the worker that trains say to each other, through a `MessagePort`. Units as in `src/lottery/types.ts`.
 *
 * @module
 */
import type { DatasetName } from "../data/dataset.ts";
import type { AdapterInfo } from "../gpu/gpu.ts";
import type { Evaluation, LevelRecord } from "../lottery/types.ts";
import type { TrySettings } from "./try_settings.ts";
import type { Trouble } from "./try_trouble.ts";

/** What the page asks for. */
export type Order =
  /** Find tickets. `digits`: the address that the files of digits are below. */
  | { readonly type: "train"; readonly settings: TrySettings; readonly digits: string }
  /** Stop at the next step. */
  | { readonly type: "stop" }
  /** Which digit this is, by the best ticket: 28 × 28 bytes, white on black as in MNIST. */
  | { readonly type: "read"; readonly pixels: Uint8Array<ArrayBuffer> };

/** A test image with what the ticket takes it for. */
export interface ReadExample {
  /** 28 × 28 bytes. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  /** What it is. */
  readonly label: number;
  /** What the ticket takes it for. */
  readonly predicted: number;
}

/** What the visitor is told about a training that has ended. */
export interface TryResult {
  /** Whether pruning helped, in sentences. */
  readonly outcome: readonly string[];
  /** The level whose ticket is the best one by validation loss; 0 where every ticket diverged. */
  readonly level: number;
  /** Its surviving fraction of the weights. */
  readonly remaining: number;
  /** Test images that it takes for the right class, of all. */
  readonly correct: number;
  /** Test images. */
  readonly count: number;
  /** The first test images. */
  readonly first: readonly ReadExample[];
  /** The first that it takes for another class. */
  readonly mistakes: readonly ReadExample[];
}

/** What the worker tells. */
export type Report =
  /** What is trained on; `reason`: why not on digits, where it is not. */
  | { readonly type: "data"; readonly dataset: DatasetName; readonly train: number; readonly reason?: string }
  | {
    readonly type: "start";
    readonly adapter: AdapterInfo;
    /** Weights of the dense network. */
    readonly weights: number;
    /** Planned surviving fraction per level. */
    readonly remaining: readonly number[];
  }
  | { readonly type: "progress"; readonly level: number; readonly iteration: number }
  | { readonly type: "evaluation"; readonly evaluation: Evaluation }
  | {
    readonly type: "level-end";
    readonly level: number;
    readonly records: readonly LevelRecord[];
    /** Per pixel, how many of the ticket's weights of the first layer that lead away from it survive. */
    readonly survivors: Uint16Array<ArrayBuffer>;
    /** Units of the first layer: what a pixel begins with. */
    readonly units: number;
  }
  | { readonly type: "end"; readonly result: TryResult }
  | { readonly type: "stopped" }
  /** Probabilities of the classes. */
  | { readonly type: "read"; readonly probabilities: readonly number[] }
  | { readonly type: "failed"; readonly trouble: Trouble };
