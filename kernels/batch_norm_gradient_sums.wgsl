// Batch norm, sums of its gradient in parts: for each channel, part of the rows and eight images,
// (Σ outputGradient, Σ outputGradient · (input − mean)). batch_norm_gradient_finish.wgsl puts the parts together.
//
// saved           [R][2][C]           mean and variance of the batch, from batch_norm_finish.wgsl
// input           [R][C][H·W][N]      the norm's input; padding lanes are finite, padding rows are not read
// outputGradient  [R][C][H·W][N]      padding lanes are zero, so that they add nothing
// partials        [R][C][parts][N/8]
//
// Grid: x = N / 8, y = C · parts, z = R. A part is dims.partRows rows of a channel's H · W, the last one perhaps fewer.
// Numerics: rows in ascending order per lane, then the lanes: fixed, whatever R is.

struct Dims {
  channels: u32,
  plane: u32,  // H · W
  parts: u32,  // of a channel
  partRows: u32,
  rows: u32,  // C · H · W, padded to 4
  batchQuads: u32,  // N / 4
}

override groupX: u32 = 8;
override groupY: u32 = 4;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> saved: array<f32>;
@group(0) @binding(2) var<storage, read> input: array<vec4f>;
@group(0) @binding(3) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> partials: array<vec2f>;

@compute @workgroup_size(groupX, groupY)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n = id.x * 2u;
  if (n >= dims.batchQuads || id.y >= dims.channels * dims.parts) {  // guard
    return;
  }
  let q = dims.batchQuads;
  let channel = id.y / dims.parts;
  let first = (id.y % dims.parts) * dims.partRows;
  let rows = min(dims.partRows, dims.plane - first);
  let mean = vec4f(saved[id.z * 2u * dims.channels + channel]);
  var at = (id.z * dims.rows + channel * dims.plane + first) * q + n;
  var sum0 = vec4f(0.0);
  var sum1 = vec4f(0.0);
  var product0 = vec4f(0.0);
  var product1 = vec4f(0.0);
  // Bounded by a place in the input and not by a count: see dense_forward.wgsl.
  let end = at + rows * q;
  while (at < end) {
    let gradient0 = outputGradient[at];
    let gradient1 = outputGradient[at + 1u];
    sum0 += gradient0;
    sum1 += gradient1;
    product0 += gradient0 * (input[at] - mean);
    product1 += gradient1 * (input[at + 1u] - mean);
    at += q;
  }
  let one = vec4f(1.0);
  partials[(id.z * dims.channels * dims.parts + id.y) * (q / 2u) + id.x] =
    vec2f(dot(sum0 + sum1, one), dot(product0 + product1, one));
}
