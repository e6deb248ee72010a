// Batch norm, statistics of the batch out of their parts, and the running statistics:
//   running mean ← 0.9 · running mean + 0.1 · mean,   running variance ← 0.9 · running variance + 0.1 · squares / (n − 1)
// with n = images · H · W, in PyTorch's form: the batch is normalised by squares / n. With n = 1, which PyTorch refuses, the
// running variance takes squares / n as well.
//
// partials    [R][C][parts]  (values, origin, mean − origin, sum of squares) from batch_norm_statistics.wgsl
// saved       [R][2][C]      mean, then variance squares / n: for the rest of forward and for backward
// parameters  [R][arena]     running mean at dims.mean, running variance at dims.variance
//
// Grid: x = C, z = R. One invocation merges a channel's parts, in order.
// Numerics: means are kept as distances from the first part's origin, one of the values, so that a mean far from zero costs no
// digits; parts are merged by the formula of Chan, Golub & LeVeque (1983).

struct Dims {
  channels: u32,
  parts: u32,  // of a channel, over rows and images
  mean: u32,
  variance: u32,
  parameterStride: u32,
}

const momentum = 0.1;

override groupX: u32 = 8;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> partials: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> saved: array<f32>;
@group(0) @binding(3) var<storage, read_write> parameters: array<f32>;

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= dims.channels) {  // guard
    return;
  }
  var at = (id.z * dims.channels + id.x) * dims.parts;
  let origin = partials[at].y;
  var count = 0.0;
  var mean = 0.0;
  var squares = 0.0;
  // Bounded by a place in the partials and not by a count: see dense_forward.wgsl.
  let end = at + dims.parts;
  while (at < end) {
    let part = partials[at];
    let distance = (part.y - origin) + part.z - mean;
    let merged = count + part.x;
    mean += distance * (part.x / merged);
    squares += part.w + distance * distance * (count * (part.x / merged));
    count = merged;
    at++;
  }
  mean += origin;
  let to = id.z * 2u * dims.channels + id.x;
  saved[to] = mean;
  saved[to + dims.channels] = squares / count;
  let base = id.z * dims.parameterStride + id.x;
  let runningMean = parameters[base + dims.mean];
  let runningVariance = parameters[base + dims.variance];
  parameters[base + dims.mean] = (1.0 - momentum) * runningMean + momentum * mean;
  parameters[base + dims.variance] = (1.0 - momentum) * runningVariance + momentum * (squares / max(1.0, count - 1.0));
}
