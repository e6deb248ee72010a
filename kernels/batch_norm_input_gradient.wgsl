// Batch norm, input gradient (Ioffe & Szegedy 2015, gathered): with x = (input − mean) / √(variance + 1e-5), n = images · H · W,
//   inputGradient = scale / √(variance + 1e-5) · (outputGradient − shiftGradient / n − x · scaleGradient / n)
// and, with `gate`, zero where the input (the output of a ReLU) is not positive.
//
// parameters      [R][arena]      scale [C] at dims.scale
// saved           [R][2][C]       mean and variance of the batch, from batch_norm_finish.wgsl
// gradient        [R][arena]      of scale [C] at dims.scale and shift [C] at dims.shift, from batch_norm_gradient_finish.wgsl
// input           [R][C][H·W][N]  the norm's input; padding lanes are finite, padding rows are not read
// outputGradient  [R][C][H·W][N]  padding lanes are zero
// inputGradient   [R][C][H·W][N]  padding lanes become zero, padding rows are not written
//
// Grid: x = N / 8, y = C · parts, z = R. A part is dims.partRows rows of a channel's H · W, the last one perhaps fewer.
// Numerics: elementwise. The gate lets a gradient pass unless the input is <= 0, so NaN passes.

struct Dims {
  channels: u32,
  plane: u32,  // H · W
  parts: u32,  // of a channel
  partRows: u32,
  rows: u32,  // C · H · W, padded to 4
  batchQuads: u32,  // N / 4
  images: u32,  // without padding
  scale: u32,
  shift: u32,
  parameterStride: u32,
}

const epsilon = 1e-5;

override gate: bool = false;
override groupX: u32 = 8;
override groupY: u32 = 4;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
@group(0) @binding(2) var<storage, read> saved: array<f32>;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;
@group(0) @binding(4) var<storage, read> input: array<vec4f>;
@group(0) @binding(5) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> inputGradient: array<vec4f>;

fn passed(value: vec4f, input: vec4f, isImage: vec4<bool>) -> vec4f {
  if (gate) {
    return select(vec4f(0.0), value, isImage & !(input <= vec4f(0.0)));
  }
  return select(vec4f(0.0), value, isImage);
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
  let count = f32(dims.images * dims.plane);
  let own = id.z * dims.parameterStride + channel;
  let ofStatistics = id.z * 2u * dims.channels + channel;
  let mean = vec4f(saved[ofStatistics]);
  let inverse = 1.0 / sqrt(saved[ofStatistics + dims.channels] + epsilon);
  let factor = parameters[own + dims.scale] * inverse;
  let shiftPart = vec4f(gradient[own + dims.shift] / count);
  let scalePart = gradient[own + dims.scale] / count * inverse;
  let lanes = vec4u(0u, 1u, 2u, 3u) + vec4u(n * 4u);
  let isImage0 = lanes < vec4u(dims.images);
  let isImage1 = lanes + vec4u(4u) < vec4u(dims.images);
  var at = (id.z * dims.rows + channel * dims.plane + first) * q + n;
  // Bounded by a place in the gradient and not by a count: see dense_forward.wgsl.
  let end = at + rows * q;
  while (at < end) {
    let input0 = input[at];
    let input1 = input[at + 1u];
    let value0 = factor * (outputGradient[at] - shiftPart - (input0 - mean) * scalePart);
    let value1 = factor * (outputGradient[at + 1u] - shiftPart - (input1 - mean) * scalePart);
    inputGradient[at] = passed(value0, input0, isImage0);
    inputGradient[at + 1u] = passed(value1, input1, isImage1);
    at += q;
  }
}
