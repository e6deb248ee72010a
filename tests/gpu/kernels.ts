/**
 * Small kernels for the tests of this folder.
 *
 * @module
 */
import type { KernelSource } from "../../src/gpu/pipelines.ts";

/** Adds `dims.value` to the first word of a buffer. */
export const counter: KernelSource = {
  name: "counter",
  code: `struct Dims { value: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> count: array<u32>;
@compute @workgroup_size(1)
fn main() {
  count[0] += dims.value;
}
`,
};

/** count[0] ← count[0] · factor + dims.value: programs in another order give another number. */
export const affine: KernelSource = {
  name: "affine",
  code: `struct Dims { value: u32 }
override factor: u32 = 2;
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> count: array<u32>;
@compute @workgroup_size(1)
fn main() {
  count[0] = count[0] * factor + dims.value;
}
`,
};

/** Every invocation below `dims.count` of a flat pass adds 1 to its own word, and `visits` counts invocations within rows. */
export const visit: KernelSource = {
  name: "visit",
  code: `struct Dims { count: u32, columns: u32 }
override groupX: u32 = 1;
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> visits: array<u32>;
@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.y * dims.columns + id.x;
  if (id.x >= dims.columns || at >= dims.count) {
    return;
  }
  visits[at] += 1u;
}
`,
};
