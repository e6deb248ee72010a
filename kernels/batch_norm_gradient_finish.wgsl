// Batch norm, gradients of scale and shift out of their parts: shift = Σ outputGradient and
// scale = Σ outputGradient · (input − mean) / √(variance + 1e-5), over images, rows and columns.
//
// partials  [R][C][parts]  the two sums, from batch_norm_gradient_sums.wgsl
// saved     [R][2][C]      mean and variance of the batch, from batch_norm_finish.wgsl
// gradient  [R][arena]     scale [C] at dims.scale, shift [C] at dims.shift
//
// Grid: x = C, z = R. One invocation sums a channel's parts, in order.

struct Dims {
  channels: u32,
  parts: u32,  // of a channel, over rows and images
  scale: u32,
  shift: u32,
  parameterStride: u32,
}

const epsilon = 1e-5;

override groupX: u32 = 8;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> partials: array<vec2f>;
@group(0) @binding(2) var<storage, read> saved: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= dims.channels) {  // guard
    return;
  }
  var at = (id.z * dims.channels + id.x) * dims.parts;
  var sums = vec2f(0.0);
  // Bounded by a place in the partials and not by a count: see dense_forward.wgsl.
  let end = at + dims.parts;
  while (at < end) {
    sums += partials[at];
    at++;
  }
  let variance = saved[(id.z * 2u + 1u) * dims.channels + id.x];
  let base = id.z * dims.parameterStride + id.x;
  gradient[base + dims.scale] = sums.y / sqrt(variance + epsilon);
  gradient[base + dims.shift] = sums.x;
}
