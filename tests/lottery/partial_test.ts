/** Going on within a level: stopped or killed anywhere, a run ends with the bits of one that was not. */
import assert from "node:assert/strict";
import { CheckpointClock } from "../../src/lottery/checkpoint_clock.ts";
import type { LotteryConfig } from "../../src/lottery/config.ts";
import { lottery, type LotteryOptions } from "../../src/lottery/lottery.ts";
import type { CustomNetwork } from "../../src/lottery/network_schema.ts";
import type { LotteryEvent, PartialNetwork, Snapshot } from "../../src/lottery/types.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { isNightly } from "../nightly.ts";
import { dataset, numbers, run, smallConfig, type Told, told } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

/** Batch norm's running statistics, dropout's counters, a momentum, and a layer that may not be pruned. */
const network: CustomNetwork = {
  name: "small-and-rich",
  layers: [
    { type: "conv", channels: 4, bias: false, activation: "none" },
    { type: "batch-norm", activation: "relu" },
    { type: "conv", channels: 3, activation: "relu", prunable: false },
    { type: "max-pool" },
    { type: "dropout", rate: 0.3 },
    { type: "dense", units: 9, activation: "relu" },
    { type: "dense", units: 5, activation: "none" },
  ],
};

const adam = smallConfig({ controls: ["reinit"], replicates: 2, levels: 1 });

/** Everything that has a state of its own: see {@linkcode network}; augmentation, warmup, and an epoch of 9 steps. */
const rich = smallConfig({
  network,
  width: 1,
  optimizer: "sgd",
  lr: 0.05,
  momentum: 0.9,
  weightDecay: 1e-3,
  warmup: 3,
  lrDrops: [20],
  trainSize: 110,
  batchSize: 12,
  iterations: 25,
  evalEvery: 8,
  pruneConv: 0.3,
  augment: true,
  rewind: 11,
  controls: ["reinit"],
  levels: 1,
});

interface Session {
  readonly events: readonly LotteryEvent[];
  readonly isDone: boolean;
}

/** A session of a run that is asked to stop after so many events. */
async function stopped(config: LotteryConfig, options: Partial<LotteryOptions>, after: number): Promise<Session> {
  const abort = new AbortController();
  const events: LotteryEvent[] = [];
  try {
    for await (const event of lottery(config, { dataset, ...options, signal: abort.signal })) {
      events.push(event);
      if (events.length === after) abort.abort(new Error("enough"));
    }
    return { events, isDone: true };
  } catch (error) {
    assert.equal(error, abort.signal.reason);
    return { events, isDone: false };
  }
}

/** Goes from stop to stop until the run is done; every snapshot is handed on as a copy, as if through a file. */
async function inSessions(
  config: LotteryConfig,
  options: Partial<LotteryOptions>,
  length: (session: number) => number,
): Promise<{ readonly told: Told; readonly stops: readonly Snapshot[] }> {
  const events: LotteryEvent[] = [];
  const stops: Snapshot[] = [];
  let snapshot: Snapshot | undefined;
  for (let session = 0;; session++) {
    assert.ok(session < 500, "it gets somewhere");
    const from = snapshot ? { snapshot: structuredClone(snapshot) } : {};
    const { events: own, isDone } = await stopped(config, { ...options, ...from }, length(session));
    events.push(...own);
    snapshot = told(own).events.some(({ type }) => type === "snapshot") ? told(own).snapshot : snapshot;
    if (isDone) return { told: told(events), stops };
    if (snapshot) stops.push(snapshot);
  }
}

Deno.test("stopped at any step boundary and resumed, again and again, a run ends with the same bits", async () => {
  const gpu = await testGpu();
  const variants: [string, LotteryConfig, Partial<LotteryOptions>][] = [
    ["Adam, two replicates with controls", adam, {}],
    ["Adam, in turns of two", adam, { lockstep: 2 }],
    ["SGD, batch norm, dropout, augmentation, rewound", rich, {}],
  ];
  for (const [name, config, options] of variants) {
    const whole = await run(config, { gpu, ...options });
    // A session's first two events are `start` and `level-start`; then come evaluations of all networks, and steps.
    for (const lengths of isNightly ? [[2, 3], [4], [5], [6], [7], [3, 8, 13]] : [[3, 2, 7, 4, 6, 5]]) {
      const length = (session: number): number => lengths[session % lengths.length] ?? 3;
      // A session that is stopped before anything is done would be repeated for ever.
      const { told: all, stops } = await inSessions(config, { gpu, ...options }, (session) => length(session) + 2);
      assert.deepEqual(numbers(all), numbers(whole), `${name}, sessions of ${lengths.join()} events`);
      assert.ok(stops.length > 2);
    }
  }
});

