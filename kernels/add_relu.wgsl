// The end of a residual block: output = relu(input + shortcut). Its gradient, gated by the output, is that of both inputs as it
// is, and needs no kernel.
//
// input, shortcut, output   [R][rows][N]   N padded to 8, rows padded to 4; padding rows are neither read nor written
//
// Grid: flat over rows · N / 16 in 2-D, z = R. Four vec4 per invocation.
// Numerics: one sum. ReLU keeps NaN.
// Tile: nothing is read twice; it takes what copying as many values does (lavapipe, 2026-11-25).

struct Dims {
  quads: u32,  // vec4 of a replicate's rows: even, since N is padded to 8
  stride: u32,  // vec4 from one replicate to the next
  columns: u32,  // invocations along x
}

override groupX: u32 = 64;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> shortcut: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

fn add(at: u32) {
  let sum = input[at] + shortcut[at];
  output[at] = select(sum, vec4f(0.0), sum < vec4f(0.0));
}

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let first = (id.y * dims.columns + id.x) * 4u;
  if (id.x >= dims.columns || first >= dims.quads) {  // guard
    return;
  }
  let at = id.z * dims.stride + first;
  add(at);
  add(at + 1u);
  if (first + 2u < dims.quads) {  // guard
    add(at + 2u);
    add(at + 3u);
  }
}
