import assert from "node:assert/strict";
import { plannedWeights, pruningGroups, type PruningRates, toPrune } from "../../src/lottery/schedule.ts";
import { presets } from "../../src/lottery/config.ts";
import { architecture, type ArchitectureName, lenet } from "../../src/nn/architectures.ts";
import { layOut } from "../../src/nn/network.ts";

const layout = layOut(lenet(784, 10));
const paper: PruningRates = { conv: 0, dense: 0.2, output: 0.1, scope: "layer" };

/** Frankle & Carbin 2019, as in docs/paper.md: kernels in all, the rates, and percent of the weights that remain by round. */
const tables: readonly {
  readonly network: ArchitectureName;
  readonly weights: number;
  readonly rates: PruningRates;
  readonly remaining: readonly (readonly [round: number, percent: string])[];
}[] = [
  {
    network: "lenet",
    weights: 266_200,
    rates: paper,
    remaining: [
      [0, "100.00"],
      [1, "80.04"],
      [2, "64.06"],
      [3, "51.28"],
      [4, "41.05"],
      [5, "32.87"],
      [6, "26.32"],
      [7, "21.07"],
      [8, "16.88"],
      [9, "13.52"],
      [10, "10.83"],
      [11, "8.68"],
      [12, "6.95"],
      [13, "5.57"],
      [14, "4.47"],
      [15, "3.58"],
      [16, "2.87"],
      [17, "2.31"],
      [18, "1.85"],
      [19, "1.49"],
      [20, "1.19"],
    ],
  },
  {
    network: "conv2",
    weights: 4_300_992,
    rates: { conv: 0.1, dense: 0.2, output: 0.1, scope: "layer" },
    remaining: [[6, "26.47"], [11, "8.81"], [14, "4.57"], [17, "2.39"]],
  },
  {
    network: "conv4",
    weights: 2_425_024,
    rates: { conv: 0.1, dense: 0.2, output: 0.1, scope: "layer" },
    remaining: [[7, "23.88"], [11, "11.06"], [12, "9.18"], [13, "7.65"], [15, "5.37"], [21, "2.01"]],
  },
  {
    network: "conv6",
    weights: 2_261_184,
    rates: { conv: 0.15, dense: 0.2, output: 0.1, scope: "layer" },
    remaining: [[7, "26.61"], [8, "22.11"], [9, "18.38"], [10, "15.29"], [11, "12.74"], [12, "10.62"]],
  },
  {
    network: "resnet18",
    weights: 270_896,
    rates: { conv: 0.2, dense: 0, output: 0, scope: "global" },
    remaining: [
      [1, "80.24"],
      [2, "64.43"],
      [3, "51.78"],
      [4, "41.66"],
      [5, "33.56"],
      [6, "27.09"],
      [7, "21.91"],
      [8, "17.76"],
      [9, "14.44"],
      [10, "11.79"],
    ],
  },
  {
    network: "vgg19",
    weights: 20_024_000,
    rates: { conv: 0.2, dense: 0, output: 0, scope: "global" },
    remaining: [[12, "6.90"], [15, "3.54"], [19, "1.47"]],
  },
];

for (const { network, weights, rates, remaining } of tables) {
  const input = network === "lenet" ? { channels: 1, height: 28, width: 28 } : { channels: 3, height: 32, width: 32 };
  const own = layOut(architecture(network, input, 10));

  Deno.test(`the weights of ${network} that remain after each round are the paper's, to two decimals`, () => {
    assert.equal(own.weights, weights);
    const last = Math.max(...remaining.map(([round]) => round));
    const planned = plannedWeights(own, last, rates);
    assert.deepEqual(
      remaining.map(([round]) => [round, (100 * (planned[round] ?? NaN) / own.weights).toFixed(2)]),
      remaining,
    );
  });

  Deno.test(`the preset ${network} goes through that table to its end`, () => {
    const { config } = presets[network];
    const last = Math.max(...remaining.map(([round]) => round));
    assert.ok(config.levels >= last, `${config.levels} levels`);
    const { pruneConv: conv, pruneDense: dense, pruneOutput: output, scope } = config;
    assert.deepEqual(
      plannedWeights(own, last, { conv, dense, output, scope }),
      plannedWeights(own, last, rates),
    );
  });
}

