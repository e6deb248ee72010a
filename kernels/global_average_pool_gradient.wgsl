// Global average pooling, gradient: gradient[c][p][n] = outputGradient[c][n] / (H · W); with `gate`, zero where the input (the
// output of a ReLU) is not positive.
//
// input           [R][C][H·W][N]  for the gate
// outputGradient  [R][C][N]       C padded to 4, N padded to 8; padding lanes are zero
// gradient        [R][C][H·W][N]  padding lanes become zero, padding rows are not written
//
// Grid: x = N / 8, y = C, z = R. One invocation does a channel of eight images.
// Numerics: one division. The gate lets a gradient pass unless the input is <= 0, so NaN passes.
// Tile: as in global_average_pool.wgsl; 7.1 ms with four images per invocation, 2.9 with eight, likewise 2026-11-25.

struct Dims {
  channels: u32,
  plane: u32,  // H · W
  inputRows: u32,  // C · H · W, padded to 4
  outputRows: u32,  // C, padded to 4
  batchQuads: u32,  // N / 4
}

override gate: bool = false;
override groupX: u32 = 8;
override groupY: u32 = 4;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4f>;

@compute @workgroup_size(groupX, groupY)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n = id.x * 2u;
  if (n >= dims.batchQuads || id.y >= dims.channels) {  // guard
    return;
  }
  let q = dims.batchQuads;
  let source = (id.z * dims.outputRows + id.y) * q + n;
  let low = outputGradient[source] / f32(dims.plane);
  let high = outputGradient[source + 1u] / f32(dims.plane);
  var at = (id.z * dims.inputRows + id.y * dims.plane) * q + n;
  // Bounded by a place in the gradient and not by a count: see dense_forward.wgsl.
  let end = at + dims.plane * q;
  while (at < end) {
    if (gate) {
      gradient[at] = select(low, vec4f(0.0), input[at] <= vec4f(0.0));
      gradient[at + 1u] = select(high, vec4f(0.0), input[at + 1u] <= vec4f(0.0));
    } else {
      gradient[at] = low;
      gradient[at + 1u] = high;
    }
    at += q;
  }
}
