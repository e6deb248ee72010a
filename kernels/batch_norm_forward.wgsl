// Batch norm (Ioffe & Szegedy 2015), forward:
//   output[c][p][n] = activation((input[c][p][n] − mean[c]) · scale[c] / √(variance[c] + 1e-5) + shift[c])
// with the batch's statistics in training, and the running ones in evaluation.
//
// parameters  [R][arena]      scale [C] at dims.scale, shift [C] at dims.shift
// statistics  [R][…]          mean [C] at dims.mean, variance [C] at dims.variance: what batch_norm_finish.wgsl saved, or the
//                             parameters once more
// input       [R][C][H·W][N]  N padded to 8, C·H·W padded to 4 (padding rows are not read)
// output      [R][C][H·W][N]  padding rows are not written
//
// Grid: x = N / 8, y = C · parts, z = R. A part is dims.partRows rows of a channel's H · W, the last one perhaps fewer.
// Numerics: the mean is subtracted before the factor is applied, so that a mean far from zero costs no digits. ReLU keeps NaN.

struct Dims {
  channels: u32,
  plane: u32,  // H · W
  parts: u32,  // of a channel
  partRows: u32,
  rows: u32,  // C · H · W, padded to 4
  batchQuads: u32,  // N / 4
  scale: u32,
  shift: u32,
  parameterStride: u32,
  mean: u32,
  variance: u32,
  statisticsStride: u32,
}

const epsilon = 1e-5;

override relu: bool = false;
override groupX: u32 = 8;
override groupY: u32 = 4;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
@group(0) @binding(2) var<storage, read> statistics: array<f32>;
@group(0) @binding(3) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;

fn activate(value: vec4f) -> vec4f {
  if (relu) {
    return select(value, vec4f(0.0), value < vec4f(0.0));
  }
  return value;
}

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
  let own = id.z * dims.parameterStride + channel;
  let ofStatistics = id.z * dims.statisticsStride + channel;
  let mean = vec4f(statistics[ofStatistics + dims.mean]);
  let factor = parameters[own + dims.scale] / sqrt(statistics[ofStatistics + dims.variance] + epsilon);
  let shift = vec4f(parameters[own + dims.shift]);
  var at = (id.z * dims.rows + channel * dims.plane + first) * q + n;
  // Bounded by a place in the output and not by a count: see dense_forward.wgsl.
  let end = at + rows * q;
  while (at < end) {
    output[at] = activate((input[at] - mean) * factor + shift);
    output[at + 1u] = activate((input[at + 1u] - mean) * factor + shift);
    at += q;
  }
}
