/**
 * Training step and evaluation of LeNet-300-100, Conv-2 or Conv-4 in jax-js 0.1.25 on its WebGPU backend: what ./tfjs.ts does in
 * TensorFlow.js. Run as a program it prints one line of JSON; ./README.md says how and what it means.
 *
 * Forms tried on 2026-11-25 with Deno 2.9.6 on lavapipe (Mesa 22.3.6, LLVM 15), two busy cores, so in milliseconds of
 * processor time per step, both cores together (median of five runs of 10 steps, of two or three of one for Conv-2; half
 * of it is the least wall time that two idle cores could give):
 *
 * | form | LeNet | Conv-2 |
 * |---|---|---|
 * | one jit of gradient and Adam, with or without the loss as a result | 26 | 4,550–4,760 |
 * | one jit of the gradient, one of Adam | 26 | 4,370 |
 * | one jit of the gradient, one of Adam called for each array | 26 | 4,700 |
 * | the network alone jitted, as in the library's own MNIST demo | 71 | 5,250 |
 * | pooling as a maximum over a reshaped array, or of two halves twice | | 4,740 · 4,960 |
 * | ReLU after the pooling | | 4,690 |
 * | np.pad, then a "VALID" convolution | | 4,650 |
 * | convolutions of 30, 15 or 5 images at once | | 4,670 · 4,780 · 4,650 |
 * | first dense kernel stored transposed | | 4,690 |
 *
 * lax.conv copies the patches out and multiplies: np.dot of such patches, in each of three orders, runs at 0.9 to 1.05
 * of its speed, so writing that out gains nothing. So: both whole jits, and the faster of the two is what counts. Adam is
 * written out because the library's own, @jax-js/optax, could not be fetched from the registry.
 *
 * @module
 */
import { defaultDevice, init, jit, lax, nn, numpy as np, tree, valueAndGrad } from "npm:@jax-js/jax@0.1.25";
import { classes, drawWeights, fail, measure, networkName, networks, type Sums } from "./peer.ts";

// Arrays are owned: a function uses up every array that it is given, and `ref` keeps one for another use. Only type
// aliases, not interfaces, are trees of arrays to jax-js.
/** Kernel and bias of each layer, in turn. */
type Weights = np.Array[];
type State = { weights: Weights; mean: Weights; square: Weights };
type Batch = { images: np.Array; labels: np.Array };

const peer = "@jax-js/jax 0.1.25 webgpu";
const network = networks[networkName(Deno.args[0])];

// Other backends start without being asked, so it is said which one counts.
if (!(await init("webgpu")).includes("webgpu")) {
  fail(peer, "it found no WebGPU adapter. See what `deno task doctor` says.");
}
defaultDevice("webgpu");

function initialWeights(): Weights {
  return network.layers.flatMap((layer) => {
    if (layer.type === "max-pool") return [];
    const { inputs, outputs } = layer;
    return layer.type === "convolution"
      ? [
        np.array(drawWeights(inputs * 9, outputs * 9, inputs * outputs * 9), { shape: [outputs, inputs, 3, 3] }),
        np.zeros([outputs, 1, 1]),
      ]
      : [
        np.array(drawWeights(inputs, outputs, inputs * outputs), { shape: [inputs, outputs] }),
        np.zeros([outputs]),
      ];
  });
}

/** Logits of images, `[images][classes]`. */
function forward(weights: Weights, images: np.Array): np.Array {
  const [count = 0] = images.shape;
  let activations = images;
  let used = 0;
  for (const layer of network.layers) {
    if (layer.type === "max-pool") {
      activations = lax.reduceWindow(activations, np.max, [2, 2], [2, 2]);
      continue;
    }
    const kernel = at(weights, used++);
    const bias = at(weights, used++);
    const products = layer.type === "convolution"
      ? lax.conv(activations, kernel, [1, 1], "SAME")
      : np.dot(activations.reshape([count, layer.inputs]), kernel);
    activations = products.add(bias);
    if (used < weights.length) activations = nn.relu(activations);
  }
  return activations;
}

