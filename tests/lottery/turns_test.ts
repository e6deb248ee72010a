import assert from "node:assert/strict";
import { preset } from "../../src/lottery/config.ts";
import { lottery } from "../../src/lottery/lottery.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { numbers, run, smallConfig } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

Deno.test("a level that trains in turns gives bit for bit what it gives in one lockstep", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ controls: ["reinit"], replicates: 2, reinitDraws: 2, levels: 1 });
  const together = await run(config, { gpu });
  const sizes = { 1: [1, 1, 1, 1, 1, 1, 1, 1], 2: [2, 2, 2, 2], 4: [2, 3, 3], 5: [2, 3, 3] } as const;
  for (const [lockstep, wanted] of Object.entries(sizes)) {
    const inTurns = await run(config, { gpu, lockstep: Number(lockstep) });
    const levels = inTurns.events.flatMap((event) => event.type === "level-start" ? [event.networks.length] : []);
    assert.deepEqual(levels, wanted);
    assert.deepEqual(numbers(inTurns), numbers(together), `at most ${lockstep}`);
  }
});

Deno.test("a run that was stopped between two turns goes on with the next", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ controls: ["reinit"], replicates: 2, levels: 1 });
  const whole = await run(config, { gpu, lockstep: 2 });
  // The second snapshot at the end of a turn: level 0, and of level 1 the tickets, not their controls.
  let snapshots = 0;
  const begun = await run(
    config,
    { gpu, lockstep: 2 },
    (event) => event.type === "snapshot" && !event.snapshot.partial?.length && ++snapshots === 2,
  );
  assert.equal(begun.records.length, 4);
  const rest = await run(config, { gpu, lockstep: 2, snapshot: begun.snapshot });
  assert.deepEqual(rest.records, whole.records);
  assert.deepEqual(rest.events.filter(({ type }) => type === "level-start").length, 1);
});

Deno.test("a job that does not fit is refused before anything is allocated, with the batch size that would", async () => {
  const gpu = await testGpu();
  const before = gpu.allocatedBytes;
  const dataset = await syntheticDataset({ height: 32, width: 32, classes: 5, train: 5000, test: 100 });
  const config = preset("conv2", { dataset: "synthetic", trainSize: 4500, validationSize: 500, batchSize: 4000 });
  const begin = lottery(config, { dataset, gpu }).next();
  // 64 channels of 32 × 32 floats for each image: 512 images make 128 MiB, which is what the test's device allows.
  await assert.rejects(begin, {
    name: "RangeError",
    message: /conv-2 in batches of 4000: "activations 1" needs 1,048,576,000 bytes.*134,217,728.*--batch-size 512/,
  });
  assert.equal(gpu.allocatedBytes, before);
});
