import assert from "node:assert/strict";
import { RandomStream } from "../../src/data/random.ts";
import type { Arm, MaskInput, StartInput } from "../../src/lottery/arms/arm.ts";
import { continued, fineTune, learningRateRewind } from "../../src/lottery/arms/continued.ts";
import { er, erdosRenyiShares, erk } from "../../src/lottery/arms/erdos_renyi.ts";
import { magnitudeInit } from "../../src/lottery/arms/magnitude_init.ts";
import { type ArmName, networksPerTicket } from "../../src/lottery/arms/names.ts";
import { noise0_5, noise1, noise2, noise3 } from "../../src/lottery/arms/noise.ts";
import { oneshot, oneshotReinit } from "../../src/lottery/arms/oneshot.ts";
import { random, randomGlobal } from "../../src/lottery/arms/random.ts";
import { redraw, redrawSigns } from "../../src/lottery/arms/redraw.ts";
import { reinit } from "../../src/lottery/arms/reinit.ts";
import { keepLargest, keepRandom } from "../../src/lottery/arms/select.ts";
import { shuffledWithinLayers } from "../../src/lottery/arms/shuffle.ts";
import { armStream } from "../../src/lottery/arms/stream.ts";
import { ticket } from "../../src/lottery/arms/ticket.ts";
import { twin } from "../../src/lottery/arms/twin.ts";
import { type PruningGroup, pruningGroups, type Scope } from "../../src/lottery/schedule.ts";
import { glorot } from "../../src/nn/initialize.ts";
import { bitOf, countKept, denseMask, packMask, unpackMask } from "../../src/nn/mask.ts";
import { forEachWeight, fromArena, layOut, type NetworkLayout, type NetworkSpec } from "../../src/nn/network.ts";
import { selectMagnitude } from "../../src/reference/select_magnitude.ts";
import { perceptron } from "../nn/networks.ts";
import { bits, integers, normals } from "../reference/tensors.ts";

/** 90, 30, 378 and 21 weights, the 30 of which may not be pruned. */
const convolutions: NetworkSpec = {
  name: "convolutions",
  input: { channels: 2, height: 6, width: 6 },
  layers: [
    { type: "conv", channels: 5, activation: "none", bias: false },
    { type: "batch-norm", activation: "relu" },
    { type: "max-pool" },
    { type: "conv", channels: 6, size: 1, activation: "relu", prunable: false },
    { type: "dense", units: 7, activation: "relu" },
    { type: "dense", units: 3, activation: "none" },
  ],
};

const layouts = [perceptron([9, 7, 5, 3]), convolutions].map(layOut);
const large = layOut(perceptron([120, 100, 10]));

/** Something other than zero wherever a network has a value: weights, biases, batch norms. */
function arenaOf(layout: NetworkLayout, seed: number): Float32Array<ArrayBuffer> {
  const mask = denseMask(layout);
  return Float32Array.from(normals(seed, layout.arena), (value, at) => bitOf(mask, at) ? value : 0);
}

/** By the reference: the mask that keeps a number of each group's largest magnitudes. */
function referenceMask(
  layout: NetworkLayout,
  values: Float32Array,
  groups: readonly PruningGroup[],
  keep: readonly number[],
): Uint32Array<ArrayBuffer> {
  const masks = unpackMask(layout, denseMask(layout));
  const weights = fromArena(layout, values).map(({ weight }) => weight);
  groups.forEach(({ layers }, group) => {
    const pool = layers.flatMap((layer) => [...weights[layer] ?? []]);
    const kept = selectMagnitude(pool, new Uint8Array(pool.length).fill(1), [pool.length - (keep[group] ?? NaN)]);
    let taken = 0;
    for (const layer of layers) masks[layer]?.forEach((_, at, mask) => mask[at] = kept[taken++] ?? 0);
  });
  return packMask(layout, masks);
}

