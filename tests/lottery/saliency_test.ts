import assert from "node:assert/strict";
import type { Arm, MaskInput } from "../../src/lottery/arms/arm.ts";
import {
  grasp,
  graspInvert,
  graspReinit,
  graspScores,
  graspShuffle,
  hessianProduct,
} from "../../src/lottery/arms/grasp.ts";
import { snip, snipInvert, snipReinit, snipScores, snipShuffle } from "../../src/lottery/arms/snip.ts";
import { pruneByFlow, synflow, synflowInvert, synflowReinit, synflowShuffle } from "../../src/lottery/arms/synflow.ts";
import { pruningGroups, type PruningRates } from "../../src/lottery/schedule.ts";
import { glorot } from "../../src/nn/initialize.ts";
import { applyMask, countKept, packMask, unpackMask } from "../../src/nn/mask.ts";
import {
  fromArena,
  layOut,
  type NetworkLayout,
  type NetworkSpec,
  normsFromArena,
  sizeOf,
  toArena,
} from "../../src/nn/network.ts";
import { synapticFlow } from "../../src/nn/synflow.ts";
import { finiteDifference, relativeError } from "../../src/reference/finite_difference.ts";
import {
  type GraphBatch,
  graphForward,
  type GraphParameters,
  graphParameters,
  graphStep,
} from "../../src/reference/graph.ts";
import { perceptron } from "../nn/networks.ts";
import { normals } from "../reference/tensors.ts";

/** Every kind of operation; the downsampling convolution is in no group. */
const residual: NetworkSpec = {
  name: "residual",
  input: { channels: 2, height: 9, width: 7 },
  layers: [
    { type: "conv", channels: 4, activation: "relu" },
    { type: "max-pool" },
    {
      type: "residual",
      branch: [
        { type: "conv", channels: 5, stride: 2, bias: false, activation: "none" },
        { type: "batch-norm", activation: "relu" },
        { type: "conv", channels: 5, activation: "none" },
      ],
      shortcut: [{ type: "conv", channels: 5, size: 1, stride: 2, activation: "none", prunable: false }],
    },
    {
      type: "residual",
      branch: [{ type: "conv", channels: 5, activation: "none" }, { type: "batch-norm", activation: "none" }],
      shortcut: [],
    },
    { type: "global-average-pool" },
    { type: "dropout", rate: 0 },
    { type: "dense", units: 3, activation: "none" },
  ],
};

/** Convolutions and a pooling in a chain. */
const plain: NetworkSpec = {
  name: "plain",
  input: { channels: 3, height: 8, width: 8 },
  layers: [
    { type: "conv", channels: 6, activation: "relu" },
    { type: "conv", channels: 6, stride: 2, activation: "relu" },
    { type: "max-pool" },
    { type: "dense", units: 20, activation: "relu" },
    { type: "dense", units: 4, activation: "none" },
  ],
};

const rates: PruningRates = { conv: 0.2, dense: 0.3, output: 0.1, scope: "layer" };

type Layers = readonly Float64Array[];

/** Initial values in float64. */
function parametersOf(layout: NetworkLayout, arena: Float32Array): GraphParameters {
  return graphParameters(fromArena(layout, arena), normsFromArena(layout, arena));
}

function withWeights(parameters: GraphParameters, weights: Layers): GraphParameters {
  const layers = parameters.layers.map(({ weight, bias }, index) => ({ weight: weights[index] ?? weight, bias }));
  return { ...parameters, layers };
}

function batchOf(layout: NetworkLayout, images: number): GraphBatch {
  const classes = layout.layers.at(-1)?.outputs ?? 1;
  const input = Float64Array.from(normals(11, sizeOf(layout.spec.input) * images));
  return { images, input, labels: Array.from({ length: images }, (_, image) => image % classes) };
}

/** One step of the reference, without random numbers: rates of dropout are 0 here. */
function stepOf(layout: NetworkLayout, parameters: GraphParameters, batch: GraphBatch) {
  const { losses, gradients } = graphStep(layout, parameters, batch, { key: new Uint32Array(2), step: 0 });
  return {
    loss: losses.reduce((sum, value) => sum + value, 0) / batch.images,
    gradients: gradients.layers.map(({ weight }) => weight),
    biases: gradients.layers.map(({ bias }) => bias),
  };
}

