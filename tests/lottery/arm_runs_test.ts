import assert from "node:assert/strict";
import { optimizerOf } from "../../src/lottery/optimizer.ts";
import { preset } from "../../src/lottery/config.ts";
import type { ControlName } from "../../src/lottery/arms/names.ts";
import type { NetworkKey, TrainedNetwork } from "../../src/lottery/types.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { numbers, run, smallConfig, together } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

/** Arms that need more than the ticket's mask and the seed: trained weights, masks of their own, other learning rates. */
const controls: readonly ControlName[] = ["oneshot", "lr-rewind", "fine-tune", "continued", "random-global", "twin"];

/** Two rounds with a drop of the learning rate, so that fine-tuning has another one. */
const config = smallConfig({ controls, replicates: 2, lrDrops: [30] });

function networkOf(
  networks: readonly TrainedNetwork[],
  arm: NetworkKey["arm"],
  level: number,
  replicate = 1,
): TrainedNetwork {
  const found = networks.find((own) => own.arm === arm && own.level === level && own.replicate === replicate);
  assert.ok(found, `${arm} of level ${level}`);
  return found;
}

const masksOf = ({ layers }: TrainedNetwork): Uint8Array[] => layers.map(({ mask }) => mask);
const startOf = ({ layers }: TrainedNetwork): Float32Array[] =>
  layers.map(({ initial, mask }) => initial.map((value, at) => mask[at] ? value : 0));

Deno.test("every arm trains with the mask and from the values that define it", async () => {
  const { networks, records } = await run(config, { gpu: await testGpu() });
  for (const replicate of [1, 2]) {
    const of = (arm: NetworkKey["arm"], level: number): TrainedNetwork => networkOf(networks, arm, level, replicate);
    const dense = of("ticket", 0);
    // Level 1 of what prunes trained weights is the ticket's: one dense network was pruned.
    for (const arm of ["oneshot", "lr-rewind", "fine-tune", "continued", "twin"] as const) {
      assert.deepEqual(masksOf(of(arm, 1)), masksOf(of("ticket", 1)), arm);
    }
    for (const arm of ["lr-rewind", "fine-tune"] as const) {
      for (const level of [1, 2]) {
        const before = level === 1 ? dense : of(arm, 1);
        const { layers } = of(arm, level);
        layers.forEach(({ mask, initial, initialBias }, index) => {
          const trained = before.layers[index];
          assert.ok(trained);
          assert.deepEqual(initial, trained.final, `${arm} ${level}`);
          assert.deepEqual(initialBias, trained.finalBias);
          assert.ok(mask.every((bit, at) => bit <= (trained.mask[at] ?? 0)), "its mask shrinks");
        });
      }
    }
    assert.deepEqual(masksOf(of("continued", 2)), masksOf(of("lr-rewind", 2)));
    assert.notDeepEqual(masksOf(of("lr-rewind", 2)), masksOf(of("ticket", 2)));
    assert.notDeepEqual(masksOf(of("fine-tune", 2)), masksOf(of("lr-rewind", 2)));
    assert.notDeepEqual(masksOf(of("oneshot", 2)), masksOf(of("ticket", 2)));
    for (const arm of ["oneshot", "continued", "twin", "random-global"] as const) {
      for (const level of [1, 2]) {
        assert.deepEqual(
          of(arm, level).layers.map(({ initial }) => initial),
          dense.layers.map(({ initial }) => initial),
        );
      }
    }
    // The twin differs from its ticket in nothing but its data order, at the dense level too.
    for (const level of [0, 1, 2]) {
      assert.deepEqual(startOf(of("twin", level)), startOf(of("ticket", level)));
      assert.notDeepEqual(of("twin", level).layers[0]?.final, of("ticket", level).layers[0]?.final);
    }
  }
  for (const level of [1, 2]) {
    const remaining = records.filter((record) => record.level === level).map((record) => record.remaining);
    assert.deepEqual(remaining, Array.from({ length: 2 * (1 + controls.length) }, () => remaining[0]));
  }
});

Deno.test("arms give bit for bit the same in one lockstep, in turns of two, and added one after the other", async () => {
  const gpu = await testGpu();
  const whole = await run(config, { gpu });
  assert.deepEqual(numbers(await run(config, { gpu, lockstep: 2 })), numbers(whole));
  let all = await run({ ...config, controls: [], levels: 1 }, { gpu });
  assert.equal(all.snapshot.trained, undefined, "what no arm needs is not kept");
  for (const step of [{ controls: [], levels: 2 }, { controls: controls.slice(0, 1) }, { controls }] as const) {
    all = together(all, await run({ ...config, ...step }, { gpu, snapshot: all.snapshot }));
  }
  // The dense networks were trained once more, for what they came to.
  const isNew = new Set<string>();
  const once = <Own extends NetworkKey & { readonly iteration?: number }>(list: readonly Own[]): Own[] =>
    list.filter(({ arm, level, replicate, draw, iteration = 0 }) => {
      const name = `${arm} ${level} ${replicate} ${draw} ${iteration}`;
      return !isNew.has(name) && isNew.add(name);
    });
  assert.ok(all.networks.length > whole.networks.length);
  const evaluations = once(all.evaluations);
  isNew.clear();
  assert.deepEqual(numbers({ ...all, evaluations, networks: once(all.networks) }), numbers(whole));
});

Deno.test("arms that go on with trained weights, stopped within a level, go on to the same numbers", async () => {
  const gpu = await testGpu();
  const stopped = smallConfig({ controls: ["lr-rewind", "continued"], rewind: 7 });
  const whole = await run(stopped, { gpu });
  for (const level of [1, 2]) {
    let snapshots = 0;
    const first = await run(stopped, { gpu, checkpointSeconds: 0 }, (event) => {
      const within = event.type === "snapshot" ? event.snapshot.partial?.[0] : undefined;
      return within?.level === level && within.iteration > 20 && ++snapshots > 0;
    });
    assert.equal(snapshots, 1);
    const rest = await run(stopped, { gpu, snapshot: first.snapshot });
    assert.deepEqual(numbers(together(first, rest)), numbers(whole), `level ${level}`);
  }
});

Deno.test("fine-tuning has the rate that the schedule ends with, all along", () => {
  const deep = preset("resnet18", { lr: 0.03, warmup: 500, iterations: 3_000, lrDrops: [2_000, 2_500] });
  const { lr, warmup, drops } = optimizerOf(deep, "final");
  assert.ok(Math.abs(lr - 0.03 * 0.1 * 0.1) < 1e-12);
  assert.equal(warmup, 0);
  assert.deepEqual(drops, []);
  assert.deepEqual(optimizerOf(deep, "schedule"), optimizerOf(deep));
});

Deno.test("tickets and one-shot networks are pruned to given densities exactly, the output layer half as much", async () => {
  const densities = [0.7, 0.35];
  const grid = smallConfig({ controls: ["oneshot"], densities, pruneDense: 0.2, pruneOutput: 0.1 });
  const { records } = await run(grid, { gpu: await testGpu() });
  for (const [index, density] of densities.entries()) {
    const own = records.filter(({ level }) => level === index + 1);
    assert.deepEqual(own.map(({ arm }) => arm).sort(), ["oneshot", "ticket"]);
    for (const { arm, layers } of own) {
      assert.deepEqual(
        layers.map(({ size, kept }) => size - kept),
        layers.map(({ size, name }) => Math.round(size * (1 - density) * (name === "dense3" ? 0.5 : 1))),
        arm,
      );
    }
  }
});
