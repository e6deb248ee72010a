import assert from "node:assert/strict";
import type { LotteryConfig } from "../../src/lottery/config.ts";
import { lottery, type LotteryOptions } from "../../src/lottery/lottery.ts";
import type { LotteryEvent } from "../../src/lottery/types.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { dataset, numbers, run, smallConfig, together, type Told, told } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

const controls = ["reinit"] as const;

/** Aborts at the first event that `when` accepts. */
async function aborted(
  config: LotteryConfig,
  options: Partial<LotteryOptions>,
  when: (event: LotteryEvent) => boolean,
): Promise<
  { readonly told: Told; readonly after: readonly string[]; readonly error: unknown; readonly reason: Error }
> {
  const abort = new AbortController();
  const reason = new Error("enough");
  const events: LotteryEvent[] = [];
  const after: string[] = [];
  try {
    for await (const event of lottery(config, { dataset, ...options, signal: abort.signal })) {
      if (abort.signal.aborted) after.push(event.type);
      events.push(event);
      if (when(event)) abort.abort(reason);
    }
  } catch (error) {
    return { told: told(events), after, error, reason };
  }
  return { told: told(events), after, error: undefined, reason };
}

Deno.test("an abort ends the run at the next step with a snapshot and the signal's reason, and everything is released", async () => {
  const gpu = await testGpu();
  gpu.trim();
  const before = gpu.allocatedBytes;
  // Within a level there is something to go on from; between levels the snapshot was there before the abort.
  const places: [readonly string[], (event: LotteryEvent) => boolean][] = [
    [[], ({ type }) => type === "start"],
    [["snapshot"], (event) => event.type === "progress" && event.level === 0],
    [["snapshot"], (event) => event.type === "progress" && event.level === 1 && event.iteration > 20],
    [[], ({ type }) => type === "snapshot"],
  ];
  for (const [wanted, when] of places) {
    const { after, error, reason } = await aborted(smallConfig(), { gpu }, when);
    assert.equal(error, reason);
    assert.deepEqual(after, wanted, "events after the abort");
    gpu.trim();
    assert.equal(gpu.allocatedBytes, before);
  }
  // The device is fit for more.
  const { events } = await run(smallConfig({ levels: 0 }), { gpu });
  assert.equal(events.at(-1)?.type, "end");
});

Deno.test("a signal that is aborted already ends the run before it begins", async () => {
  const signal = AbortSignal.abort(new Error("not at all"));
  await assert.rejects(run(smallConfig(), { signal }), /not at all/);
});

Deno.test("a run that was stopped within level 2 and goes on from its snapshot gives what an uninterrupted one gives", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ controls, replicates: 2, levels: 3 });
  const whole = await run(config, { gpu });
  const first = await aborted(config, { gpu }, (event) => event.type === "progress" && event.level === 2);
  assert.equal(first.error, first.reason);
  assert.deepEqual([...new Set(first.told.records.map(({ level }) => level))].sort(), [0, 1]);
  // As if it had gone through a file, on a device of its own.
  const snapshot = structuredClone(first.told.snapshot);
  const second = await run(config, { snapshot });
  const levels = second.events.flatMap((event) => event.type === "level-start" ? [event.level] : []);
  assert.deepEqual(levels, [2, 3]);
  const stopped = snapshot.partial?.[0]?.iteration ?? 0;
  const begin = second.events.find(({ type }) => type === "level-start");
  assert.ok(begin?.type === "level-start" && begin.iteration === stopped && stopped > 0, "it goes on within the level");
  assert.deepEqual(numbers(together(first.told, second)), numbers(whole));
  assert.deepEqual(second.snapshot.timings.map(({ level }) => level), [0, 1, 2, 3]);
  assert.deepEqual(snapshot, first.told.snapshot, "the snapshot is the caller's, and is not changed");
});

Deno.test("a finished run trains nothing again", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ controls });
  const first = await run(config, { gpu });
  const again = await run(config, { gpu, snapshot: first.snapshot });
  assert.deepEqual(again.events.map(({ type }) => type), ["start", "end"]);
  assert.deepEqual(again.snapshot, first.snapshot);
});

Deno.test("levels, replicates and controls that are added to a finished run get the numbers of one run with all", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ controls, reinitDraws: 2, replicates: 3, levels: 2 });
  const whole = await run(config, { gpu });
  const steps: Partial<LotteryConfig>[] = [
    { controls: [], replicates: 1, levels: 1 },
    { controls: [], replicates: 1, levels: 2 },
    { reinitDraws: 1, replicates: 1 },
    { reinitDraws: 1 },
    {},
  ];
  let all = await run({ ...config, ...steps[0] }, { gpu });
  for (const step of steps.slice(1)) {
    const done = all.records.length;
    all = together(all, await run({ ...config, ...step }, { gpu, snapshot: all.snapshot }));
    assert.ok(all.records.length > done);
  }
  assert.deepEqual(numbers(all), numbers(whole));
});

Deno.test("a snapshot without the mask that it needs is refused, and says which", async () => {
  const gpu = await testGpu();
  const { snapshot } = await run(smallConfig({ levels: 0 }), { gpu });
  await assert.rejects(run(smallConfig({ levels: 1 }), { gpu, snapshot: { ...snapshot, masks: [] } }), {
    name: "RangeError",
    message: /level 1 of replicate 1.*not the mask of ticket/,
  });
});

Deno.test("a rewound run that was stopped and goes on from its snapshot gives what an uninterrupted one gives", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ controls, replicates: 2, levels: 2, rewind: 13 });
  const whole = await run(config, { gpu });
  assert.equal(whole.rewinds.length, 2);
  const first = await aborted(config, { gpu }, (event) => event.type === "progress" && event.level === 1);
  assert.equal(first.error, first.reason);
  const second = await run(config, { gpu, snapshot: structuredClone(first.told.snapshot) });
  assert.deepEqual(numbers(together(first.told, second)), numbers(whole));
  // Added to a run that has one replicate and the dense level only.
  const small = await run({ ...config, controls: [], replicates: 1, levels: 0 }, { gpu });
  const all = together(small, await run(config, { gpu, snapshot: small.snapshot }));
  assert.deepEqual(numbers(all), numbers(whole));
});

Deno.test("a snapshot without the values to rewind to is refused, and says which", async () => {
  const gpu = await testGpu();
  const { snapshot } = await run(smallConfig({ levels: 0, rewind: 5 }), { gpu });
  await assert.rejects(run(smallConfig({ levels: 1, rewind: 5 }), { gpu, snapshot: { ...snapshot, rewinds: [] } }), {
    name: "RangeError",
    message: /rewind level 1 of replicate 1 to iteration 5/,
  });
});
