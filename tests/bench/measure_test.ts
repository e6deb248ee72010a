/** What an adapter reaches at most. */
import assert from "node:assert/strict";
import { measurePeaks } from "../../bench/measure.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import copyCode from "../../bench/copy.wgsl" with { type: "text" };

Deno.test.afterAll(closeTestGpu);

Deno.test("the kernel of the copy peak copies every value and nothing beyond", async () => {
  const gpu = await testGpu();
  const values = Float32Array.from({ length: 16 * 100 }, (_, index) => index + 1);
  using input = gpu.upload("input", values);
  using output = gpu.upload("output", new Float32Array(values.length + 16));
  using program = await gpu.record("copy", [{
    kernel: { name: "copy", code: copyCode },
    dims: [values.length / 4, 0, 0, 0],
    buffers: [input, output],
    workgroups: [2, 1, 1],
  }]);
  gpu.submit(program);
  assert.deepEqual(await gpu.readFloats(output), Float32Array.from([...values, ...new Float32Array(16)]));
});

Deno.test("measurePeaks() finds two rates that any adapter has", async () => {
  const { gflops, gbytes } = await measurePeaks(await testGpu());
  // From a slow core that others use as well to the fastest card.
  assert.ok(gflops > 0.1 && gflops < 1e6, `${gflops} GFLOP/s`);
  assert.ok(gbytes > 0.01 && gbytes < 1e5, `${gbytes} GB/s`);
});
