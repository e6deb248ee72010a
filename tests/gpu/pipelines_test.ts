import assert from "node:assert/strict";
import { GpuError } from "../../src/gpu/errors.ts";
import { Gpu } from "../../src/gpu/gpu.ts";
import { showError } from "../../src/gpu/pipelines.ts";
import { affine, counter } from "./kernels.ts";

Deno.test("a pipeline is compiled once per source and constants, whatever the constants' order", async () => {
  await using gpu = await Gpu.open();
  const { pipelines } = gpu;
  const first = pipelines.get(affine, { factor: 3 });
  assert.equal(pipelines.get(affine, { factor: 3 }), first, "asked for again while it compiles");
  await first;
  assert.equal(pipelines.get(affine, { factor: 3 }), first);
  assert.equal(pipelines.get({ ...affine }, { factor: 3 }), first, "another object with the same source");
  assert.equal(pipelines.size, 1);
  const two = {
    name: "two",
    code: `override a: u32; override b: u32;
@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(1)
fn main() { out[0] = a + b; }
`,
  };
  const one = pipelines.get(two, { a: 1, b: 2 });
  assert.equal(pipelines.get(two, { b: 2, a: 1 }), one);
  await one;
  assert.equal(pipelines.size, 2);
});

Deno.test("another source or other constants make another pipeline", async () => {
  await using gpu = await Gpu.open();
  const { pipelines } = gpu;
  const all = await Promise.all([
    pipelines.get(affine, { factor: 3 }),
    pipelines.get(affine, { factor: 4 }),
    pipelines.get(affine),
    pipelines.get(counter),
    pipelines.get({ name: affine.name, code: counter.code }),
  ]);
  assert.equal(new Set(all).size, 5);
  assert.equal(pipelines.size, 5);
});

Deno.test("a compile error shows file, line, column, the source line and a mark under the column", async () => {
  await using gpu = await Gpu.open();
  const kernel = { name: "broken", code: "@compute @workgroup_size(1)\nfn main() {\n  let wrong = ;\n}\n" };
  await assert.rejects(gpu.pipelines.get(kernel), (error) => {
    assert.ok(error instanceof GpuError);
    const [title, message, line, mark] = error.message.split("\n");
    assert.match(title ?? "", /broken/);
    const place = /^broken\.wgsl:3:(\d+): \S/.exec(message ?? "");
    assert.ok(place, `no place in: ${message}`);
    assert.equal(line, "  let wrong = ;");
    assert.equal(mark, " ".repeat(Number(place[1]) - 1) + "^");
    return true;
  });
  gpu.check();
});

Deno.test("a kernel that does not compile fails every time, and leaves the device usable", async () => {
  await using gpu = await Gpu.open();
  const kernel = { name: "broken", code: "fn main() -> u32 { return 1.5; }" };
  await assert.rejects(gpu.pipelines.get(kernel), GpuError);
  await assert.rejects(gpu.pipelines.get(kernel), GpuError);
  await assert.rejects(gpu.record("uses it", [{ kernel, dims: [1], buffers: [], workgroups: [1, 1, 1] }]), GpuError);
  await gpu.pipelines.get(counter);
  gpu.check();
  assert.equal(gpu.allocatedBytes, 0);
});

Deno.test("a missing constant is an error that names the kernel", async () => {
  await using gpu = await Gpu.open();
  const kernel = { name: "open", code: "override size: u32;\n@compute @workgroup_size(size)\nfn main() {}\n" };
  await assert.rejects(gpu.pipelines.get(kernel, {}), { name: "GpuError", message: /open .*\{\}/ });
});

Deno.test("showError() keeps a compiler's notes and survives a place outside the source", () => {
  const kernel = { name: "k", code: "one\ntwo" };
  const message = "\nreason\n  drawing\n  = note\n\n";
  assert.equal(showError(kernel, { message, lineNum: 2, linePos: 3 }), "k.wgsl:2:3: reason\n  = note\ntwo\n  ^");
  assert.equal(showError(kernel, { message: "end", lineNum: 0, linePos: 0 }), "k.wgsl:0:0: end\n\n^");
  assert.equal(showError(kernel, { message: "end", lineNum: 9, linePos: 1 }), "k.wgsl:9:1: end\n\n^");
});
