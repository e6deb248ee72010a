/** A run that somebody listens to: its timeline is whole, and its numbers are those of a run that nobody listens to. */
import assert from "node:assert/strict";
import type { TraceSpan } from "../../src/lottery/trace.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { numbers, run, smallConfig, together } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

// Dense and compact levels, with a control, rewound, more networks than train in lockstep.
const config = smallConfig({ levels: 3, pruneDense: 0.6, replicates: 2, controls: ["reinit"], rewind: 10 });

Deno.test("a traced run has the numbers of one that is not, bit for bit", async () => {
  const gpu = await testGpu();
  const spans: TraceSpan[] = [];
  const traced = await run(config, { gpu, lockstep: 3, trace: (span) => void spans.push(span) });
  const untraced = await run(config, { gpu, lockstep: 3 });
  assert.deepEqual(numbers(traced), numbers(untraced));
  assert.ok(spans.length > 0);
});

Deno.test("a traced run that is stopped within a level goes on to the same numbers", async () => {
  const gpu = await testGpu();
  const abort = new AbortController();
  const first = await run(config, { gpu, signal: abort.signal, trace: () => {} }, (event) => {
    if (event.type === "progress" && event.level === 2 && event.iteration > 20) abort.abort(new Error("enough"));
    return event.type === "snapshot" && abort.signal.aborted;
  });
  assert.ok((first.snapshot.partial?.length ?? 0) > 0);
  const second = await run(config, { gpu, snapshot: first.snapshot, trace: () => {} });
  assert.deepEqual(numbers(together(first, second)), numbers(await run(config, { gpu })));
});

Deno.test("each level has a span, with its evaluations and waits within it and its kernels behind it", async () => {
  const gpu = await testGpu();
  const spans: TraceSpan[] = [];
  await run(smallConfig(), { gpu, trace: (span) => void spans.push(span) });
  for (const span of spans) assert.ok(span.durationMs >= 0 && Number.isFinite(span.startMs), span.name);
  for (const level of [0, 1, 2]) {
    const own = spans.filter((span) => span.level === level);
    const of = (track: TraceSpan["track"]): TraceSpan[] => own.filter((span) => span.track === track);
    const [whole, ...others] = of("levels");
    assert.ok(whole && others.length === 0);
    const until = whole.startMs + whole.durationMs;
    assert.deepEqual(
      of("evaluations").map(({ name }) => name),
      [0, 20, 40, 45].map((iteration) => `evaluation at iteration ${iteration}`),
    );
    const steps = of("waits").map(({ name }) => Number(/^wait for (\d+) steps$/.exec(name)?.[1]));
    assert.equal(steps.reduce((sum, count) => sum + count, 0), 45);
    for (const { startMs, durationMs } of [...of("evaluations"), ...of("waits")]) {
      assert.ok(startMs >= whole.startMs && startMs + durationMs <= until);
    }
    const kernels = [...of("kernels of a step"), ...of("kernels of an evaluation")];
    assert.equal(kernels.length > 0, gpu.hasTimestamps);
    for (const { startMs } of kernels) assert.ok(startMs >= until);
  }
});

Deno.test("every dispatch of a step and of an evaluation is traced, in order", async () => {
  const gpu = await testGpu();
  if (!gpu.hasTimestamps) return;
  const spans: TraceSpan[] = [];
  await run(smallConfig({ levels: 0 }), { gpu, trace: (span) => void spans.push(span) });
  const namesOf = (track: TraceSpan["track"]): string[] =>
    spans.filter((span) => span.track === track).map(({ name }) => name);
  const forward = ["dense1 forward", "dense2 forward", "dense3 forward", "softmax cross-entropy"];
  assert.deepEqual(namesOf("kernels of a step"), [
    "gather",
    ...forward,
    "dense3 input gradient",
    "dense3 weight gradient",
    "dense2 input gradient",
    "dense2 weight gradient",
    "dense1 weight gradient",
    "adam and mask",
    "end of step",
  ]);
  assert.deepEqual(namesOf("kernels of an evaluation"), [
    "gather",
    ...forward,
    "evaluation sums",
    "keep best",
    "gather",
    ...forward,
    "evaluation sums",
    "mask statistics",
  ]);
});
