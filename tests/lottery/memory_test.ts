import assert from "node:assert/strict";
import { lottery } from "../../src/lottery/lottery.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { dataset, smallConfig } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

Deno.test("5,000 steps leave the process and the GPU's allocations as large as they were", async () => {
  const gpu = await testGpu();
  // The smallest networks are the hardest test: a layer of two inputs once made a software driver compile, and keep, a
  // kernel at every step.
  const config = smallConfig({ levels: 0, iterations: 6000, evalEvery: 500, width: 0.02, batchSize: 8 });
  let start: { readonly rss: number; readonly allocated: number } | undefined;
  let steps = 0;
  for await (const event of lottery(config, { dataset, gpu })) {
    if (event.type !== "progress") continue;
    if (!start && event.iteration >= 1000) {
      start = { rss: Deno.memoryUsage().rss, allocated: gpu.allocatedBytes };
      steps = config.iterations - event.iteration;
    }
    if (start && event.iteration > 1000) assert.equal(gpu.allocatedBytes, start.allocated);
  }
  assert.ok(start && steps >= 4800, `${steps} steps`);
  // Measured: 3 MB, which is V8's heap between two collections. One page kept per step would be 20 MB.
  const grown = (Deno.memoryUsage().rss - start.rss) / 2 ** 20;
  assert.ok(grown < 12, `${grown.toFixed(1)} MiB more after ${steps} steps`);
});