/** What an arm is given at a level that keeps a fraction of each group, its gradients from the reference. */
function inputOf(
  layout: NetworkLayout,
  density: number,
  { draw = 1, scope = "layer", output = rates.output, initial = glorot(layout, 3) }: {
    readonly draw?: number;
    readonly scope?: PruningRates["scope"];
    readonly output?: number;
    readonly initial?: Float32Array<ArrayBuffer>;
  } = {},
): MaskInput & { readonly asked: () => number } {
  const groups = pruningGroups(layout, { ...rates, scope, output });
  const pruned = new Set(groups.flatMap(({ layers }) => layers));
  const ticketMask = packMask(
    layout,
    layout.layers.map(({ inputs, outputs }, index) => {
      const size = inputs * outputs;
      return new Uint8Array(size).fill(1, 0, pruned.has(index) ? Math.round(size * density) : size);
    }),
  );
  const batch = batchOf(layout, 6);
  let asked = 0;
  return {
    layout,
    groups,
    seed: 3,
    level: 2,
    draw,
    initScale: 1,
    initial,
    rewound: glorot(layout, 4),
    ticketMask,
    kept: countKept(layout, ticketMask),
    denseTrained: () => assert.fail("nothing trained is needed"),
    gradient: (values) => {
      asked++;
      const { gradients, biases } = stepOf(layout, parametersOf(layout, values), batch);
      const layers = gradients.map((weight, index) => ({
        weight: Float32Array.from(weight),
        bias: Float32Array.from(biases[index] ?? []),
      }));
      return Promise.resolve(toArena(layout, layers));
    },
    asked: () => asked,
  };
}

/** The weights of each layer times a factor each, which stand one layer after the other. */
function scaled(weights: Layers, factors: Float64Array): Layers {
  let first = 0;
  return weights.map((weight) => {
    const own = weight.map((value, at) => value * (factors[first + at] ?? 1));
    first += weight.length;
    return own;
  });
}

function flatten(layers: readonly ArrayLike<number>[]): Float64Array<ArrayBuffer> {
  return Float64Array.from(layers.flatMap((layer) => Array.from(layer)));
}

function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((total, value) => total + value, 0);
}

function masksOf({ masks }: Arm, input: MaskInput): Promise<Uint32Array<ArrayBuffer>> {
  if (typeof masks !== "function") throw new Error("its masks are a function");
  return Promise.resolve(masks(input));
}

/** Scores of the layers that are pruned, of weights that a mask keeps and of those that it prunes. */
function divided(
  { layout, groups }: MaskInput,
  mask: Uint32Array,
  scores: Layers,
): { readonly kept: number[]; readonly pruned: number[] } {
  const masks = unpackMask(layout, mask);
  const all = groups.flatMap(({ layers }) => layers).flatMap((layer) =>
    Array.from(scores[layer] ?? [], (score, at) => ({ score, isKept: masks[layer]?.[at] === 1 }))
  );
  return {
    kept: all.filter(({ isKept }) => isKept).map(({ score }) => score),
    pruned: all.filter(({ isKept }) => !isKept).map(({ score }) => score),
  };
}

for (const spec of [perceptron([12, 10, 8, 4]), residual]) {
  const layout = layOut(spec);

  Deno.test(`SNIP's score of ${spec.name} is how much the loss changes with a weight's presence`, async () => {
    const input = inputOf(layout, 0.3);
    const parameters = parametersOf(layout, input.initial);
    const weights = parameters.layers.map(({ weight }) => weight);
    const batch = batchOf(layout, 6);
    const lossOf = (presence: Float64Array): number =>
      stepOf(layout, withWeights(parameters, scaled(weights, presence)), batch).loss;
    const ones = new Float64Array(layout.weights).fill(1);
    const wanted = finiteDifference(lossOf, ones, 1e-6).map(Math.abs);
    assert.ok(relativeError(flatten(await snipScores(input)), wanted) < 1e-5);
  });
}

for (const output of [0.1, 0]) {
  Deno.test(`GraSP's score is how the gradient's norm changes without a weight, output layer pruned at ${output}`, async () => {
    const layout = layOut(perceptron([12, 10, 8, 4]));
    const input = inputOf(layout, 0.3, { output });
    const parameters = parametersOf(layout, input.initial);
    const weights = parameters.layers.map(({ weight }) => weight);
    const batch = batchOf(layout, 6);
    const scored = new Set(input.groups.flatMap(({ layers }) => layers));
    // Half the squared norm of the gradient of what is scored. Without a weight its presence falls from 1 to 0: hence the sign.
    const flowOf = (presence: Float64Array): number =>
      stepOf(layout, withWeights(parameters, scaled(weights, presence)), batch).gradients
        .reduce((total, own, index) => total + (scored.has(index) ? sum(own.map((value) => value ** 2)) / 2 : 0), 0);
    const slopes = finiteDifference(flowOf, new Float64Array(layout.weights).fill(1), 1e-6);
    let first = 0;
    const wanted = weights.map((own, index) => {
      const slope = slopes.subarray(first, first += own.length);
      return slope.map((value) => scored.has(index) ? -value : 0);
    });
    const scores = await graspScores(input);
    // Moves of 3e-8 of the weights are rounded, and in so small a network not averaged out: 0.014.
    assert.ok(relativeError(flatten(scores), flatten(wanted)) < 0.03);
    const { kept, pruned } = divided(input, await masksOf(grasp, input), scores);
    assert.ok(Math.max(...kept) <= Math.min(...pruned), "weights whose loss lets more gradient flow are pruned");
  });
}

