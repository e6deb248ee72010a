/**
 * The training step of LeNet-300-100 in TensorFlow.js 4.22 on its WebGPU backend: what `bench` measures of Winnow, done
 * by a peer on the same adapter. Run as a program it prints one line of JSON; ./README.md says how and what it means.
 *
 * Forms tried on 2026-11-24 with Deno 2.9.6 on lavapipe (Mesa 22.3.6, LLVM 15), two busy cores, so in milliseconds of
 * processor time per step, both cores together (median of five runs of 10 steps in turn; half of it is the least wall
 * time that two idle cores could give):
 *
 * | form | as shipped | packed products | … and submits of 60 | … and no small operations on the CPU |
 * |---|---|---|---|---|
 * | matMul, add, relu; minimize | 101 | 89 | | |
 * | fused.matMul with bias and ReLU; minimize | 99 | 93 | 82 | 84 (submits of 15) |
 * | tfjs-layers' dense layers; minimize | 100 | | | |
 * | tfjs-layers' fit, batches cut from 600 images | 98 | | | |
 * | tfjs-layers' trainOnBatch, which reads the loss every step | 113 | | | |
 *
 * Writing softmax cross-entropy with logSoftmax instead of tf.losses changed nothing. Other matrix programs lose (split-K
 * by a half, small-output fourfold) or exceed the limits on a dispatch (reduce). So: the fused form, as shipped and
 * tuned, and the faster of the two is what counts.
 *
 * No shim is needed: 4.22 reads `adapter.info` where there is one, and Deno 2.9.6 keeps it readable after a device is made.
 *
 * @module
 */
import * as tf from "npm:@tensorflow/tfjs-core@4.22.0";
import "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
// Only for what importing it does: outside a bundler core comes without its gradients, and this package registers them.
import "npm:@tensorflow/tfjs-layers@4.22.0";
import { RandomStream } from "../../src/data/random.ts";
import { type Spread, spread } from "../measure.ts";

const batchSize = 60;
const steps = 20;
const runs = 7;
const sizes = [784, 300, 100, 10] as const;

/** How the backend is set: its own defaults, and what the table above found faster on the software adapter. */
const variants: readonly { readonly name: string; readonly flags: Readonly<Record<string, number | boolean>> }[] = [
  {
    name: "as shipped",
    flags: {
      WEBGPU_MATMUL_PROGRAM_TYPE: -1,
      WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE: 15,
      WEBGPU_CPU_FORWARD: true,
    },
  },
  {
    name: "tuned",
    flags: {
      WEBGPU_MATMUL_PROGRAM_TYPE: 3, // MatMulPackedProgram for every product
      WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE: 60,
      WEBGPU_CPU_FORWARD: false,
    },
  },
];

interface Batch {
  readonly images: tf.Tensor2D;
  readonly labels: tf.Tensor2D;
}

interface Layer {
  readonly weights: tf.Variable<tf.Rank.R2>;
  readonly bias: tf.Variable<tf.Rank.R1>;
}

const random = new RandomStream(1, "synthetic");

/** Images with a fifth of their pixels lit, as MNIST's, and random labels: few enough to be learned by heart. */
function drawBatch(): Batch {
  const images = Float32Array.from({ length: batchSize * 784 }, () => random.uniform() < 0.19 ? random.uniform() : 0);
  const labels = new Float32Array(batchSize * 10);
  for (let row = 0; row < batchSize; row++) labels[row * 10 + random.below(10)] = 1;
  return { images: tf.tensor2d(images, [batchSize, 784]), labels: tf.tensor2d(labels, [batchSize, 10]) };
}

function drawLayer(inputs: number, outputs: number): Layer {
  const deviation = Math.sqrt(2 / (inputs + outputs));
  const weights = Float32Array.from({ length: inputs * outputs }, () => deviation * random.normal());
  return {
    weights: tf.variable(tf.tensor2d(weights, [inputs, outputs])),
    bias: tf.variable(tf.zeros<tf.Rank.R1>([outputs])),
  };
}

function loss(layers: readonly Layer[], { images, labels }: Batch): tf.Scalar {
  let activations: tf.Tensor = images;
  for (const [index, { weights, bias }] of layers.entries()) {
    const activation = index === layers.length - 1 ? "linear" : "relu";
    activations = tf.fused.matMul({ a: activations, b: weights, bias, activation });
  }
  return tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(labels, activations);
}

/** Resolves when the GPU has done all steps: the copy behind this read is queued after them. 40 bytes, once per run. */
async function done(layers: readonly Layer[]): Promise<void> {
  await layers.at(-1)?.bias.data();
}

async function meanLoss(layers: readonly Layer[], batches: readonly Batch[]): Promise<number> {
  let sum = 0;
  for (const batch of batches) {
    const value = tf.tidy(() => loss(layers, batch));
    sum += (await value.data())[0] ?? NaN;
    value.dispose();
  }
  return sum / batches.length;
}

// setBackend() answers false where the backend cannot start, and no other is ever chosen, so nothing stands in silently.
const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
if (!adapter || !await tf.setBackend("webgpu")) {
  console.error("Cannot measure TensorFlow.js: it found no WebGPU adapter. See what `deno task doctor` says.");
  Deno.exit(1);
}

const batches = Array.from({ length: 10 }, drawBatch);
const layers = [drawLayer(sizes[0], sizes[1]), drawLayer(sizes[1], sizes[2]), drawLayer(sizes[2], sizes[3])];
const variables = layers.flatMap(({ weights, bias }) => [weights, bias]);
const optimizer = tf.train.adam(1.2e-3, 0.9, 0.999, 1e-8);

const lossBefore = await meanLoss(layers, batches);
const times = new Map(variants.map(({ name }): [string, number[]] => [name, []]));
for (let run = 0; run <= runs; run++) {
  for (const { name, flags } of variants) {
    for (const [flag, value] of Object.entries(flags)) tf.env().set(flag, value);
    const started = performance.now();
    for (let step = 0; step < steps; step++) {
      const batch = batches[step % batches.length];
      if (batch) optimizer.minimize(() => loss(layers, batch), false, variables);
    }
    await done(layers);
    // The first run of each compiles its shaders and is not counted.
    if (run > 0) times.get(name)?.push((performance.now() - started) / steps);
  }
}
const lossAfter = await meanLoss(layers, batches);

// A step that does not train is not worth comparing with: by now the 600 images are learned by heart. NaN fails this too.
if (!(lossAfter < lossBefore / 10)) {
  console.error(
    `Cannot measure TensorFlow.js: its loss went from ${lossBefore} to ${lossAfter}, and a tenth was wanted.`,
  );
  Deno.exit(1);
}

const measured = [...times].map(([name, values]): { name: string; stepMs: Spread } => ({
  name,
  stepMs: spread(values),
}));
const fastest = measured.reduce((best, each) => each.stepMs.median < best.stepMs.median ? each : best);
console.log(JSON.stringify({
  peer: `@tensorflow/tfjs ${tf.version_core} webgpu`,
  stepMs: fastest.stepMs,
  adapter: adapter.info.description,
  batch: batchSize,
  steps,
  runs,
  variant: fastest.name,
  variants: Object.fromEntries(measured.map(({ name, stepMs }) => [name, stepMs])),
  loss: { before: lossBefore, after: lossAfter },
}));
