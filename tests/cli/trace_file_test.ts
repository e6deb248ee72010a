/** The flag `--trace`: a file that chrome://tracing and Perfetto open. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { lotteryCommand, lotteryTools } from "../../src/cli/lottery.ts";
import { formatTrace, traceEvents } from "../../src/cli/trace_file.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import type { TraceSpan } from "../../src/lottery/trace.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { rememberingConsole } from "./console.ts";

const dataset = await syntheticDataset({ height: 4, width: 4, train: 300, test: 50 });

const level: TraceSpan = { name: "level 0", track: "levels", level: 0, startMs: 1000.5, durationMs: 20 };
const wait: TraceSpan = { name: "wait for 4 steps", track: "waits", level: 0, startMs: 1001.25, durationMs: 2.5 };
const kernel: TraceSpan = {
  name: "gather",
  track: "kernels of a step",
  level: 0,
  startMs: 1030,
  durationMs: 0.0123,
};

Deno.test("spans are complete events in microseconds since the first began, each track a thread with a name", () => {
  const events = traceEvents("run", [wait, level, kernel]);
  const complete = events.filter(({ ph }) => ph === "X");
  assert.deepEqual(complete, [
    { name: "level 0", cat: "levels", ph: "X", pid: 1, tid: 1, ts: 0, dur: 20_000, args: { level: 0 } },
    { name: "wait for 4 steps", cat: "waits", ph: "X", pid: 1, tid: 3, ts: 750, dur: 2500, args: { level: 0 } },
    { name: "gather", cat: "kernels of a step", ph: "X", pid: 1, tid: 4, ts: 29_500, dur: 12.3, args: { level: 0 } },
  ]);
  const threads = new Map(
    events.flatMap(({ name, tid, args }) => name === "thread_name" && "name" in args ? [[tid, args.name]] : []),
  );
  for (const event of complete) assert.equal("cat" in event ? event.cat : "", threads.get(event.tid));
});

Deno.test("kernels one after the other do not overlap, whatever their times are as floating-point numbers", () => {
  let startMs = 123_456.789_1;
  const spans = Array.from({ length: 1000 }, (_, index): TraceSpan => {
    const span = { ...kernel, startMs, durationMs: 0.1 + index / 7000 };
    startMs += span.durationMs;
    return span;
  });
  const complete = traceEvents("run", spans).flatMap((event) => event.ph === "X" ? [event] : []);
  for (const [index, { ts }] of complete.entries()) {
    const before = complete[index - 1];
    if (before) assert.ok(Math.round((before.ts + before.dur) * 1000) <= Math.round(ts * 1000));
  }
});

Deno.test("without timestamps the file says so, and where there is nothing it is still a file", () => {
  const labels = (spans: readonly TraceSpan[]): unknown =>
    traceEvents("run", spans).find(({ name }) => name === "process_labels")?.args;
  assert.deepEqual(labels([level, wait]), { labels: "no kernels: the adapter has no timestamps" });
  assert.notDeepEqual(labels([level, kernel]), labels([level]));
  assert.notDeepEqual(labels([wait]), labels([level]), "stopped before a level ended nobody knows");
  assert.ok(Array.isArray(JSON.parse(formatTrace("run", []))));
});

Deno.test("lottery --trace writes the timeline of what it trains, and none of what is trained already", async () => {
  using folder = new TemporaryFolder();
  const path = join(folder.path, "trace.json");
  const console = rememberingConsole();
  const tools = {
    console,
    ...lotteryTools,
    loadDataset: () => Promise.resolve(dataset),
    signal: new AbortController().signal,
  };
  const args = ["--dataset", "synthetic", "--width", "0.05", "--train-size", "100", "--validation-size", "50"].concat(
    ["--iterations", "10", "--eval-every", "5", "--levels", "1", "--controls", "none"],
    ["--runs", join(folder.path, "runs"), "--trace", path],
  );
  assert.equal(await lotteryCommand(args, tools), 0);
  const events: unknown = JSON.parse(await Deno.readTextFile(path));
  assert.ok(Array.isArray(events));
  const named = (name: string): number => events.filter((event) => event.name === name).length;
  assert.deepEqual(["level 0", "level 1", "evaluation at iteration 5"].map(named), [1, 1, 2]);
  for (const { ph, ts, dur, pid, tid } of events) {
    assert.ok(ph === "M" || ph === "X");
    assert.ok(Number.isInteger(pid) && Number.isInteger(tid));
    if (ph === "X") assert.ok(ts >= 0 && dur >= 0);
  }
  await Deno.remove(path);
  assert.equal(await lotteryCommand(args, tools), 0);
  assert.match(console.errors(), /nothing is trained, so --trace writes no file/);
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
});