Deno.test("a kink that the longest of GraSP's steps crosses does not disturb H g", async () => {
  const layout = layOut(perceptron([6, 5, 3]));
  const base = inputOf(layout, 0.5);
  const { initial } = base;
  const weightsOf = (arena: Float32Array): Float64Array =>
    flatten(fromArena(layout, arena).map(({ weight }) => weight));
  // A loss with the Hessian diag(curvature), whose gradient jumps where one weight has moved by so much in the direction of g.
  const curvature = Float32Array.from(normals(2, layout.arena));
  const place = layout.layers[0]?.weight ?? 0;
  const slope = initial.map((value, at) => value * (curvature[at] ?? 0));
  const length = (values: Float64Array): number => Math.sqrt(sum(values.map((value) => value ** 2)));
  const longest = 3e-6 * length(weightsOf(initial)) / length(weightsOf(slope)) * (slope[place] ?? 0);
  let crossings = 0;
  const gradient: MaskInput["gradient"] = (values) => {
    const isBeyond = ((values[place] ?? 0) - (initial[place] ?? 0)) / longest > 0.6;
    crossings += Number(isBeyond);
    return Promise.resolve(values.map((value, at) => value * (curvature[at] ?? 0) + (isBeyond ? 10 : 0)));
  };
  const product = weightsOf(await hessianProduct({ ...base, gradient }));
  assert.equal(crossings, 1);
  // The jump is 10⁵ times as large, divided by the step; what is left is the rounding of the moves, each alone here.
  assert.ok(relativeError(product, weightsOf(slope.map((value, at) => value * (curvature[at] ?? 0)))) < 0.1);
});

Deno.test("the synaptic flow is |θ| ∂R/∂|θ|, R being the sum of the reference's logits for an image of ones", () => {
  const layout = layOut(residual);
  const magnitudes = fromArena(layout, glorot(layout, 6)).map(({ weight }) => weight.map(Math.abs));
  // 1 − 1e-5 and the epsilon under the root make a batch norm the identity.
  const parameters = graphParameters(
    magnitudes.map((weight, index) => ({ weight, bias: new Float32Array(layout.layers[index]?.outputs ?? 0) })),
    normsFromArena(layout, glorot(layout, 6)),
  );
  const identity = {
    ...parameters,
    norms: parameters.norms.map((norm) => ({ ...norm, variance: norm.variance.map(() => 1 - 1e-5) })),
  };
  const weights = identity.layers.map(({ weight }) => weight);
  const input = new Float64Array(sizeOf(residual.input)).fill(1);
  const totalOf = (factors: Float64Array): number =>
    sum(
      graphForward(layout, withWeights(identity, scaled(weights, factors)), { images: 1, input }).activations.at(-1) ??
        [],
    );
  const ones = new Float64Array(layout.weights).fill(1);
  const flow = synapticFlow(layout, magnitudes);
  assert.ok(Math.abs(flow.total / totalOf(ones) - 1) < 1e-10);
  assert.ok(relativeError(flatten(flow.weights), finiteDifference(totalOf, ones, 1e-5)) < 1e-8);
});

for (const spec of [perceptron([30, 20, 20, 5]), plain]) {
  Deno.test(`nothing of the synaptic flow is lost between the layers of ${spec.name}, before and after pruning`, async () => {
    const layout = layOut(spec);
    const values = glorot(layout, 8);
    const share = { layers: layout.layers.map((_, index) => index), keep: Math.round(layout.weights / 10) };
    const pruned = await pruneByFlow(layout, values, share);
    for (const arena of [values, applyMask(values, pruned)]) {
      const flow = synapticFlow(layout, fromArena(layout, arena).map(({ weight }) => weight.map(Math.abs)));
      assert.ok(flow.total > 0);
      for (const own of flow.weights) assert.ok(Math.abs(sum(own) / flow.total - 1) < 1e-12);
    }
  });
}

Deno.test("a hundred rounds keep every layer at a density where one round loses some", async () => {
  const layout = layOut(perceptron([40, 100, 100, 100, 5]));
  const values = glorot(layout, 9);
  const share = { layers: layout.layers.map((_, index) => index), keep: Math.round(layout.weights / 100) };
  const once = await pruneByFlow(layout, values, share, "best", 1);
  const rounds = await pruneByFlow(layout, values, share);
  const flowOf = (mask: Uint32Array): number =>
    synapticFlow(layout, fromArena(layout, applyMask(values, mask)).map(({ weight }) => weight.map(Math.abs))).total;
  assert.equal(sum(countKept(layout, once)), share.keep);
  assert.equal(sum(countKept(layout, rounds)), share.keep);
  assert.equal(flowOf(once), 0);
  assert.ok(flowOf(rounds) > 0);
  assert.ok(countKept(layout, rounds).every((count) => count > 0));
});

