/** Runs that are pruned so far that pixels and units are dead: nothing that a run promises changes when they are left out. */
import assert from "node:assert/strict";
import { keptUnits } from "../../src/nn/dead_structure.ts";
import type { LotteryConfig } from "../../src/lottery/config.ts";
import type { LotteryEvent } from "../../src/lottery/types.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { layout, numbers, run, smallConfig, together, type Told } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

/** Densities of 100, 15, 2.25 and 0.34 % in the hidden layers: 8 of 2,430 weights in the first one. */
function deepConfig(changes: Partial<LotteryConfig> = {}): LotteryConfig {
  return smallConfig({ levels: 3, pruneDense: 0.85, controls: ["reinit"], reinitDraws: 1, ...changes });
}

/** Units that stay at a level, by tensor, in a run whose layers are compact but the last. */
function keptAt({ masks }: Told, level: number): (number | undefined)[] | undefined {
  const words = masks.filter((mask) => mask.level === level).map((mask) => mask.words);
  const plan = layout.layers.map((_, index) => ({
    weights: index < 2 ? "compact" as const : "masked-dense" as const,
    tiles: "register" as const,
  }));
  return keptUnits(layout, words, plan)?.map(([own]) => own?.length);
}

/**
 * A weight decay that is 0 as a float, by which kernels compute what they compute without one, but nothing is dropped.
 */
const withoutDropping = { weightDecay: 1e-60 };

Deno.test("a run gives the same bits whether or not what is dead is left out", async () => {
  const gpu = await testGpu();
  const config = deepConfig({ replicates: 2 });
  const whole = await run({ ...config, ...withoutDropping }, { gpu });
  const shrunk = await run(config, { gpu });
  const kept = keptAt(shrunk, 3);
  assert.ok(kept && Number(kept[0]) < 60 && Number(kept[1]) < 10, `kept ${kept?.join(", ")}`);
  assert.deepEqual(numbers(shrunk), numbers(whole));
});

Deno.test("global pruning takes what is dead at its magnitude, and a rewound level finds it there", async () => {
  const gpu = await testGpu();
  const config = deepConfig({ scope: "global", pruneConv: 0.85, pruneOutput: 0.85, rewind: 5 });
  const whole = await run({ ...config, ...withoutDropping }, { gpu });
  const shrunk = await run(config, { gpu });
  assert.ok(keptAt(shrunk, 2) && keptAt(shrunk, 3));
  assert.deepEqual(numbers(shrunk), numbers(whole));
});

Deno.test("replicates in which other units are dead train in lockstep what each of them trains alone", async () => {
  const gpu = await testGpu();
  const config = deepConfig({ replicates: 3 });
  const all = await run(config, { gpu });
  for (const replicate of [1, 2, 3]) {
    const alone = await run({ ...config, replicates: 1, seed: config.seed + replicate - 1 }, { gpu });
    const own = all.records.filter((record) => record.replicate === replicate);
    assert.deepEqual(own.map((record) => ({ ...record, replicate: 1 })), alone.records);
    const masks = all.masks.filter((mask) => mask.replicate === replicate);
    assert.deepEqual(masks.map(({ words }) => words), alone.masks.map(({ words }) => words));
  }
});

Deno.test("a run that was stopped within a level with dead units goes on bit for bit, with or without them", async () => {
  const gpu = await testGpu();
  const config = deepConfig({ replicates: 2 });
  const whole = await run({ ...config, ...withoutDropping }, { gpu });
  const abort = new AbortController();
  let events: LotteryEvent[] = [];
  const stopped = run(config, { gpu, signal: abort.signal }, (event) => {
    events = [...events, event];
    if (event.type === "progress" && event.level === 3 && event.iteration > 20) abort.abort(new Error("enough"));
    return event.type === "snapshot" && abort.signal.aborted;
  });
  const first = await stopped;
  const { partial } = first.snapshot;
  assert.ok(partial?.every(({ level, iteration }) => level === 3 && iteration > 20));
  for (const changes of [{}, withoutDropping]) {
    const second = await run({ ...config, ...changes }, { gpu, snapshot: structuredClone(first.snapshot) });
    assert.deepEqual(numbers(together(first, second)), numbers(whole));
  }
});