Deno.test("stopped before its first evaluation, on an evaluation, at its last step and after it, a level goes on", async () => {
  const gpu = await testGpu();
  const whole = await run(rich, { gpu });
  const wanted: [string, (event: LotteryEvent) => boolean, iteration: number, evaluated: number][] = [
    ["before the first evaluation", ({ type }) => type === "level-start", 0, 0],
    ["after the first evaluation", ({ type }) => type === "evaluation", 0, 1],
    ["before an evaluation", (event) => event.type === "progress" && event.iteration === 8, 8, 1],
    ["after an evaluation", (event) => event.type === "evaluation" && event.evaluation.iteration === 8, 8, 2],
    [
      "between evaluations, where later levels are rewound to",
      (event) => event.type === "progress" && event.iteration === 11,
      11,
      2,
    ],
    ["after the last step", (event) => event.type === "progress" && event.iteration === 25, 25, 4],
    ["after the last evaluation", (event) => event.type === "evaluation" && event.evaluation.iteration === 25, 25, 5],
  ];
  for (const [name, when, iteration, evaluated] of wanted) {
    const abort = new AbortController();
    const events: LotteryEvent[] = [];
    await assert.rejects(async () => {
      for await (const event of lottery(rich, { dataset, gpu, signal: abort.signal })) {
        events.push(event);
        if (when(event)) abort.abort(new Error("enough"));
      }
    }, /enough/);
    const { snapshot } = told(events);
    const [partial] = snapshot.partial ?? [];
    assert.deepEqual([partial?.iteration, partial?.evaluations.length], [iteration, evaluated], name);
    assert.equal(partial?.rewind !== undefined, iteration >= 11, name);
    const rest = await run(rich, { gpu, snapshot: structuredClone(snapshot) });
    assert.deepEqual(numbers(told([...events, ...rest.events])), numbers(whole), name);
  }
});

Deno.test("killed anywhere, a run goes on from its last snapshot, and what it tells again is the same", async () => {
  const gpu = await testGpu();
  const whole = await run(rich, { gpu, checkpointSeconds: 0 });
  const within = whole.events.filter((event) => event.type === "snapshot" && event.snapshot.partial);
  assert.ok(within.length >= 8, "snapshots within levels");
  for (let kill = 5; kill < whole.events.length; kill += isNightly ? 1 : 9) {
    const before: LotteryEvent[] = [];
    for await (const event of lottery(rich, { dataset, gpu, checkpointSeconds: 0 })) {
      before.push(event);
      if (before.length === kill) break;
    }
    const { snapshot } = told(before);
    const after = await run(rich, { gpu, snapshot: structuredClone(snapshot) });
    const all = told([...before, ...after.events]);
    // What is told twice must be equal, and is then one.
    const key = ({ arm, level, replicate, draw, iteration }: Told["evaluations"][number]): string =>
      [arm, level, replicate, draw, iteration].join();
    const once = new Map(all.evaluations.map((evaluation) => [key(evaluation), evaluation]));
    for (const evaluation of all.evaluations) assert.deepEqual(evaluation, once.get(key(evaluation)));
    const networks = all.networks.filter((network, at) => at === 0 || !isSame(network, all.networks[at - 1]));
    assert.deepEqual(
      numbers({ ...all, evaluations: [...once.values()], networks }),
      numbers(whole),
      `killed after ${kill} events`,
    );
  }
});

function isSame(a: Told["networks"][number], b: Told["networks"][number] | undefined): boolean {
  return a.arm === b?.arm && a.level === b.level && a.replicate === b.replicate && a.draw === b.draw;
}