function loss(weights: Weights, { images, labels }: Batch): np.Array {
  const [count = 0] = images.shape;
  return nn.logSoftmax(forward(weights, images)).mul(labels).sum().mul(-1 / count);
}

/** Adds the loss of a batch and how many of its images are correct to the sums before it. */
function evaluated(weights: Weights, { images, labels }: Batch, sums: np.Array): np.Array {
  const logits = forward(weights, images);
  const isCorrect = np.equal(np.argmax(logits.ref, 1), np.argmax(labels.ref, 1));
  const losses = nn.logSoftmax(logits).mul(labels).sum().mul(-1);
  return sums.add(np.stack([losses, isCorrect.astype(np.float32).sum()]));
}

/**
 * Adam, in the order of operations that optax has.
 *
 * @param corrections learning rate over 1 − 0.9ᵗ, and 1 over 1 − 0.999ᵗ: an array, as a number would be compiled in
 */
function adam({ weights, mean, square }: State, gradients: Weights, corrections: np.Array): State {
  const next: State = { weights: [], mean: [], square: [] };
  for (const [index, gradient] of gradients.entries()) {
    const newMean = at(mean, index).mul(0.9).add(gradient.ref.mul(0.1));
    const newSquare = at(square, index).mul(0.999).add(np.square(gradient).mul(0.001));
    const numerator = newMean.ref.mul(corrections.ref.slice(0));
    const denominator = np.sqrt(newSquare.ref.mul(corrections.ref.slice(1))).add(1e-8);
    next.weights.push(at(weights, index).sub(numerator.div(denominator)));
    next.mean.push(newMean);
    next.square.push(newSquare);
  }
  corrections.dispose();
  return next;
}

function at(weights: Weights, index: number): np.Array {
  const array = weights[index];
  if (!array) throw new RangeError(`Cannot take array ${index} of ${weights.length} arrays.`);
  return array;
}

const compiledLoss = jit(loss);
const evaluation = jit(evaluated);
const gradient = jit(valueAndGrad(loss));
const update = jit(adam);
const wholeStep = jit((state: State, batch: Batch, corrections: np.Array): State => {
  const [value, gradients] = valueAndGrad(loss)(tree.ref(state.weights), batch);
  value.dispose();
  return adam(state, gradients, corrections);
});

const weights = initialWeights();
let state: State = {
  mean: weights.map(({ shape }) => np.zeros(shape)),
  square: weights.map(({ shape }) => np.zeros(shape)),
  weights,
};
let steps = 0;

function corrections(): np.Array {
  steps++;
  return np.array(new Float32Array([network.learningRate / (1 - 0.9 ** steps), 1 / (1 - 0.999 ** steps)]));
}

/** One launch of the jitted evaluation for each batch. */
async function evaluate(batches: readonly Batch[]): Promise<Sums> {
  let sums = np.zeros([2]);
  for (const batch of batches) sums = evaluation(tree.ref(state.weights), tree.ref(batch), sums);
  const [loss = NaN, correct = NaN] = await sums.data();
  return { loss, correct };
}

await measure<Batch>(network, {
  name: peer,
  variants: [
    {
      name: "one jit",
      evaluate,
      step(batch) {
        state = wholeStep(state, tree.ref(batch), corrections());
      },
    },
    {
      name: "gradient and Adam apart",
      evaluate,
      step(batch) {
        const [value, gradients] = gradient(tree.ref(state.weights), tree.ref(batch));
        value.dispose();
        state = update(state, gradients, corrections());
      },
    },
  ],
  upload: (images, labels, count) => ({
    images: np.array(images, { shape: [count, ...network.input] }),
    labels: np.array(labels, { shape: [count, classes] }),
  }),
  async loss(batch) {
    return Number(await compiledLoss(tree.ref(state.weights), tree.ref(batch)).jsAsync());
  },
  async done() {
    await state.weights.at(-1)?.ref.data();
  },
});
