/** Server-sent events: what another process writes is told within two seconds (half a second on an idle machine), to as many as listen, and nobody is waited for. */
import assert from "node:assert/strict";
import { Dashboard } from "../../src/dashboard/dashboard.ts";
import { EventStreams } from "../../src/dashboard/events.ts";
import type { Change } from "../../src/dashboard/registry.ts";
import type { DashboardEvent, RunRow } from "../../src/dashboard/types.ts";
import { RunLock } from "../../src/store/lock.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { age, recordRun, writeIndexedFiles } from "../store/recorded_runs.ts";

function open(runs: string): Dashboard {
  return Dashboard.open({ runs, token: "t", canControl: false, host: "127.0.0.1" });
}

/** An event as it came, and when. */
interface Arrival {
  readonly event: DashboardEvent;
  readonly id: string;
  readonly at: number;
}

/** Listens as a browser does. */
class Listener implements AsyncDisposable {
  readonly arrivals: Arrival[] = [];
  raw = "";
  isDone = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #reading: Promise<void>;
  readonly #waiting = new Set<() => void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.#reading = this.#read();
  }

  get events(): DashboardEvent[] {
    return this.arrivals.map(({ event }) => event);
  }

  /** The first event that is like that, or an error after five seconds. */
  async until(isWanted: (event: DashboardEvent) => boolean): Promise<Arrival> {
    const late = performance.now() + 5_000;
    for (;;) {
      const found = this.arrivals.find(({ event }) => isWanted(event));
      if (found) return found;
      assert.ok(performance.now() < late, `no such event among ${JSON.stringify(this.events.map(({ type }) => type))}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      const timer = setTimeout(resolve, 200);
      await promise;
      clearTimeout(timer);
      this.#waiting.delete(resolve);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) break;
      const part = decoder.decode(value, { stream: true });
      this.raw += part;
      text += part;
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const fields = new Map(
          block.split("\n").map((line): [string, string] => {
            const at = line.indexOf(": ");
            return [line.slice(0, at), line.slice(at + 2)];
          }),
        );
        const data = fields.get("data");
        if (data === undefined) continue;
        const event: DashboardEvent = JSON.parse(data);
        assert.equal(fields.get("event"), event.type);
        this.arrivals.push({ event, id: fields.get("id") ?? "", at: Date.now() });
      }
      for (const wake of this.#waiting) wake();
    }
    this.isDone = true;
    for (const wake of this.#waiting) wake();
  }
}

function isRowOf(id: string, isLike: (row: RunRow) => boolean = () => true): (event: DashboardEvent) => boolean {
  return (event) => event.type === "run" && event.row.id === id && isLike(event.row);
}

Deno.test("a run of another process is told within two seconds of its first file, and each evaluation within two of its line", async () => {
  using runs = new TemporaryFolder();
  await using dashboard = open(runs.path);
  await using listener = new Listener(dashboard.events({}));
  await listener.until(({ type }) => type === "hello");
  const script = new URL("./live_writer.ts", import.meta.url).pathname;
  const { stdout } = await new Deno.Command("deno", {
    args: [
      "run",
      "--no-check",
      "--no-prompt",
      "--allow-read",
      "--allow-write=/tmp",
      "--allow-sys=hostname",
      script,
      runs.path,
      "60",
    ],
  }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n").map((line) => line.split(" "));
  const [, id = "", started = "0"] = lines[0] ?? [];
  const appeared = await listener.until(isRowOf(id));
  assert.ok(appeared.at - Number(started) < 2_000, `appeared after ${appeared.at - Number(started)} ms`);
  const finished = await listener.until(isRowOf(id, ({ state }) => state === "finished"));
  // What stands in the log at some moment is told within two seconds of it.
  let level = 0;
  let delays = 0;
  for (const [what, number = "", at = ""] of lines) {
    if (what === "level") level = Number(number) + 1;
    if (what !== "evaluation") continue;
    const told = listener.arrivals.find(({ event }) =>
      isRowOf(
        id,
        ({ progress }) =>
          (progress.level ?? 0) > level || progress.level === level && (progress.iteration ?? 0) >= Number(number),
      )(event)
    );
    assert.ok(told, `iteration ${number} of level ${level} was never told`);
    assert.ok(told.at - Number(at) < 2_000, `iteration ${number} of level ${level} after ${told.at - Number(at)} ms`);
    delays++;
  }
  assert.ok(delays > 20);
  assert.ok(finished.event.type === "run");
  assert.deepEqual([finished.event.row.done, finished.event.row.progress.fraction], [10, 1]);
  const rows = listener.events.flatMap((event) => event.type === "run" ? [event.row] : []);
  assert.ok(rows.some(({ state, problem }) => state === "running" && problem === null));
  assert.ok(rows.every(({ problem }) => problem === null), "a run that begins looks damaged");
  const fractions = rows.map(({ progress }) => progress.fraction);
  assert.deepEqual(fractions, fractions.toSorted((a, b) => a - b));
  assert.ok(new Set(fractions).size > 3, "progress does not move");
  await listener.until((event) => event.type === "moved" && event.networks === 10);
  const moved = listener.events.flatMap((event) => event.type === "moved" ? [event] : []);
  const evaluations = lines.filter(([what]) => what === "evaluation").length;
  assert.equal(moved.reduce((sum, own) => sum + own.evaluations, 0), evaluations);
  assert.equal(moved.at(-1)?.networks, 10);
  const left = rows.flatMap(({ progress }) => progress.secondsLeft ?? []);
  assert.ok(left.length > 0 && left.every((seconds) => seconds >= 0 && seconds < 60), `seconds left: ${left}`);
});

Deno.test("hello comes first, says how long to wait, and its version is that of the last event", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path);
  await using dashboard = open(runs.path);
  await dashboard.listRuns();
  const { version } = dashboard;
  await using listener = new Listener(dashboard.events({}));
  const hello = await listener.until(({ type }) => type === "hello");
  assert.match(listener.raw, /^retry: \d+\n\n/);
  assert.deepEqual(hello.event, { type: "hello", version });
  assert.equal(hello.id, version);
  await dashboard.setTags(id, ["kept"]);
  const told = await listener.until(isRowOf(id, ({ tags }) => tags.includes("kept")));
  assert.notEqual(told.id, version);
  assert.equal(told.id, dashboard.version);
  await using another = new Listener(dashboard.events({}));
  const second = await another.until(({ type }) => type === "hello");
  assert.deepEqual(second.event, { type: "hello", version: told.id });
});

Deno.test("what happened between a page's making and its stream is told when the stream opens", async () => {
  using runs = new TemporaryFolder();
  await using dashboard = open(runs.path);
  assert.deepEqual(await dashboard.listRuns(), []);
  const id = await recordRun(runs.path);
  await using listener = new Listener(dashboard.events({}));
  await listener.until(isRowOf(id, ({ state }) => state === "finished"));
});

Deno.test("a removed run is gone, and a stream of some runs tells of those alone", async () => {
  using runs = new TemporaryFolder();
  const ids = [await recordRun(runs.path, { seed: 1 }), await recordRun(runs.path, { seed: 2 })];
  const [first = "", second = ""] = ids;
  await using dashboard = open(runs.path);
  await dashboard.listRuns();
  await using all = new Listener(dashboard.events({}));
  await using one = new Listener(dashboard.events({ runs: [second] }, new AbortController().signal));
  await all.until(({ type }) => type === "hello");
  await Deno.remove(`${runs.path}/${first}`, { recursive: true });
  await all.until((event) => event.type === "gone" && event.id === first);
  assert.equal(await dashboard.removeRun(second), true);
  await one.until((event) => event.type === "gone" && event.id === second);
  assert.deepEqual(one.events.map(({ type }) => type), ["hello", "gone"]);
  assert.deepEqual(await dashboard.listRuns(), []);
});

Deno.test("a run whose process is killed is no longer running, though no file says so", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, {}, { levels: 1 });
  await age(`${runs.path}/${id}`);
  await using dashboard = open(runs.path);
  const lock = await RunLock.acquire(`${runs.path}/${id}/lock`);
  await using listener = new Listener(dashboard.events({}));
  assert.equal((await dashboard.readRun(id))?.state, "running");
  await lock[Symbol.asyncDispose]();
  await Deno.writeTextFile(`${runs.path}/${id}/lock`, '{"pid":1}');
  await listener.until(isRowOf(id, ({ state }) => state === "unfinished"));
});

Deno.test("a hundred clients hear the same, and none is left when they go", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path);
  await using dashboard = open(runs.path);
  await dashboard.listRuns();
  const controllers = Array.from({ length: 100 }, () => new AbortController());
  const listeners = controllers.map(({ signal }) => new Listener(dashboard.events({}, signal)));
  const count = (): number => dashboard.listeners;
  assert.equal(count(), 100);
  for (const tags of [["first"], [], ["one", "two"], ["last"]]) await dashboard.setTags(id, tags);
  const heard = await Promise.all(
    listeners.map(async (listener) => {
      await listener.until(isRowOf(id, ({ tags }) => tags[0] === "last"));
      return listener.raw;
    }),
  );
  assert.equal(new Set(heard).size, 1);
  for (const controller of controllers.slice(0, 50)) controller.abort();
  assert.equal(count(), 50);
  for (const listener of listeners) await listener[Symbol.asyncDispose]();
  assert.equal(count(), 0);
  assert.ok(listeners.every(({ isDone }) => isDone));
});

Deno.test("a client that does not read is dropped with what waits for it; those that read, and hear only of others, stay", async () => {
  let tell: ((change: Change) => void) | undefined;
  let left = 0;
  const watcher = {
    listen: (listener: (change: Change) => void): () => void => {
      tell = listener;
      return () => left++;
    },
  };
  using streams = new EventStreams(watcher, () => "v", () => Promise.resolve());
  const { signal } = new AbortController();
  const deaf = streams.open({}, signal);
  const selective = streams.open({ runs: ["another"] }, signal);
  const listener = new Listener(streams.open({}, signal));
  await listener.until(({ type }) => type === "hello");
  let sent = 0;
  while (streams.size === 3 && sent < 100_000) {
    tell?.({ type: "gone", id: "some-run-0123456789" });
    if (++sent % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.equal(streams.size, 2);
  assert.ok(sent > 5_000 && sent < 20_000, `dropped after ${sent} events`);
  await assert.rejects(new Response(deaf).text(), /does not read/);
  tell?.({ type: "gone", id: "another" });
  await listener.until((event) => event.type === "gone" && event.id === "another");
  assert.equal(listener.events.length, 1 + sent + 1);
  assert.equal(left, 0);
  await listener[Symbol.asyncDispose]();
  await selective.cancel();
  assert.deepEqual([streams.size, left], [0, 1]);
});

Deno.test("over sockets a hundred clients hear a change, and their streams end when their connections do", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path);
  await using dashboard = open(runs.path);
  await dashboard.listRuns();
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response(dashboard.events({}), { headers: { "content-type": "text/event-stream" } }),
  );
  const controller = new AbortController();
  const listeners = await Promise.all(Array.from({ length: 100 }, async () => {
    const { body } = await fetch(`http://127.0.0.1:${server.addr.port}/`, { signal: controller.signal });
    assert.ok(body);
    return new Listener(body);
  }));
  assert.equal(dashboard.listeners, 100);
  await dashboard.setTags(id, ["heard"]);
  for (const listener of listeners) await listener.until(isRowOf(id, ({ tags }) => tags[0] === "heard"));
  for (const listener of listeners) await listener[Symbol.asyncDispose]();
  controller.abort();
  const late = performance.now() + 5_000;
  while (dashboard.listeners > 0 && performance.now() < late) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(dashboard.listeners, 0);
});

Deno.test("streams end with the dashboard, and one whose request has ended already is empty", async () => {
  using runs = new TemporaryFolder();
  const dashboard = open(runs.path);
  const listener = new Listener(dashboard.events({}));
  await listener.until(({ type }) => type === "hello");
  await dashboard[Symbol.asyncDispose]();
  await listener[Symbol.asyncDispose]();
  assert.equal(listener.isDone, true);
  const ended = new Response(dashboard.events({}, AbortSignal.abort()));
  assert.equal(await ended.text(), "");
  assert.equal(dashboard.listeners, 0);
});

Deno.test("a folder of runs that comes later, or is taken away, is told of like its runs", async () => {
  using folder = new TemporaryFolder();
  const runs = `${folder.path}/later`;
  await using dashboard = open(runs);
  await using listener = new Listener(dashboard.events({}));
  await listener.until(({ type }) => type === "hello");
  await Deno.mkdir(runs);
  const id = await writeIndexedFiles(runs, { seed: 3 }, 3);
  await listener.until(isRowOf(id));
  await Deno.remove(runs, { recursive: true });
  await listener.until((event) => event.type === "gone" && event.id === id);
});
