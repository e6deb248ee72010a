/**
 * What every peer is measured by: the same networks, the same random images, the same way of timing and the same check
 * that the step trains. A peer brings only how its library does a step.
 *
 * @module
 */
import { RandomStream } from "../../src/data/random.ts";
import { type Spread, spread } from "../spread.ts";

/** The networks whose training step is compared. */
export type NetworkName = "lenet" | "conv2";

/** A layer; every convolution and every dense layer but the last ends in ReLU. */
export type Layer =
  | { readonly type: "convolution"; readonly inputs: number; readonly outputs: number }
  | { readonly type: "max-pool" }
  | { readonly type: "dense"; readonly inputs: number; readonly outputs: number };

/** A network, and how its step is timed. */
export interface Network {
  /** What it is called. */
  readonly name: NetworkName;
  /** One image: channels, rows, columns. */
  readonly input: readonly [channels: number, height: number, width: number];
  /** Share of the pixels that are lit. */
  readonly lit: number;
  /** Convolutions are 3 × 3, "same", stride 1; poolings 2 × 2. */
  readonly layers: readonly Layer[];
  /** Adam's. */
  readonly learningRate: number;
  /** Batches on the GPU, taken in turn. */
  readonly batches: number;
  /** Steps to a run. */
  readonly steps: number;
  /** Runs that count, after one that does not. */
  readonly runs: number;
  /** What the loss must fall to, as a share of what it was. */
  readonly lossFall: number;
}

/** Images per step. */
export const batchSize = 60;

/** Classes. */
export const classes = 10;

/**
 * The networks (Frankle & Carbin 2019, Figure 2). Where a step takes seconds, few runs must do, and one batch to learn by
 * heart.
 */
export const networks: Readonly<Record<NetworkName, Network>> = {
  lenet: {
    name: "lenet",
    input: [1, 28, 28],
    lit: 0.19, // as MNIST's
    layers: [
      { type: "dense", inputs: 784, outputs: 300 },
      { type: "dense", inputs: 300, outputs: 100 },
      { type: "dense", inputs: 100, outputs: classes },
    ],
    learningRate: 1.2e-3,
    batches: 10,
    steps: 20,
    runs: 7,
    lossFall: 0.1,
  },
  conv2: {
    name: "conv2",
    input: [3, 32, 32],
    lit: 1,
    layers: [
      { type: "convolution", inputs: 3, outputs: 64 },
      { type: "convolution", inputs: 64, outputs: 64 },
      { type: "max-pool" },
      { type: "dense", inputs: 64 * 16 * 16, outputs: 256 },
      { type: "dense", inputs: 256, outputs: 256 },
      { type: "dense", inputs: 256, outputs: classes },
    ],
    learningRate: 2e-4,
    batches: 1,
    steps: 1,
    runs: 2,
    lossFall: 0.95,
  },
};

/** The network that a program's argument names; `lenet` when left out. Ends the program where there is none. */
export function networkName(argument = "lenet"): NetworkName {
  if (argument === "lenet" || argument === "conv2") return argument;
  fail(`"${argument}"`, "networks are lenet and conv2. Give one of them, or none for lenet.");
}

/** One way of doing a step. */
export interface Variant<Batch> {
  /** What it is called. */
  readonly name: string;
  /** Readies the library for it. */
  begin?(): void;
  /** Queues one step. */
  step(batch: Batch): void;
}

/** A library, with the network's weights and Adam's state on the GPU. */
export interface Peer<Batch> {
  /** Package, version and backend. */
  readonly name: string;
  /** Ways of doing a step, timed in turn; the fastest is what counts. */
  readonly variants: readonly Variant<Batch>[];
  /** Puts a batch on the GPU: images as [batch][channel][row][column], labels one-hot. */
  upload(images: Float32Array<ArrayBuffer>, labels: Float32Array<ArrayBuffer>): Batch;
  /** Mean loss over a batch as the network is now. */
  loss(batch: Batch): Promise<number>;
  /** Resolves when the GPU has done all steps. */
  done(): Promise<void>;
}

const random = new RandomStream(1, "synthetic");

/** Initial weights of a layer, Glorot's normal. */
export function drawWeights(fanIn: number, fanOut: number, count: number): Float32Array<ArrayBuffer> {
  const deviation = Math.sqrt(2 / (fanIn + fanOut));
  return Float32Array.from({ length: count }, () => deviation * random.normal());
}

/** Ends the program with what is the matter. */
export function fail(what: string, reason: string): never {
  console.error(`Cannot measure ${what}: ${reason}`);
  Deno.exit(1);
}

/** Times the training step of a network and prints one line of JSON. Fails where the step does not train. */
export async function measure<Batch>(network: Network, peer: Peer<Batch>): Promise<void> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  const batches = Array.from({ length: network.batches }, () => {
    const { images, labels } = drawBatch(network);
    return peer.upload(images, labels);
  });
  const before = await meanLoss(peer, batches);
  const times = new Map(peer.variants.map(({ name }): [string, number[]] => [name, []]));
  for (let run = 0; run <= network.runs; run++) {
    for (const variant of peer.variants) {
      variant.begin?.();
      const started = performance.now();
      for (let step = 0; step < network.steps; step++) {
        const batch = batches[step % batches.length];
        if (batch) variant.step(batch);
      }
      await peer.done();
      // The first run of each compiles its shaders and is not counted.
      if (run > 0) times.get(variant.name)?.push((performance.now() - started) / network.steps);
    }
  }
  const after = await meanLoss(peer, batches);

  // A step that does not train is not worth comparing with: by now a few batches are learned by heart. NaN fails this too.
  if (!(after < before * network.lossFall)) {
    fail(peer.name, `its loss went from ${before} to ${after}, and ${network.lossFall} of it was wanted.`);
  }

  const measured = [...times].map(([name, values]): { name: string; stepMs: Spread } => ({
    name,
    stepMs: spread(values),
  }));
  const fastest = measured.reduce((best, each) => each.stepMs.median < best.stepMs.median ? each : best);
  console.log(JSON.stringify({
    peer: peer.name,
    network: network.name,
    stepMs: fastest.stepMs,
    adapter: adapter?.info.description,
    batch: batchSize,
    steps: network.steps,
    runs: network.runs,
    variant: fastest.name,
    variants: Object.fromEntries(measured.map(({ name, stepMs }) => [name, stepMs])),
    loss: { before, after },
  }));
}

/** Random images and random labels: few enough to be learned by heart. */
function drawBatch({ input, lit }: Network): { images: Float32Array<ArrayBuffer>; labels: Float32Array<ArrayBuffer> } {
  const pixels = input.reduce((product, size) => product * size, batchSize);
  const images = Float32Array.from({ length: pixels }, () => random.uniform() < lit ? random.uniform() : 0);
  const labels = new Float32Array(batchSize * classes);
  for (let row = 0; row < batchSize; row++) labels[row * classes + random.below(classes)] = 1;
  return { images, labels };
}

async function meanLoss<Batch>(peer: Peer<Batch>, batches: readonly Batch[]): Promise<number> {
  let sum = 0;
  for (const batch of batches) sum += await peer.loss(batch);
  return sum / batches.length;
}
