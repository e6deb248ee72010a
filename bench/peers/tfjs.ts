/**
 * Training step and evaluation of LeNet-300-100, Conv-2 or Conv-4 in TensorFlow.js 4.22 on its WebGPU backend: what `bench` measures of
 * Winnow, done by a peer on the same adapter. Run as a program it prints one line of JSON; ./README.md says how and what
 * it means.
 *
 * Forms of LeNet's step tried on 2026-11-24 with Deno 2.9.6 on lavapipe (Mesa 22.3.6, LLVM 15), two busy cores, so in milliseconds of
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
 * by a half, small-output fourfold) or exceed the limits on a dispatch (reduce).
 *
 * Forms of Conv-2's step tried on 2026-11-25, same machine and measure, in seconds (one to three steps in turn), with
 * other programs at work on both cores:
 *
 * | images that the convolutions take at once | as shipped | input gradient as a matrix product | … packed, submits of 60, nothing on the CPU |
 * |---|---|---|---|
 * | 60 | 46–54 | 54 | 52 |
 * | 30 | | 38–49 | |
 * | 15 | 28–30 | 29 | 18–30 |
 * | 4 | 17 | 16 | 16 |
 * | 2 | 16 | | |
 *
 * Its kernel gradient takes two thirds to nine tenths of that: every invocation strides through all images, so how many
 * still fit in the cache decides, and so does what else uses the cache. im2col in a shader of its own takes a third longer
 * forward. So: the fused form, as shipped and tuned, and the faster of the two is what counts.
 *
 * No shim is needed: 4.22 reads `adapter.info` where there is one, and Deno 2.9.6 keeps it readable after a device is made.
 *
 * @module
 */
import * as tf from "npm:@tensorflow/tfjs-core@4.22.0";
import "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
// Only for what importing it does: outside a bundler core comes without its gradients, and this package registers them.
import "npm:@tensorflow/tfjs-layers@4.22.0";
import { batchSize, classes, drawWeights, fail, measure, networkName, networks, type Sums } from "./peer.ts";

/** A way of doing a step. */
interface Setting {
  readonly name: string;
  /** Images that the convolutions take at once. */
  readonly images: number;
  readonly flags: Readonly<Record<string, number | boolean>>;
}

/** The library's own defaults, and what the tables above found faster on the software adapter. */
const settings: readonly Setting[] = [
  {
    name: "as shipped",
    images: batchSize,
    flags: {
      WEBGPU_MATMUL_PROGRAM_TYPE: -1,
      WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE: 15,
      WEBGPU_CPU_FORWARD: true,
      WEBGPU_USE_NAIVE_CONV2D_TRANSPOSE: true,
    },
  },
  {
    name: "tuned",
    images: 4,
    flags: {
      WEBGPU_MATMUL_PROGRAM_TYPE: 3, // MatMulPackedProgram for every product
      WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE: 60,
      WEBGPU_CPU_FORWARD: false,
      WEBGPU_USE_NAIVE_CONV2D_TRANSPOSE: false,
    },
  },
];

interface Batch {
  readonly images: tf.Tensor4D;
  readonly labels: tf.Tensor2D;
}

type Layer =
  | { readonly type: "max-pool" }
  | { readonly type: "convolution"; readonly kernel: tf.Variable<tf.Rank.R4>; readonly bias: tf.Variable<tf.Rank.R1> }
  | { readonly type: "dense"; readonly kernel: tf.Variable<tf.Rank.R2>; readonly bias: tf.Variable<tf.Rank.R1> };

const peer = `@tensorflow/tfjs ${tf.version_core} webgpu`;
const network = networks[networkName(Deno.args[0])];

// setBackend() answers false where the backend cannot start, and no other is ever chosen, so nothing stands in silently.
if (!await navigator.gpu?.requestAdapter() || !await tf.setBackend("webgpu")) {
  fail(peer, "it found no WebGPU adapter. See what `deno task doctor` says.");
}