Deno.test("a flow that overflows is refused", () => {
  const layout = layOut(perceptron([3, 3, 2]));
  const magnitudes = layout.layers.map(({ inputs, outputs }) => new Float32Array(inputs * outputs).fill(Infinity));
  assert.throws(() => synapticFlow(layout, magnitudes), RangeError);
  assert.throws(() => synapticFlow(layout, magnitudes.slice(1)), RangeError);
});

const methods = [
  { name: "SNIP", plain: snip, shuffle: snipShuffle, invert: snipInvert, reinit: snipReinit },
  { name: "GraSP", plain: grasp, shuffle: graspShuffle, invert: graspInvert, reinit: graspReinit },
  { name: "SynFlow", plain: synflow, shuffle: synflowShuffle, invert: synflowInvert, reinit: synflowReinit },
] as const;

for (const { name, plain: method, shuffle, invert, reinit } of methods) {
  for (const scope of ["layer", "global"] as const) {
    Deno.test(`${name} and its controls keep the ticket's total, groups by ${scope}, and leave other layers dense`, async () => {
      const layout = layOut(residual);
      const input = inputOf(layout, 0.3, { scope });
      const pruned = new Set(input.groups.flatMap(({ layers }) => layers));
      const masks = [];
      for (const arm of [method, shuffle, invert, reinit]) masks.push(await masksOf(arm, input));
      for (const mask of masks) {
        assert.equal(sum(countKept(layout, mask)), sum(input.kept));
        layout.layers.forEach((layer, index) => {
          if (!pruned.has(index)) assert.equal(countKept(layout, mask)[index], layer.inputs * layer.outputs);
        });
      }
      const [own, shuffled, inverted, reinitialized] = masks;
      assert.ok(own && shuffled && inverted);
      assert.notDeepEqual(countKept(layout, own), input.kept);
      assert.deepEqual(countKept(layout, shuffled), countKept(layout, own));
      assert.notDeepEqual(shuffled, own);
      assert.notDeepEqual(await masksOf(shuffle, { ...input, draw: 2 }), shuffled);
      assert.notDeepEqual(inverted, own);
      assert.deepEqual(reinitialized, own);
    });
  }

  Deno.test(`${name} and its controls start from what the ticket starts from, but for the one with fresh weights`, async () => {
    const input = inputOf(layOut(perceptron([12, 10, 8, 4])), 0.3, { draw: 2 });
    for (const arm of [method, shuffle, invert, reinit]) {
      const start = arm.start({ ...input, mask: await masksOf(arm, input), trained: input.denseTrained });
      if (arm !== reinit) assert.equal(start, input.rewound);
      else assert.deepEqual(start, glorot(input.layout, 3, { purpose: "reinit", level: 2, draw: 2 }));
    }
  });
}

for (
  const { name, method, invert, scoresOf, sign } of [
    { name: "SNIP", method: snip, invert: snipInvert, scoresOf: snipScores, sign: 1 },
    { name: "GraSP", method: grasp, invert: graspInvert, scoresOf: graspScores, sign: -1 },
  ] as const
) {
  Deno.test(`${name} keeps the best scores over all layers, and its inversion the worst`, async () => {
    const input = inputOf(layOut(residual), 0.3);
    const scores = (await scoresOf(input)).map((own) => own.map((score) => sign * score));
    const best = divided(input, await masksOf(method, input), scores);
    assert.ok(Math.min(...best.kept) >= Math.max(...best.pruned));
    const worst = divided(input, await masksOf(invert, input), scores);
    assert.ok(Math.max(...worst.kept) <= Math.min(...worst.pruned));
  });
}

Deno.test("the gradient at θ0 is asked for once for all of SNIP's arms and levels", async () => {
  const layout = layOut(perceptron([12, 10, 8, 4]));
  const initial = glorot(layout, 3);
  const input = inputOf(layout, 0.5, { initial });
  const later = { ...inputOf(layout, 0.2, { initial }), gradient: input.gradient };
  const masks = [];
  for (const arm of [snip, snipShuffle, snipInvert, snipReinit]) masks.push(await masksOf(arm, input));
  for (const arm of [snip, snipInvert]) masks.push(await masksOf(arm, later));
  assert.equal(input.asked(), 1);
  assert.notDeepEqual(masks[4], masks[0]);
  // Another network's scores are its own.
  const other = inputOf(layout, 0.5, { initial: glorot(layout, 5) });
  assert.notDeepEqual(await masksOf(snip, other), masks[0]);
  assert.equal(other.asked(), 1);
});
