import assert from "node:assert/strict";
import { checkKernels } from "../../src/cli/kernel_check.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";

Deno.test.afterAll(closeTestGpu);

Deno.test("doctor checks every kernel in the folder, and all of them agree with their references", async () => {
  const files = [...Deno.readDirSync(new URL("../../kernels", import.meta.url))].map(({ name }) => name);
  const checks = await checkKernels(await testGpu());
  assert.deepEqual(checks.map(({ kernel }) => `${kernel}.wgsl`).sort(), files.sort());
  for (const { kernel, error, tolerance, ok } of checks) {
    assert.ok(ok, `${kernel}: ${error}, where ${tolerance} is right`);
  }
});