/** What an arm is given: a ticket of 60 % of each group. */
function inputOf(
  layout: NetworkLayout,
  scope: Scope = "layer",
  changes: Partial<MaskInput & StartInput> = {},
): MaskInput & StartInput {
  const groups = pruningGroups(layout, { conv: 0.4, dense: 0.4, output: 0.4, scope });
  const trained = arenaOf(layout, 3);
  const keep = groups.map(({ layers }) => Math.round(0.6 * sum(layers.map((layer) => sizesOf(layout)[layer] ?? 0))));
  const ticketMask = referenceMask(layout, trained, groups, keep);
  return {
    layout,
    groups,
    seed: 5,
    level: 2,
    draw: 1,
    initScale: 1,
    initial: arenaOf(layout, 1),
    rewound: arenaOf(layout, 2),
    ticketMask,
    kept: countKept(layout, ticketMask),
    mask: ticketMask,
    trained: () => trained,
    denseTrained: () => trained,
    gradient: () => Promise.reject(new Error("no gradient is wanted")),
    ...changes,
  };
}

function sizesOf(layout: NetworkLayout): number[] {
  return layout.layers.map(({ inputs, outputs }) => inputs * outputs);
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

async function maskOf({ masks }: Arm, input: MaskInput): Promise<Uint32Array<ArrayBuffer>> {
  assert.ok(typeof masks === "function");
  return await masks(input);
}

/** Calls back for each value of the arena that is no weight of a layer: biases, batch norms, padding. */
function forEachOther(layout: NetworkLayout, visit: (at: number) => void): void {
  const isWeight = new Uint8Array(layout.arena);
  for (const layer of layout.layers) forEachWeight(layer, (at) => isWeight[at] = 1);
  isWeight.forEach((one, at) => {
    if (one === 0) visit(at);
  });
}

/** Each scope with each network; the perceptron's groups are all of its layers. */
const cases = layouts.flatMap((layout) => (["layer", "global"] as const).map((scope) => ({ layout, scope })));

Deno.test("tickets, their twin and controls that differ in their mask alone start from what the ticket is rewound to", () => {
  for (const { layout, scope } of cases) {
    const input = inputOf(layout, scope);
    for (const arm of [ticket, twin, oneshot, random, randomGlobal, continued, magnitudeInit, er, erk]) {
      assert.equal(arm.start(input), input.rewound, arm.title);
    }
  }
});

Deno.test("learning-rate rewinding and fine-tuning go on from their own trained weights under masks of their own", () => {
  const input = inputOf(large);
  for (const arm of [learningRateRewind, fineTune]) {
    assert.equal(arm.start(input), input.trained());
    assert.deepEqual([arm.masks, arm.needsTrained], ["own", true]);
  }
  assert.deepEqual([learningRateRewind.rate ?? "schedule", fineTune.rate], ["schedule", "final"]);
  assert.equal(continued.masks, "other");
});

Deno.test("arms with the ticket's mask say so", () => {
  for (const arm of [ticket, twin, reinit, redraw, redrawSigns, noise0_5, noise1, noise2, noise3]) {
    assert.equal(arm.masks, "ticket", arm.title);
  }
});

Deno.test("a re-initialised network has a fresh draw of its level, at the run's scale, whatever its mask is", () => {
  for (const layout of layouts) {
    const input = inputOf(layout);
    const fresh = reinit.start(input);
    assert.deepEqual(fresh, glorot(layout, 5, { purpose: "reinit", level: 2, draw: 1 }));
    assert.deepEqual(oneshotReinit.start(input), fresh);
    for (const other of [{ seed: 6 }, { level: 3 }, { draw: 2 }]) {
      assert.notDeepEqual(reinit.start({ ...input, ...other }), fresh);
    }
    // A power of two scales every value exactly.
    fromArena(layout, reinit.start({ ...input, initScale: 2 })).forEach(({ weight }, layer) => {
      assert.deepEqual(weight, fromArena(layout, fresh)[layer]?.weight.map((value) => 2 * value));
    });
  }
});

Deno.test("one-shot pruning keeps the dense network's largest weights, as many of each group as the ticket has", async () => {
  for (const { layout, scope } of cases) {
    // Few magnitudes, both signs: most of them tie.
    const quantised = arenaOf(layout, 4).map((value) => Math.round(2 * value) / 2);
    for (const values of [arenaOf(layout, 4), quantised]) {
      const input = inputOf(layout, scope, { denseTrained: () => values });
      const keep = input.groups.map(({ layers }) => sum(layers.map((layer) => input.kept[layer] ?? 0)));
      const wanted = referenceMask(layout, values, input.groups, keep);
      assert.deepEqual(await maskOf(oneshot, input), wanted);
      assert.deepEqual(await maskOf(oneshotReinit, input), wanted);
    }
  }
});

Deno.test("one-shot pruning at level 1 keeps what the ticket keeps", async () => {
  for (const { layout, scope } of cases) {
    const input = inputOf(layout, scope, { level: 1 });
    assert.deepEqual(await maskOf(oneshot, input), input.ticketMask);
  }
});

Deno.test("one-shot pruning of a network that diverged takes NaN for the largest magnitude, as the kernels do", async () => {
  const [layout] = layouts;
  assert.ok(layout);
  const values = arenaOf(layout, 4);
  const [first] = layout.layers;
  assert.ok(first);
  [NaN, Infinity, -Infinity, 0, -0].forEach((value, at) => values[first.weight + at] = value);
  const input = inputOf(layout, "layer", { denseTrained: () => values });
  const mask = await maskOf(oneshot, input);
  assert.deepEqual(mask, referenceMask(layout, values, input.groups, input.kept));
  assert.deepEqual([0, 1, 2, 3, 4].map((at) => bitOf(mask, first.weight + at)), [true, true, true, false, false]);
});

Deno.test("pruning before training keeps the largest initial weights, not the largest of those it is rewound to", async () => {
  for (const { layout, scope } of cases) {
    const input = inputOf(layout, scope);
    const keep = input.groups.map(({ layers }) => sum(layers.map((layer) => input.kept[layer] ?? 0)));
    const mask = await maskOf(magnitudeInit, input);
    assert.deepEqual(mask, referenceMask(layout, input.initial, input.groups, keep));
    assert.notDeepEqual(mask, referenceMask(layout, input.rewound, input.groups, keep));
  }
});

Deno.test("keepLargest() keeps the highest scores of a share, of equal ones those with the higher index", () => {
  const layout = layOut(perceptron([13, 11, 5]));
  const size = 13 * 11 + 11 * 5;
  for (const bound of [1, 2, 7, 1000]) {
    // Scores around zero, those of the second layer behind those of the first.
    const pool = Float64Array.from(integers(bound, size, bound), (value) => value - bound / 3);
    const scores = [pool.subarray(0, 143), pool.subarray(143)];
    const within = bits(bound + 1, size, 0.7);
    const candidates = [...within.keys()].filter((at) => within[at] === 1);
    candidates.sort((a, b) => (pool[b] ?? 0) - (pool[a] ?? 0) || b - a);
    for (const keep of [0, 1, 30, candidates.length - 1, candidates.length]) {
      const wanted = new Uint8Array(size);
      for (const at of candidates.slice(0, keep)) wanted[at] = 1;
      const masks = (of: Uint8Array<ArrayBuffer>) => packMask(layout, [of.subarray(0, 143), of.subarray(143)]);
      // In whatever order the layers are named.
      for (const layers of [[0, 1], [1, 0]]) {
        assert.deepEqual(
          keepLargest(layout, [{ layers, keep }], scores, masks(within)),
          masks(wanted),
          `${bound} ${keep}`,
        );
      }
    }
  }
});

Deno.test("layers in no share stay as they are", () => {
  const layout = layOut(perceptron([6, 5, 4]));
  const scores = sizesOf(layout).map((size) => new Float32Array(size));
  const within = packMask(layout, [bits(1, 30, 0.5), bits(2, 20, 0.5)]);
  const [, second] = countKept(layout, within);
  const shares = [{ layers: [0], keep: 3 }];
  const mask = keepLargest(layout, shares, scores, within);
  assert.deepEqual(countKept(layout, mask), [3, second]);
  assert.deepEqual(unpackMask(layout, mask)[1], unpackMask(layout, within)[1]);
  assert.deepEqual(countKept(layout, keepLargest(layout, shares, scores)), [3, 20]);
  assert.deepEqual(countKept(layout, keepRandom(layout, shares, new RandomStream(1, "mask"))), [3, 20]);
});

Deno.test("keepLargest() and keepRandom() refuse scores that cannot be ranked and counts that cannot be had", () => {
  const layout = layOut(perceptron([3, 2]));
  const scores = (value: number) => [Float64Array.of(1, 2, 3, 4, 5, value)];
  const refused = (keep: number, values: readonly Float64Array[], message: RegExp, layers = [0]) =>
    assert.throws(() => keepLargest(layout, [{ layers, keep }], values), { name: "RangeError", message });
  refused(2, scores(NaN), /dense1.*weight 5 is NaN/);
  refused(2, [new Float64Array(5)], /dense1.*5, and 6 are wanted/);
  refused(2, [], /dense1.*0, and 6 are wanted/);
  refused(2, scores(6), /layer 1 of perceptron/, [1]);
  for (const keep of [-1, 7, 1.5, NaN]) {
    refused(keep, scores(6), new RegExp(`keep ${keep} weights of dense1.* 0 to 6`));
    assert.throws(() => keepRandom(layout, [{ layers: [0], keep }], new RandomStream(1, "mask")), {
      name: "RangeError",
      message: /dense1/,
    });
  }
});

Deno.test("a random mask keeps the ticket's number of weights in every layer", async () => {
  for (const { layout, scope } of cases) {
    for (let draw = 1; draw <= 3; draw++) {
      const input = inputOf(layout, scope, { draw });
      const mask = await maskOf(random, input);
      assert.deepEqual(countKept(layout, mask), input.kept);
      assert.notDeepEqual(mask, input.ticketMask);
      // Biases and batch norms, but no padding.
      const dense = denseMask(layout);
      forEachOther(layout, (at) => assert.equal(bitOf(mask, at), bitOf(dense, at)));
    }
  }
});

Deno.test("a random mask over all layers keeps the ticket's total, and layers that are not pruned", async () => {
  for (const { layout, scope } of cases) {
    const counts: string[] = [];
    for (let draw = 1; draw <= 5; draw++) {
      const input = inputOf(layout, scope, { draw });
      const kept = countKept(layout, await maskOf(randomGlobal, input));
      assert.equal(sum(kept), sum(input.kept));
      layout.layers.forEach(({ prunable }, layer) => {
        if (!prunable) assert.equal(kept[layer], sizesOf(layout)[layer]);
      });
      counts.push(kept.join());
    }
    assert.ok(new Set(counts).size > 1, `${counts}`);
  }
});

Deno.test("random masks keep every weight equally often", async () => {
  const layout = layOut(perceptron([4, 3, 2]));
  const draws = 1000;
  // Kept of 12 and 6 weights: 7 and 4, together 11 of 18.
  for (const [arm, expected] of [[random, [7 / 12, 4 / 6]], [randomGlobal, [11 / 18, 11 / 18]]] as const) {
    const times = layout.layers.map(({ inputs, outputs }) => new Float64Array(inputs * outputs));
    for (let draw = 1; draw <= draws; draw++) {
      const mask = await maskOf(arm, inputOf(layout, "layer", { draw }));
      unpackMask(layout, mask).forEach((own, layer) => {
        own.forEach((bit, at) => times[layer]?.set([(times[layer]?.[at] ?? 0) + bit], at));
      });
    }
    times.forEach((own, layer) => {
      const share = expected[layer] ?? NaN;
      const error = Math.sqrt(draws * share * (1 - share));
      for (const count of own) assert.ok(Math.abs(count - draws * share) < 5 * error, `${arm.title}: ${own}`);
    });
  }
});

Deno.test("a shuffled mask keeps each layer's count, an empty and a full layer among them", () => {
  const layout = layOut(perceptron([8, 6, 5, 4]));
  const mask = packMask(layout, [new Uint8Array(48), bits(1, 30, 0.4), new Uint8Array(20).fill(1)]);
  const shuffled = shuffledWithinLayers(layout, mask, new RandomStream(1, "mask"));
  assert.deepEqual(countKept(layout, shuffled), countKept(layout, mask));
  assert.notDeepEqual(shuffled, mask);
});

Deno.test("arms that draw repeat a draw, and differ from draw to draw, level to level and seed to seed", async () => {
  const arms: readonly (readonly [ArmName, Arm])[] = [
    ["reinit", reinit],
    ["oneshot-reinit", oneshotReinit],
    ["random", random],
    ["random-global", randomGlobal],
    ["redraw", redraw],
    ["redraw-signs", redrawSigns],
    ["noise-0.5", noise0_5],
    ["noise-1", noise1],
    ["noise-2", noise2],
    ["noise-3", noise3],
    ["er", er],
    ["erk", erk],
  ];
  const [layout] = layouts;
  assert.ok(layout);
  for (const [name, arm] of arms) {
    assert.equal(networksPerTicket(name, 1, 3), 3, name);
    const drawn = async (changes: Partial<MaskInput> = {}): Promise<string> => {
      const input = inputOf(layout, "layer", changes);
      const mask = typeof arm.masks === "function" ? await arm.masks(input) : input.mask;
      return `${mask} ${arm.start({ ...input, mask })}`;
    };
    const first = await drawn();
    assert.equal(await drawn({ draw: 1 }), first, name);
    for (const other of [{ draw: 2 }, { level: 3 }, { seed: 6 }]) assert.notEqual(await drawn(other), first, name);
  }
});

Deno.test("arms and layers have streams of their own", () => {
  const place = { seed: 1, level: 1, draw: 1 };
  const streams = [
    armStream(place, "mask", "random"),
    armStream(place, "mask", "snip-shuffle"),
    armStream(place, "mask", "snip-shuffle", 1),
    armStream(place, "redraw", "random"),
  ];
  assert.equal(new Set(streams.map((stream) => `${stream.uint32()} ${stream.uint32()}`)).size, streams.length);
});

Deno.test("values from D_m are the layer's surviving ones, drawn with replacement; biases and batch norms stay", () => {
  for (const { layout, scope } of [...cases, { layout: large, scope: "layer" as const }]) {
    const input = inputOf(layout, scope);
    const { rewound, mask } = input;
    for (const arm of [redraw, redrawSigns]) {
      const start = arm.start(input);
      for (const layer of layout.layers) {
        const before = new Set<number>();
        const after = new Set<number>();
        let moved = 0;
        let flipped = 0;
        forEachWeight(layer, (at) => {
          if (!bitOf(mask, at)) return;
          before.add(rewound[at] ?? NaN);
          after.add(start[at] ?? NaN);
          moved += Number(start[at] !== rewound[at]);
          flipped += Number(Math.sign(start[at] ?? NaN) !== Math.sign(rewound[at] ?? NaN));
        });
        assert.ok(after.isSubsetOf(before), `${arm.title}: ${layer.name}`);
        assert.ok(
          moved > 0 && after.size < before.size,
          `${arm.title}: ${layer.name}: ${after.size} of ${before.size}`,
        );
        if (arm === redrawSigns) assert.equal(flipped, 0, layer.name);
        else assert.ok(flipped > 0, layer.name);
      }
      forEachOther(layout, (at) => assert.ok(Object.is(start[at], rewound[at])));
    }
  }
});

Deno.test("of n values drawn with replacement from n, a share of 1 − 1/e is seen", () => {
  const input = inputOf(large);
  const [first] = fromArena(large, redraw.start(input));
  const [mask] = unpackMask(large, input.mask);
  assert.ok(first && mask);
  const survivors = first.weight.filter((_, at) => mask[at] === 1);
  const share = new Set(survivors).size / survivors.length;
  // The number of empty urns varies by n (1/e − 2/e²) (Kolchin): five standard errors.
  const error = Math.sqrt((Math.exp(-1) - 2 * Math.exp(-2)) / survivors.length);
  assert.ok(Math.abs(share - (1 - Math.exp(-1))) < 5 * error, `${share}`);
});

Deno.test("noise has c standard deviations of its layer's initial weights, and moves neither biases nor batch norms", () => {
  // Layers of different deviation; what is rewound to has another.
  const initial = glorot(large, 1, { scale: 0.5 });
  for (const [arm, times] of [[noise0_5, 0.5], [noise1, 1], [noise2, 2], [noise3, 3]] as const) {
    const input = inputOf(large, "layer", { initial });
    const start = arm.start(input);
    for (const layer of large.layers) {
      const noise: number[] = [];
      forEachWeight(layer, (at) => noise.push((start[at] ?? NaN) - (input.rewound[at] ?? NaN)));
      const deviation = times * 0.5 * Math.sqrt(2 / (layer.inputs + layer.outputs));
      const mean = sum(noise) / noise.length;
      const found = Math.sqrt(sum(noise.map((value) => (value - mean) ** 2)) / noise.length);
      assert.ok(Math.abs(mean) < 5 * deviation / Math.sqrt(noise.length), `${arm.title}: mean ${mean}`);
      // The sampling errors of the noise and of the layer's own deviation.
      const error = deviation * Math.sqrt(2 / (2 * noise.length));
      assert.ok(Math.abs(found - deviation) < 5 * error, `${arm.title}: ${found} for ${deviation}`);
    }
    forEachOther(large, (at) => assert.ok(Object.is(start[at], input.rewound[at])));
  }
  for (const layout of layouts) {
    const input = inputOf(layout);
    const start = noise1.start(input);
    forEachOther(layout, (at) => assert.ok(Object.is(start[at], input.rewound[at])));
  }
});

Deno.test("the same draw of noise of different sizes is the same noise, c times as large", () => {
  // From zero, so that nothing is rounded away.
  const input = inputOf(large, "layer", { rewound: new Float32Array(large.arena) });
  const [one, two] = [noise1, noise2].map((arm) => arm.start(input));
  assert.deepEqual(two, one?.map((value) => 2 * value));
});

Deno.test("Erdős–Rényi densities are in proportion to (n_in + n_out) / (n_in · n_out)", () => {
  const layout = layOut(perceptron([8, 6, 4, 3]));
  const { groups } = inputOf(layout);
  const counts = (kept: readonly number[]) =>
    [false, true].map((withKernel) => erdosRenyiShares(layout, { groups, kept }, withKernel).map(({ keep }) => keep));
  // Sizes 48, 24 and 12; n_in + n_out of 14, 10 and 7. A total of 31 has the factor 1.
  assert.deepEqual(counts([20, 10, 1]), [[14, 10, 7], [14, 10, 7]]);
  // A total of 62 would be 28, 20 and 14 of 12: the last stays dense, 50 are divided by 14 : 10, which is 29.17 and 20.83.
  assert.deepEqual(counts([40, 20, 2]), [[29, 21, 12], [29, 21, 12]]);
  // Of 80, 68 over 14 : 10 are 39.67 and 28.33 of 24: only the first is left to take 44.
  assert.deepEqual(counts([44, 24, 12]), [[44, 24, 12], [44, 24, 12]]);
  assert.deepEqual(counts([48, 24, 12]), [[48, 24, 12], [48, 24, 12]]);
  assert.deepEqual(counts([0, 0, 0]), [[0, 0, 0], [0, 0, 0]]);
});

Deno.test("Erdős–Rényi densities of convolutions go by channels; with kernels by rows and columns too", () => {
  const layout = layOut({
    name: "convolution",
    input: { channels: 2, height: 4, width: 4 },
    layers: [{ type: "conv", channels: 3, activation: "relu" }, { type: "dense", units: 2, activation: "none" }],
  });
  const input = { groups: inputOf(layout).groups, kept: [20, 10] };
  const counts = (withKernel: boolean) => erdosRenyiShares(layout, input, withKernel).map(({ keep }) => keep);
  // 54 weights · (2 + 3) / 6 = 45 beside 96 · (48 + 2) / 96 = 50: 30 are 14.21 and 15.79.
  assert.deepEqual(counts(false), [14, 16]);
  // 54 · (2 + 3 + 3 + 3) / 54 = 11 beside 50: 30 are 5.41 and 24.59.
  assert.deepEqual(counts(true), [5, 25]);
});

Deno.test("Erdős–Rényi masks keep the ticket's total over the layers that are pruned, and the others dense", async () => {
  for (const { layout, scope } of cases) {
    for (const [arm, withKernel] of [[er, false], [erk, true]] as const) {
      const input = inputOf(layout, scope);
      const kept = countKept(layout, await maskOf(arm, input));
      assert.equal(sum(kept), sum(input.kept));
      for (const { layers: [layer = NaN], keep } of erdosRenyiShares(layout, input, withKernel)) {
        assert.equal(kept[layer], keep);
      }
      layout.layers.forEach(({ prunable }, layer) => {
        if (!prunable) assert.equal(kept[layer], sizesOf(layout)[layer]);
      });
    }
  }
});