Deno.test("a level that was left with other networks than are wanted now is finished first, in its own turn", async () => {
  const gpu = await testGpu();
  const wanted = smallConfig({ controls: ["reinit"], replicates: 2, reinitDraws: 2, levels: 1 });
  const whole = await run(wanted, { gpu });
  const small = { ...wanted, replicates: 1, reinitDraws: 1 };
  // Stopped in the middle of level 1, with one ticket and one control.
  const abort = new AbortController();
  const events: LotteryEvent[] = [];
  await assert.rejects(async () => {
    for await (const event of lottery(small, { dataset, gpu, signal: abort.signal })) {
      events.push(event);
      if (event.type === "progress" && event.level === 1 && event.iteration > 20) abort.abort(new Error("enough"));
    }
  }, /enough/);
  const { snapshot } = told(events);
  assert.equal(snapshot.partial?.length, 2);
  const rest = await run(wanted, { gpu, snapshot });
  const turns = rest.events.flatMap((event) =>
    event.type === "level-start" ? [[event.level, event.networks.length, event.iteration]] : []
  );
  assert.deepEqual(turns, [[1, 2, snapshot.partial?.[0]?.iteration], [0, 1, 0], [1, 4, 0]]);
  assert.deepEqual(numbers(told([...events, ...rest.events])), numbers(whole));

  // With less lockstep, what was left is itself finished in turns; a stop in the first keeps the second.
  const one = await stopped(wanted, { gpu, snapshot, lockstep: 1 }, 4);
  assert.ok(!one.isDone);
  assert.equal(told(one.events).snapshot.partial?.length, 2);
  const other = await run(wanted, { gpu, snapshot: told(one.events).snapshot, lockstep: 3 });
  assert.deepEqual(numbers(told([...events, ...one.events, ...other.events])), numbers(whole));

  // What is not wanted now is kept for when it is.
  const withoutControls = await run({ ...small, controls: [] }, { gpu, snapshot });
  assert.deepEqual(withoutControls.snapshot.partial?.map(({ arm }) => arm), ["reinit"]);
  const all = await run(wanted, { gpu, snapshot: withoutControls.snapshot });
  assert.deepEqual(numbers(told([...events, ...withoutControls.events, ...all.events])), numbers(whole));
  assert.equal(all.snapshot.partial, undefined);
});

Deno.test("what cannot be gone on with is refused: another length, another network, no values to rewind to", async () => {
  const gpu = await testGpu();
  const begun = await stopped(rich, { gpu }, 8);
  const { snapshot } = told(begun.events);
  const [partial] = snapshot.partial ?? [];
  assert.ok(partial && partial.iteration > 0);
  const damaged: [RegExp, Snapshot][] = [
    [/iteration 26: .*0 to 25 iterations/, { ...snapshot, partial: [{ ...partial, iteration: 26 }] }],
    [/or lacks values/, { ...snapshot, partial: [{ ...partial, parameters: new Float32Array(64) }] }],
    [/with 1 moments/, { ...snapshot, partial: [{ ...partial, moments: [] }] }],
    [/or lacks values/, { ...snapshot, partial: [withoutRewind({ ...partial, iteration: 12 })] }],
  ];
  for (const [message, wrong] of damaged) {
    await assert.rejects(run(rich, { gpu, snapshot: wrong }), { name: "RangeError", message });
  }
});

function withoutRewind({ rewind: _, ...rest }: PartialNetwork): PartialNetwork {
  return rest;
}

Deno.test("snapshots within a level wait longer the more they cost, and take less than 2 % of the time", () => {
  let now = 0;
  const clock = new CheckpointClock(10, () => now);
  let spent = 0;
  let taken = 0;
  // Waits of 0.4 s; checkpoints that cost 3 s.
  while (now < 3_600_000) {
    now += 400;
    if (!clock.isDue) continue;
    const began = now;
    now += 3000;
    spent += 3000;
    taken++;
    clock.taken(began);
  }
  assert.ok(taken > 20, `${taken} checkpoints in an hour`);
  assert.ok(spent / now < 0.02, `${spent / now} of the time`);
  // Where they cost nothing, the seconds decide; a level's end counts as one.
  const cheap = new CheckpointClock(10, () => now);
  assert.ok(!cheap.isDue);
  now += 10_000;
  assert.ok(cheap.isDue);
  cheap.reset();
  assert.ok(!cheap.isDue);
  assert.ok(new CheckpointClock(0, () => now).isDue);
  assert.throws(() => new CheckpointClock(-1), { name: "RangeError", message: /every -1 seconds/ });
});
