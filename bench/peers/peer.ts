/**
 * What every peer is measured by: the same networks, the same random images, the same way of timing and the same checks
 * that the step trains and that an evaluation counts. A peer brings only how its library does them.
 *
 * @module
 */
import { RandomStream } from "../../src/data/random.ts";
import { type Spread, spread } from "../spread.ts";

/** The networks whose training step is compared. */
export type NetworkName = "lenet" | "conv2" | "conv4";

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
  /** How its evaluation is timed. */
  readonly evaluation: {
    /** Images of one evaluation, in whole batches. */
    readonly images: number;
    /** Images at once in the peers. */
    readonly batch: number;
    /** Evaluations that count, after one that does not. */
    readonly runs: number;
  };
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
    evaluation: { images: 15_000, batch: 1000, runs: 3 },
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
    evaluation: { images: 240, batch: 60, runs: 2 },
  },
  conv4: {
    name: "conv4",
    input: [3, 32, 32],
    lit: 1,
    layers: [
      { type: "convolution", inputs: 3, outputs: 64 },
      { type: "convolution", inputs: 64, outputs: 64 },
      { type: "max-pool" },
      { type: "convolution", inputs: 64, outputs: 128 },
      { type: "convolution", inputs: 128, outputs: 128 },
      { type: "max-pool" },
      { type: "dense", inputs: 128 * 8 * 8, outputs: 256 },
      { type: "dense", inputs: 256, outputs: 256 },
      { type: "dense", inputs: 256, outputs: classes },
    ],
    learningRate: 3e-4,
    batches: 1,
    steps: 1,
    runs: 2,
    lossFall: 0.95,
    evaluation: { images: 120, batch: 60, runs: 2 },
  },
};

/** The network that a program's argument names; `lenet` when left out. Ends the program where there is none. */
export function networkName(argument = "lenet"): NetworkName {
  if (argument === "lenet" || argument === "conv2" || argument === "conv4") return argument;
  fail(`"${argument}"`, "networks are lenet, conv2 and conv4. Give one of them, or none for lenet.");
}

/** Loss and correct predictions over images. */
export interface Sums {
  /** Summed over the images. */
  readonly loss: number;
  /** Images whose largest logit is the label's. */
  readonly correct: number;
}

/** One way of doing a step, and an evaluation. */
export interface Variant<Batch> {
  /** What it is called. */
  readonly name: string;
  /** Readies the library for it. */
  begin?(): void;
  /** Queues one step. */
  step(batch: Batch): void;
  /** Evaluates batches of equal size, with one read at the end of all. */
  evaluate(batches: readonly Batch[]): Promise<Sums>;
}

/** A library, with the network's weights and Adam's state on the GPU. */
export interface Peer<Batch> {
  /** Package, version and backend. */
  readonly name: string;
  /** Ways of doing it, timed in turn; the fastest is what counts, of the step and of the evaluation each. */
  readonly variants: readonly Variant<Batch>[];
  /** Puts so many images on the GPU, as [image][channel][row][column], with their labels, one-hot. */
  upload(images: Float32Array<ArrayBuffer>, labels: Float32Array<ArrayBuffer>, count: number): Batch;
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

/** What a program prints, a line of JSON, that {@linkcode report} makes. */
export interface PeerReport {
  /** Package, version and backend. */
  readonly peer: string;
  /** The network. */
  readonly network: NetworkName;
  /** The adapter. */
  readonly adapter: string | undefined;
  /** Images of a step. */
  readonly batch: number;
  /** Milliseconds of one step, of the fastest variant. */
  readonly stepMs: Spread;
  /** Milliseconds of one evaluation, of the fastest variant. */
  readonly evaluationMs: Spread;
  /** Images of one evaluation. */
  readonly images: number;
  /** Of each variant. */
  readonly variants: Readonly<Record<string, { readonly stepMs: Spread; readonly evaluationMs: Spread }>>;
  /** Mean loss before and after training. */
  readonly loss: { readonly before: number; readonly after: number };
}

/** Prints what was measured. */
export function report(found: PeerReport): void {
  console.log(JSON.stringify(found));
}

/** Times training step and evaluation of a network, and prints them. Fails where either does not do what it is timed for. */
export async function measure<Batch>(network: Network, peer: Peer<Batch>): Promise<void> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  const batches = Array.from({ length: network.batches }, () => {
    const { images, labels } = drawImages(network, batchSize);
    return peer.upload(images, labels, batchSize);
  });
  const before = await meanLoss(peer, batches);
  const stepMs = await inTurn(peer.variants, network.runs, async (variant) => {
    const started = performance.now();
    for (let step = 0; step < network.steps; step++) {
      const batch = batches[step % batches.length];
      if (batch) variant.step(batch);
    }
    await peer.done();
    return (performance.now() - started) / network.steps;
  });
  const after = await meanLoss(peer, batches);