const layers = network.layers.map((layer): Layer => {
  if (layer.type === "max-pool") return layer;
  const { type, inputs, outputs } = layer;
  const bias = tf.variable(tf.zeros<tf.Rank.R1>([outputs]));
  if (type === "dense") {
    const values = drawWeights(inputs, outputs, inputs * outputs);
    return { type, kernel: tf.variable(tf.tensor2d(values, [inputs, outputs])), bias };
  }
  const values = drawWeights(inputs * 9, outputs * 9, inputs * outputs * 9);
  return { type, kernel: tf.variable(tf.tensor4d(values, [3, 3, inputs, outputs])), bias };
});
const variables = layers.flatMap((layer) => layer.type === "max-pool" ? [] : [layer.kernel, layer.bias]);
const hasConvolutions = layers.some(({ type }) => type === "convolution");
const optimizer = tf.train.adam(network.learningRate, 0.9, 0.999, 1e-8);

/** Convolutions and pooling. */
function features(images: tf.Tensor4D): tf.Tensor4D {
  let maps = images;
  for (const layer of layers) {
    if (layer.type === "max-pool") maps = tf.maxPool(maps, 2, 2, "same");
    else if (layer.type === "convolution") {
      const { kernel: filter, bias } = layer;
      maps = tf.fused.conv2d({ x: maps, filter, strides: 1, pad: "same", bias, activation: "relu" });
    }
  }
  return maps;
}

/** Logits of images, `[images][classes]`. */
function forward(images: tf.Tensor4D, imagesAtOnce: number): tf.Tensor {
  const [count] = images.shape;
  const maps = hasConvolutions && imagesAtOnce < count
    ? tf.concat(tf.split<tf.Tensor4D>(images, count / imagesAtOnce).map(features))
    : features(images);
  let activations: tf.Tensor = tf.reshape(maps, [count, -1]);
  for (const [index, layer] of layers.entries()) {
    if (layer.type !== "dense") continue;
    const activation = index === layers.length - 1 ? "linear" : "relu";
    activations = tf.fused.matMul({ a: activations, b: layer.kernel, bias: layer.bias, activation });
  }
  return activations;
}

function loss({ images, labels }: Batch, imagesAtOnce: number): tf.Scalar {
  return tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(labels, forward(images, imagesAtOnce));
}

/** Loss and correct predictions of a batch, as the sums of an evaluation take them. */
function evaluated({ images, labels }: Batch, imagesAtOnce: number): tf.Tensor {
  const logits = forward(images, imagesAtOnce);
  const losses = tf.mul(tf.losses.softmaxCrossEntropy(labels, logits), images.shape[0]);
  const isCorrect = tf.equal(tf.argMax(logits, 1), tf.argMax(labels, 1));
  return tf.stack([losses, tf.sum(tf.cast(isCorrect, "float32"))]);
}

async function evaluate(batches: readonly Batch[], imagesAtOnce: number): Promise<Sums> {
  // Each batch gives back what its activations took before the next one comes. Not addN: its kernel binds all its inputs, and
  // more than eight are refused by lavapipe, which leaves zeros.
  const sums = tf.tidy(() =>
    batches.map((batch) => tf.tidy(() => evaluated(batch, imagesAtOnce))).reduce((sum, each) => tf.add(sum, each))
  );
  const [loss = NaN, correct = NaN] = await sums.data();
  sums.dispose();
  return { loss, correct };
}

await measure<Batch>(network, {
  name: peer,
  variants: settings.map(({ name, images, flags }) => ({
    name,
    begin() {
      for (const [flag, value] of Object.entries(flags)) tf.env().set(flag, value);
    },
    step(batch) {
      optimizer.minimize(() => loss(batch, images), false, variables);
    },
    evaluate: (batches: readonly Batch[]) => evaluate(batches, images),
  })),
  // Its own order of an image is rows, columns, channels.
  upload: (images, labels, count) => ({
    images: tf.tidy(() => tf.transpose(tf.tensor4d(images, [count, ...network.input]), [0, 2, 3, 1])),
    labels: tf.tensor2d(labels, [count, classes]),
  }),
  async loss(batch) {
    const value = tf.tidy(() => loss(batch, batchSize));
    const [number = NaN] = await value.data();
    value.dispose();
    return number;
  },
  // The copy behind this read is queued after all steps. 40 bytes, once per run.
  async done() {
    await variables.at(-1)?.data();
  },
});
