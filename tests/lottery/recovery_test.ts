/** A device that is lost while it trains: the run opens it again, goes on, and ends with the same bits. */
import assert from "node:assert/strict";
import { DeviceLostError, OutOfMemoryError } from "../../src/gpu/errors.ts";
import type { LotteryConfig } from "../../src/lottery/config.ts";
import type { LotteryOptions } from "../../src/lottery/lottery.ts";
import { recovering, type RecoveryOptions } from "../../src/lottery/recovery.ts";
import type { LotteryEvent } from "../../src/lottery/types.ts";
import { isNightly } from "../nightly.ts";
import { fakeLottery, tinyConfig } from "../store/fake_lottery.ts";
import { dataset, numbers, run, smallConfig, type Told, told } from "./runs.ts";

/** WebGPU as it is, that tells which device was opened last. */
class Entry {
  device: GPUDevice | undefined;
  opened = 0;

  async requestAdapter(options?: GPURequestAdapterOptions): Promise<GPUAdapter | null> {
    const adapter = await navigator.gpu.requestAdapter(options);
    if (!adapter) return adapter;
    const request = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (descriptor) => {
      this.device = await request(descriptor);
      this.opened++;
      return this.device;
    };
    return adapter;
  }
}

const config = smallConfig({ controls: ["reinit"], levels: 1 });

/** What is told twice is equal, and then one. */
function once(all: Told): Told {
  const name = ({ arm, level, replicate, draw }: Told["networks"][number]): string =>
    [arm, level, replicate, draw].join();
  const evaluations = new Map<string, Told["evaluations"][number]>();
  for (const evaluation of all.evaluations) {
    const { arm, level, replicate, draw, iteration } = evaluation;
    const key = [arm, level, replicate, draw, iteration].join();
    assert.deepEqual(evaluations.get(key) ?? evaluation, evaluation);
    evaluations.set(key, evaluation);
  }
  const networks = new Map(all.networks.map((network) => [name(network), network]));
  return { ...all, evaluations: [...evaluations.values()], networks: [...networks.values()] };
}

Deno.test("a device destroyed at a random step is opened again, and the run ends with the same bits", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.log(`  seed ${seed}`);
  const whole = await run(config);
  for (let round = 0; round < (isNightly ? 10 : 2); round++) {
    const entry = new Entry();
    const warnings: string[] = [];
    const events: LotteryEvent[] = [];
    // Some event of the level's many, and some later one: two losses in a run.
    const losses = [2 + (seed >>> round) % 9, 13 + (seed >>> (round + 8)) % 9];
    const warn = (message: string): void => void warnings.push(message);
    const options = { dataset, entry, checkpointSeconds: 0 };
    for await (const event of recovering(config, options, { warn, pauseMs: 1 })) {
      events.push(event);
      if (losses.includes(events.length)) entry.device?.destroy();
    }
    assert.equal(entry.opened, 3, `lost at ${losses.join()}`);
    assert.equal(warnings.length, 2);
    assert.match(warnings.join("\n"), /^The GPU was lost.*Opening it again, to go on from .*\.$/m);
    assert.doesNotMatch(warnings.join(), /Run again/);
    assert.equal(events.filter(({ type }) => type === "start").length, 1, "to its listeners it is one run");
    assert.deepEqual(numbers(once(told(events))), numbers(whole), `seed ${seed}, lost at ${losses.join()}`);
  }
});

Deno.test("a device that is lost three times in a row without getting further ends the run, which can be resumed", async () => {
  const entry = new Entry();
  const events: LotteryEvent[] = [];
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  await assert.rejects(async () => {
    for await (const event of recovering(config, { dataset, entry }, { warn, pauseMs: 1 })) {
      events.push(event);
      // Level 0 goes well; level 1 never gets beyond its first evaluation.
      if (event.type === "evaluation" && event.evaluation.level === 1) entry.device?.destroy();
    }
  }, (error) => {
    assert.ok(error instanceof DeviceLostError);
    assert.match(
      error.message,
      /3 times in a row.*The GPU was lost.*up to the end of level 0 is kept.*--resume.*doctor/s,
    );
    assert.doesNotMatch(error.message, /Run again/);
    return true;
  });
  assert.equal(entry.opened, 3);
  assert.equal(warnings.length, 2);
  const rest = await run(config, { snapshot: told(events).snapshot });
  assert.deepEqual(numbers(once(told([...events, ...rest.events]))), numbers(await run(config)));
});