  // A step that does not train is not worth comparing with: by now a few batches are learned by heart. NaN fails this too.
  if (!(after < before * network.lossFall)) {
    fail(peer.name, `its loss went from ${before} to ${after}, and ${network.lossFall} of it was wanted.`);
  }

  // An evaluation of what was trained on has the loss that is known, and more of it correct than by chance.
  for (const { name, begin, evaluate } of peer.variants) {
    begin?.();
    const { loss, correct } = await evaluate(batches);
    const images = batches.length * batchSize;
    if (Math.abs(loss / images - after) > 1e-3 * after + 1e-5 || !(correct <= images && correct > images / classes)) {
      fail(
        peer.name,
        `${name} evaluates ${images} images to a mean loss of ${loss / images}, not ${after}, ${correct} correct.`,
      );
    }
  }
  const { images, batch, runs } = network.evaluation;
  // The same images again and again: drawing them takes longer than what is timed.
  const drawn = drawImages(network, batch);
  const evaluated = Array.from({ length: images / batch }, () => peer.upload(drawn.images, drawn.labels, batch));
  const evaluationMs = await inTurn(peer.variants, runs, async (variant) => {
    const started = performance.now();
    await variant.evaluate(evaluated);
    return performance.now() - started;
  });
  report({
    peer: peer.name,
    network: network.name,
    adapter: adapter?.info.description,
    batch: batchSize,
    stepMs: fastest(stepMs),
    evaluationMs: fastest(evaluationMs),
    images,
    variants: Object.fromEntries(
      peer.variants.map(({ name }, index) => [
        name,
        { stepMs: stepMs[index] ?? spread([]), evaluationMs: evaluationMs[index] ?? spread([]) },
      ]),
    ),
    loss: { before, after },
  });
}

/** Times variants in turn. The first run of each compiles its shaders and is not counted. */
async function inTurn<Batch>(
  variants: readonly Variant<Batch>[],
  runs: number,
  ms: (variant: Variant<Batch>) => Promise<number>,
): Promise<Spread[]> {
  const times: number[][] = variants.map(() => []);
  for (let run = 0; run <= runs; run++) {
    for (const [index, variant] of variants.entries()) {
      variant.begin?.();
      const own = await ms(variant);
      if (run > 0) times[index]?.push(own);
    }
  }
  return times.map(spread);
}

function fastest(times: readonly Spread[]): Spread {
  return times.reduce((best, each) => each.median < best.median ? each : best);
}

/** Random images and random labels: few enough to be learned by heart, where they are a batch. */
function drawImages(
  { input, lit }: Network,
  count: number,
): { images: Float32Array<ArrayBuffer>; labels: Float32Array<ArrayBuffer> } {
  const pixels = input.reduce((product, size) => product * size, count);
  const images = Float32Array.from({ length: pixels }, () => random.uniform() < lit ? random.uniform() : 0);
  const labels = new Float32Array(count * classes);
  for (let row = 0; row < count; row++) labels[row * classes + random.below(classes)] = 1;
  return { images, labels };
}

async function meanLoss<Batch>(peer: Peer<Batch>, batches: readonly Batch[]): Promise<number> {
  let sum = 0;
  for (const batch of batches) sum += await peer.loss(batch);
  return sum / batches.length;
}
