// Batch norm, statistics in parts: for each channel, part of the rows and eight images, how many values there are, their mean,
// and the sum of their squared distances from it. batch_norm_finish.wgsl puts the parts together.
//
// input     [R][C][H·W][N]      N padded to 8, C·H·W padded to 4 (padding rows are not read)
// partials  [R][C][parts][N/8]  (values, origin, mean − origin, sum of squares): the origin is one of the values
//
// Grid: x = N / 8, y = C · parts, z = R. A part is dims.partRows rows of a channel's H · W, the last one perhaps fewer.
// Numerics: one pass, and no cancellation however far the mean is from zero (Welford 1962, per lane): the first value of a lane
// is subtracted from all of its values, and mean and squares run over what is left. The lanes are put together about their common
// mean, which is handed on as a distance from the first lane's first value, so that nothing is rounded to the digits that a
// number far from zero has. Padding lanes are computed and left out. Fixed order, whatever R is.
// Tile: eight images per invocation, as in the dense kernels; neighbours read neighbouring images. The pass is bound by memory:
// plain sums about a fixed number are 2 to 10 % faster (2.27 to 2.32 ms, 1.84 to 2.01 for 64 × 32 × 32 at batch 64, lavapipe,
// two shared cores, 2026-11-25), and lose digits where that number is far from the mean.

struct Dims {
  channels: u32,
  plane: u32,  // H · W
  parts: u32,  // of a channel
  partRows: u32,
  inputRows: u32,  // C · H · W, padded to 4
  batchQuads: u32,  // N / 4
  images: u32,  // without padding
}

override groupX: u32 = 8;
override groupY: u32 = 4;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec4f>;

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
  var at = (id.z * dims.inputRows + channel * dims.plane + first) * q + n;
  let origin0 = input[at];
  let origin1 = input[at + 1u];
  var mean0 = vec4f(0.0);
  var mean1 = vec4f(0.0);
  var squares0 = vec4f(0.0);
  var squares1 = vec4f(0.0);
  var count = 0.0;
  // Bounded by a place in the input and not by a count: see dense_forward.wgsl.
  let end = at + rows * q;
  while (at < end) {
    count += 1.0;
    let share = 1.0 / count;
    let distance0 = input[at] - origin0 - mean0;
    let distance1 = input[at + 1u] - origin1 - mean1;
    mean0 += distance0 * share;
    mean1 += distance1 * share;
    squares0 += distance0 * distance0 * (1.0 - share);
    squares1 += distance1 * distance1 * (1.0 - share);
    at += q;
  }
  let lanes = vec4u(0u, 1u, 2u, 3u) + vec4u(n * 4u);
  let zero = vec4f(0.0);
  let isImage0 = lanes < vec4u(dims.images);
  let isImage1 = lanes + vec4u(4u) < vec4u(dims.images);
  let one = vec4f(1.0);
  let images = dot(select(zero, one, isImage0) + select(zero, one, isImage1), one);
  let shift0 = origin0 - vec4f(origin0.x) + mean0;
  let shift1 = origin1 - vec4f(origin0.x) + mean1;
  let mean = dot(select(zero, shift0, isImage0) + select(zero, shift1, isImage1), one) / images;
  let apart0 = shift0 - vec4f(mean);
  let apart1 = shift1 - vec4f(mean);
  let lane0 = squares0 + count * apart0 * apart0;
  let lane1 = squares1 + count * apart1 * apart1;
  let squares = dot(select(zero, lane0, isImage0) + select(zero, lane1, isImage1), one);
  partials[(id.z * dims.channels * dims.parts + id.y) * (q / 2u) + id.x] =
    vec4f(count * images, origin0.x, mean, squares);
}
