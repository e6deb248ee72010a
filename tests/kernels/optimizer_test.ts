import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { flat, layOut } from "../../src/nn/network.ts";
import { type OptimizerSettings, optimizerStep, stepScalars } from "../../src/nn/optimizer.ts";
import { initialState, stateWords } from "../../src/nn/state.ts";
import { adam } from "../../src/reference/adam.ts";
import { sgd } from "../../src/reference/sgd.ts";
import { adamScalars } from "../../src/reference/step_scalars.ts";
import { bits, normals } from "../reference/tensors.ts";
import { assertClose, assertSameBits, closeTestGpu, replicate, replicateCounts, Scratch, testGpu } from "./support.ts";

Deno.test.afterAll(closeTestGpu);

/** Elementwise: a handful of float32 roundings, and a division and a root of 2.5 units in the last place each. */
const tolerance = 1e-6;

interface Tensors {
  /** All `[R][arena]`. */
  readonly mask: Uint8Array<ArrayBuffer>;
  readonly gradient: Float64Array;
  readonly parameters: Float64Array;
  readonly firstMoment: Float64Array;
  /** Not negative; SGD has none. */
  readonly secondMoment: Float64Array;
}

function randomTensors(size: number): Tensors {
  const tensors = {
    mask: bits(2, size, 0.6),
    gradient: normals(1, size),
    parameters: normals(3, size),
    firstMoment: normals(4, size),
    // Away from zero, or a few huge updates would hide errors in all others.
    secondMoment: normals(5, size).map((value) => Math.fround(0.1 + value * value)),
  };
  for (let at = 0; at < size; at++) {
    // Where a network diverges, NaN and infinity arrive.
    if (at % 17 === 3) tensors.gradient[at] = NaN;
    if (at % 23 === 5) tensors.gradient[at] = Infinity;
    // A fresh moment meets a gradient of nothing, one of epsilon's size, and one whose square is below float32.
    const fresh = [0, 1e-8, -3e-9, 1e-25][at % 19];
    if (fresh === undefined) continue;
    tensors.gradient[at] = Math.fround(fresh);
    tensors.firstMoment[at] = 0;
    tensors.secondMoment[at] = 0;
  }
  return tensors;
}

function ofReplicate(tensors: Tensors, replicates: number, r: number): Tensors {
  return {
    mask: replicate(tensors.mask, replicates, r),
    gradient: replicate(tensors.gradient, replicates, r),
    parameters: replicate(tensors.parameters, replicates, r),
    firstMoment: replicate(tensors.firstMoment, replicates, r),
    secondMoment: replicate(tensors.secondMoment, replicates, r),
  };
}

function pack(mask: Uint8Array): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(mask.length / 32);
  mask.forEach((bit, at) => words[at >>> 5] = (words[at >>> 5] ?? 0) | (bit << (at & 31)));
  return words;
}

/** One step of each replicate, at its own place in the schedule. */
async function run(
  gpu: Gpu,
  layout: ReturnType<typeof layOut>,
  settings: OptimizerSettings,
  steps: readonly number[],
  tensors: Tensors,
): Promise<Float32Array<ArrayBuffer>[]> {
  using scratch = new Scratch(gpu);
  const state = initialState(steps.length);
  steps.forEach((step, r) => state[r * stateWords] = step);
  const parameters = scratch.upload(Float32Array.from(tensors.parameters));
  const moments = [scratch.upload(Float32Array.from(tensors.firstMoment))];
  if (settings.type === "adam") moments.push(scratch.upload(Float32Array.from(tensors.secondMoment)));
  await scratch.run(optimizerStep(layout, steps.length, settings, {
    mask: scratch.upload(pack(tensors.mask)),
    gradient: scratch.upload(Float32Array.from(tensors.gradient)),
    schedule: scratch.upload(stepScalars(settings, 1 + Math.max(...steps))),
    state: scratch.upload(state),
    parameters,
    moments,
  }));
  return scratch.floats(parameters, ...moments);
}

function reference(settings: OptimizerSettings, step: number, tensors: Tensors): Float64Array[] {
  const { mask, gradient } = tensors;
  if (settings.type === "adam") {
    const next = adam(tensors, gradient, mask, adamScalars(settings, step + 1), settings);
    return [next.parameters, next.firstMoment, next.secondMoment];
  }
  const next = sgd({ parameters: tensors.parameters, momentum: tensors.firstMoment }, gradient, mask, settings);
  return [next.parameters, next.momentum];
}

/** Arenas of 1, 3 and 33 times 64 values. */
const layouts = [[1], [5, 2], [37, 50]].map((units) =>
  layOut({
    name: "test",
    input: flat(units[0] ?? 1),
    layers: units.map((count) => ({ type: "dense", units: count, activation: "none" })),
  })
);

// Rates as large as the weights, so that an error in the update is as visible as one in the weight.
const optimizers: OptimizerSettings[] = [
  { type: "adam", lr: 0.5 },
  { type: "adam", lr: 0.1, beta1: 0.8, beta2: 0.95, epsilon: 0.01, weightDecay: 0.3 },
  { type: "sgd", lr: 0.5 },
  { type: "sgd", lr: 0.5, momentum: 0.9, weightDecay: 0.3 },
];