/** A stand-in that fails whenever `fails` says so of an event. */
function failing(
  error: () => Error,
  fails: (event: LotteryEvent, session: number) => boolean,
): { readonly lottery: NonNullable<RecoveryOptions["lottery"]>; readonly sessions: () => number } {
  let sessions = 0;
  return {
    sessions: () => sessions,
    async *lottery(config: LotteryConfig, { snapshot, signal }: LotteryOptions) {
      const session = ++sessions;
      const options = { partial: true, ...(snapshot ? { snapshot } : {}), ...(signal ? { signal } : {}) };
      for await (const event of fakeLottery(config, options)) {
        yield event;
        if (fails(event, session)) throw error();
      }
    },
  };
}

async function all(generator: AsyncGenerator<LotteryEvent>): Promise<LotteryEvent[]> {
  const events: LotteryEvent[] = [];
  for await (const event of generator) events.push(event);
  return events;
}

Deno.test("losses with a snapshot between them are not in a row, however many", async () => {
  const { lottery, sessions } = failing(
    () => new DeviceLostError("The GPU was lost (injected)."),
    ({ type }) => type === "snapshot",
  );
  const events = await all(recovering(tinyConfig({ levels: 1 }), { dataset }, { lottery, pauseMs: 0 }));
  assert.ok(sessions() > 8);
  assert.equal(events.at(-1)?.type, "end");
});

Deno.test("what would come again is not tried again: out of memory, an error of the code, an adapter that is not there", async () => {
  for (const error of [new OutOfMemoryError("too large"), new RangeError("wrong")]) {
    const { lottery, sessions } = failing(() => error, ({ type }) => type === "progress");
    await assert.rejects(all(recovering(tinyConfig(), { dataset }, { lottery, pauseMs: 0 })), error);
    assert.equal(sessions(), 1);
  }
  const none = { requestAdapter: () => Promise.resolve(null) };
  await assert.rejects(all(recovering(config, { dataset, entry: none }, { pauseMs: 0 })), { name: "AdapterError" });
});

Deno.test("another adapter than the run began on is refused", async () => {
  let sessions = 0;
  const lottery = async function* (config: LotteryConfig): AsyncGenerator<LotteryEvent> {
    const adapter = { name: ++sessions === 1 ? "abacus" : "slide rule", driver: "1", kind: "gpu" } as const;
    yield* fakeLottery(config, { adapter });
  };
  const once = async function* (config: LotteryConfig): AsyncGenerator<LotteryEvent> {
    for await (const event of lottery(config)) {
      yield event;
      if (event.type === "progress") throw new DeviceLostError("The GPU was lost (injected).");
    }
  };
  await assert.rejects(all(recovering(tinyConfig(), { dataset }, { lottery: once, pauseMs: 0 })), {
    name: "RangeError",
    message: /slide rule answers where the run began on abacus/,
  });
});

Deno.test("a stop while the device is opened again ends the wait with the signal's reason", async () => {
  const abort = new AbortController();
  const { lottery } = failing(() => new DeviceLostError("The GPU was lost."), ({ type }) => type === "progress");
  const warn = (): void => {
    setTimeout(() => abort.abort(new Error("enough")), 5);
  };
  const started = performance.now();
  const events = recovering(tinyConfig(), { dataset, signal: abort.signal }, { lottery, warn, pauseMs: 60_000 });
  await assert.rejects(all(events), /enough/);
  assert.ok(performance.now() - started < 10_000);
});
