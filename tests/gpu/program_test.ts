import assert from "node:assert/strict";
import { Gpu } from "../../src/gpu/gpu.ts";
import { flatGrid, type Launch } from "../../src/gpu/program.ts";
import { affine, counter, visit } from "./kernels.ts";

Deno.test("a program runs as often as it is submitted, in order", async () => {
  await using gpu = await Gpu.open();
  using count = gpu.buffer("count", 4);
  const launch = { dims: [1], buffers: [count], workgroups: [1, 1, 1] } as const;
  using add = await gpu.record("add", [{ ...launch, kernel: counter }]);
  using double = await gpu.record("double", [{ ...launch, kernel: affine, dims: [0] }]);
  gpu.submit(add);
  gpu.submit([add, 299]);
  assert.equal((await gpu.readUint32(count))[0], 300);
  // ((300 + 2) · 2 · 2 · 2 + 1) · 2
  gpu.submit([add, 2], [double, 3], add, double);
  assert.equal((await gpu.readUint32(count))[0], 4834);
});

Deno.test("a program's launches run in order, each with its own settings and constants", async () => {
  await using gpu = await Gpu.open();
  using count = gpu.buffer("count", 4);
  const launch = (factor: number, value: number): Launch => ({
    kernel: affine,
    constants: { factor },
    dims: [value],
    buffers: [count],
    workgroups: [1, 1, 1],
  });
  using program = await gpu.record("affine", [launch(1, 5), launch(3, 1), launch(1, 7), launch(3, 0)]);
  gpu.submit([program, 2]);
  // 0 → 5 → 16 → 23 → 69, then 74 → 223 → 230 → 690
  assert.equal((await gpu.readUint32(count))[0], 690);
});

Deno.test("a program keeps the labels of its launches, or the kernel's name", async () => {
  await using gpu = await Gpu.open();
  using count = gpu.buffer("count", 4);
  const launch = { kernel: counter, dims: [1], buffers: [count], workgroups: [1, 1, 1] } as const;
  using program = await gpu.record("two", [{ ...launch, label: "dense1 forward" }, launch]);
  assert.deepEqual(program.dispatches.map(({ label }) => label), ["dense1 forward", "counter"]);
});

Deno.test("more workgroups along a dimension than WebGPU allows, or none, is refused before anything is allocated", async () => {
  await using gpu = await Gpu.open();
  using count = gpu.buffer("count", 4);
  const before = gpu.allocatedBytes;
  for (const workgroups of [[65_536, 1, 1], [1, 65_536, 1], [1, 1, 65_536], [1, 0, 1]] as const) {
    await assert.rejects(gpu.record("too many", [{ kernel: counter, dims: [1], buffers: [count], workgroups }]), {
      name: "RangeError",
      message: /counter.*1 to 65535.*flatGrid/,
    });
  }
  assert.equal(gpu.allocatedBytes, before);
});

Deno.test("flatGrid() covers any count with few idle workgroups and never more than 65,535 along a dimension", () => {
  for (const size of [1, 64, 256]) {
    for (const groups of [0, 1, 2, 65_534, 65_535, 65_536, 65_537, 131_070, 131_071, 1_000_003, 40_000_000]) {
      for (const count of [groups * size - 1, groups * size, groups * size + 1].filter((candidate) => candidate >= 0)) {
        const [x, y] = flatGrid(count, size);
        assert.ok(x >= 1 && x <= 65_535 && y >= 1 && y <= 65_535, `${x} × ${y} for ${count}`);
        assert.ok(x * y * size >= count, `${x} × ${y} × ${size} does not cover ${count}`);
        assert.ok(x * y - Math.ceil(count / size) <= y, `${x} × ${y} × ${size} is wasteful for ${count}`);
      }
    }
  }
});

Deno.test("a flat pass over more than 65,535 workgroups visits every element exactly once", async () => {
  await using gpu = await Gpu.open();
  for (const [count, size] of [[65_537, 1], [70_001, 1], [131_071, 1], [1000, 64]] as const) {
    using visits = gpu.buffer("visits", count * 4);
    const [x, y] = flatGrid(count, size);
    using program = await gpu.record("flat", [{
      kernel: visit,
      constants: { groupX: size },
      dims: [count, x * size],
      buffers: [visits],
      workgroups: [x, y, 1],
    }]);
    gpu.submit(program);
    const seen = (await gpu.readUint32(visits)).subarray(0, count);
    assert.ok(seen.every((times) => times === 1), `${count} in workgroups of ${size}`);
  }
});

Deno.test("time() runs a program once and gives each dispatch's milliseconds", async () => {
  await using gpu = await Gpu.open();
  using count = gpu.buffer("count", 4);
  using many = gpu.buffer("many", 4 * 2 ** 20);
  using program = await gpu.record("timed", [
    { kernel: counter, dims: [1], buffers: [count], workgroups: [1, 1, 1] },
    {
      kernel: visit,
      constants: { groupX: 64 },
      dims: [2 ** 20, 2 ** 20],
      buffers: [many],
      workgroups: [2 ** 14, 1, 1],
    },
  ]);
  const started = performance.now();
  const times = await gpu.time(program);
  const elapsed = performance.now() - started;
  if (!gpu.hasTimestamps) {
    assert.equal(times, undefined);
    return;
  }
  assert.ok(times);
  assert.equal(times.length, 2);
  assert.ok(times.every((ms) => Number.isFinite(ms) && ms >= 0), `${times} ms`);
  // Not a measurement: only that the unit is milliseconds and a million invocations take some time.
  assert.ok((times[1] ?? 0) > 0.001 && (times[0] ?? 0) + (times[1] ?? 0) <= elapsed, `${times} of ${elapsed} ms`);
  assert.equal((await gpu.readUint32(count))[0], 1);
});