for (const settings of optimizers) {
  Deno.test(`${settings.type} agrees with its reference, NaN and infinity included: ${JSON.stringify(settings)}`, async () => {
    const gpu = await testGpu();
    for (const layout of layouts) {
      for (const replicates of replicateCounts) {
        const tensors = randomTensors(replicates * layout.arena);
        const steps = [0, 9, 1].slice(0, replicates);
        const actual = await run(gpu, layout, settings, steps, tensors);
        for (const [r, step] of steps.entries()) {
          const wanted = reference(settings, step, ofReplicate(tensors, replicates, r));
          wanted.forEach((tensor, index) => {
            const all = actual[index];
            assert.ok(all);
            const what = `tensor ${index}, arena ${layout.arena}, replicate ${r + 1} of ${replicates}`;
            assertClose(replicate(all, replicates, r), tensor, tolerance, what);
          });
        }
        tensors.mask.forEach((bit, at) => {
          if (bit === 0) {
            for (const tensor of actual) assert.ok(Object.is(tensor[at], 0), `pruned ${at} is ${tensor[at]}`);
          }
        });
      }
    }
  });

  Deno.test(`three replicates of ${settings.type} give bit for bit what three runs of one give: ${JSON.stringify(settings)}`, async () => {
    const gpu = await testGpu();
    const layout = layouts[1];
    assert.ok(layout);
    const tensors = randomTensors(3 * layout.arena);
    const steps = [4, 0, 2];
    const together = await run(gpu, layout, settings, steps, tensors);
    for (const [r, step] of steps.entries()) {
      const alone = await run(gpu, layout, settings, [step], ofReplicate(tensors, 3, r));
      alone.forEach((tensor, index) => {
        const all = together[index];
        assert.ok(all);
        assertSameBits(replicate(all, 3, r), tensor, `tensor ${index} of replicate ${r + 1}`);
      });
    }
  });
}

Deno.test("stepScalars() agrees with its reference over a whole level", () => {
  const adamTable = stepScalars({ type: "adam", lr: 0.0012, beta1: 0.85, beta2: 0.98 }, 2000);
  const wanted = Float64Array.from({ length: 8000 }, (_, at) => {
    const { stepSize, rootCorrection } = adamScalars({ lr: 0.0012, beta1: 0.85, beta2: 0.98 }, Math.floor(at / 4) + 1);
    return Math.fround([stepSize, rootCorrection, 0, 0][at % 4] ?? 0);
  });
  assert.deepEqual(Float64Array.from(adamTable), wanted);
  assert.deepEqual([...stepScalars({ type: "sgd", lr: 0.25 }, 2)], [0.25, 0, 0, 0, 0.25, 0, 0, 0]);
});

Deno.test("the optimizers leave what stands behind the trained values as it is, and each replicate begins at its own arena", async () => {
  const gpu = await testGpu();
  const layout = layOut({
    name: "test",
    input: { channels: 2, height: 3, width: 3 },
    layers: [
      { type: "conv", channels: 5, bias: false, activation: "none" },
      { type: "batch-norm", activation: "relu" },
      { type: "dense", units: 3, activation: "none" },
    ],
  });
  assert.ok(layout.trained < layout.arena);
  for (const settings of optimizers) {
    for (const replicates of replicateCounts) {
      const tensors = randomTensors(replicates * layout.arena);
      const actual = await run(gpu, layout, settings, Array.from({ length: replicates }, () => 0), tensors);
      for (let r = 0; r < replicates; r++) {
        const own = ofReplicate(tensors, replicates, r);
        const before = [own.parameters, own.firstMoment, own.secondMoment];
        reference(settings, 0, own).forEach((wanted, index) => {
          const after = replicate(actual[index] ?? new Float32Array(0), replicates, r);
          const what = `tensor ${index} of replicate ${r + 1} of ${replicates}, ${settings.type}`;
          assertClose(after.subarray(0, layout.trained), wanted.subarray(0, layout.trained), tolerance, what);
          const tail = Float32Array.from(before[index] ?? []).subarray(layout.trained);
          assertSameBits(after.slice(layout.trained), tail.slice(), `${what}, behind`);
        });
      }
    }
  }
});

Deno.test("moments below the smallest normal number become zero, and the smallest normal one stays", async () => {
  const gpu = await testGpu();
  const layout = layOut({ name: "test", input: flat(1), layers: [{ type: "dense", units: 1, activation: "none" }] });
  const size = layout.arena;
  const smallest = 2 ** -126;
  // Twice the smallest normal number decays to one that is still normal; the others are denormal before and after.
  const moments = Float64Array.from(
    { length: size },
    (_, at) => (at % 2 === 0 ? 2 : at % 4 === 1 ? 1e-3 : 0.5) * smallest,
  );
  const tensors = {
    mask: new Uint8Array(size).fill(1),
    gradient: new Float64Array(size),
    parameters: new Float64Array(size).fill(1),
    firstMoment: moments,
    secondMoment: moments,
  };
  for (const settings of [{ type: "adam", lr: 1e-3 }, { type: "sgd", lr: 1e-3, momentum: 0.9 }] as const) {
    const [parameters, ...after] = await run(gpu, layout, settings, [0], tensors);
    assert.ok(parameters?.every((value) => value === 1));
    for (const moment of after) {
      moment.forEach((value, at) => assert.equal(value > 0, at % 2 === 0, `${value} at ${at}`));
    }
  }
});