Deno.test("a round prunes round(kept × rate) of each layer, the output layer at its own rate", () => {
  const groups = pruningGroups(layout, paper);
  assert.deepEqual(toPrune(groups, [235_200, 30_000, 1000], 1), [47_040, 6000, 100]);
  assert.deepEqual(toPrune(groups, [13, 12, 5], 1), [3, 2, 1]);
  assert.deepEqual(toPrune(groups, [2, 0, 4], 1), [0, 0, 0]);
  assert.deepEqual(plannedWeights(layout, 1, paper), [266_200, 266_200 - 47_040 - 6000 - 100]);
});

Deno.test("convolutions have a rate of their own", () => {
  const conv2 = layOut(architecture("conv2", { channels: 3, height: 32, width: 32 }, 10));
  const groups = pruningGroups(conv2, { conv: 0.5, dense: 0.25, output: 0.1, scope: "layer" });
  assert.deepEqual(groups.map(({ layers, rate }) => [...layers, rate]), [
    [0, 0.5],
    [1, 0.5],
    [2, 0.25],
    [3, 0.25],
    [4, 0.1],
  ]);
});

Deno.test("with global scope a round prunes one share of all weights, at the rate of dense layers", () => {
  const rates = { ...paper, scope: "global" } as const;
  const groups = pruningGroups(layout, rates);
  assert.deepEqual(groups, [{ layers: [0, 1, 2], rate: 0.2 }]);
  assert.deepEqual(toPrune(groups, [235_200, 30_000, 1000], 1), [53_240]);
  assert.deepEqual(toPrune(groups, [0, 3, 4], 1), [1]);
  assert.deepEqual(plannedWeights(layout, 2, rates), [266_200, 212_960, 170_368]);
});

Deno.test("layers with a rate of 0, or that may not be pruned, are in no group and stay in the denominator", () => {
  for (const scope of ["layer", "global"] as const) {
    const groups = pruningGroups(layout, { ...paper, output: 0, scope });
    assert.deepEqual(groups.flatMap(({ layers }) => layers), [0, 1], scope);
    assert.deepEqual(plannedWeights(layout, 1, { ...paper, output: 0, scope }), [266_200, 266_200 - 47_040 - 6000]);
  }
  const resnet = layOut(architecture("resnet18", { channels: 3, height: 32, width: 32 }, 10));
  const [pool, ...rest] = pruningGroups(resnet, { conv: 0.2, dense: 0, output: 0, scope: "global" });
  assert.equal(rest.length, 0);
  const exempt = resnet.layers.filter((_, index) => !pool?.layers.includes(index));
  assert.deepEqual(exempt.map(({ name }) => name), ["downsample1", "downsample2", "dense1"]);
  // 16 · 32 + 32 · 64 of the shortcuts, 64 · 10 of the output layer.
  assert.equal(exempt.reduce((sum, { inputs, outputs }) => sum + inputs * outputs, 0), 3200);
  assert.deepEqual(pruningGroups(layout, { conv: 0.2, dense: 0, output: 0, scope: "global" }), []);
});

Deno.test("a pool without convolutions or hidden layers goes at the rate of what it has", () => {
  assert.deepEqual(pruningGroups(layout, { ...paper, dense: 0, scope: "global" }), [{ layers: [2], rate: 0.1 }]);
});

Deno.test("a rate of zero prunes nothing, and no number of rounds goes below zero", () => {
  const none = { conv: 0, dense: 0, output: 0 };
  for (const scope of ["layer", "global"] as const) {
    assert.deepEqual(plannedWeights(layout, 2, { ...none, scope }), [266_200, 266_200, 266_200]);
    const planned = plannedWeights(layout, 60, { conv: 0.9, dense: 0.9, output: 0.9, scope });
    assert.ok(planned.every((count, level) => count >= 0 && count <= (planned[level - 1] ?? Infinity)));
  }
});

Deno.test("given densities, a level keeps them exactly; a layer at half the rate is pruned half as much", () => {
  const rates = { ...paper, densities: [0.75, 0.5, 0.01] };
  const groups = pruningGroups(layout, rates);
  assert.deepEqual(plannedWeights(layout, 3, rates), [
    266_200,
    176_400 + 22_500 + 875,
    117_600 + 15_000 + 750,
    2_352 + 300 + 505,
  ]);
  assert.deepEqual(toPrune(groups, [235_200, 30_000, 1000], 1), [58_800, 7_500, 125]);
  // From whatever is there: what one round kept by chance of rounding, the next does not inherit.
  assert.deepEqual(toPrune(groups, [176_400, 22_500, 875], 2), [58_800, 7_500, 125]);
  assert.deepEqual(plannedWeights(layout, 2, { ...rates, scope: "global" }), [266_200, 199_650, 133_100]);
});
