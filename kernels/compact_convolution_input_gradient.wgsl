// Compact convolution, input gradient: gradient[c][i][j][n] = Σ value · outputGradient[k][(i + pad − ky) / stride][(j + pad − kx) /
// stride][n] over the survivors (k, ky, kx) of channel c whose row and column are whole and inside the output; with `accumulate`,
// added to what stands there; with `gate`, then zero where the input (the output of a ReLU) is not positive.
//
// parameters      [R][arena]               values at dims.weight, by output: see compact_convolution_forward.wgsl
// columns         [R][C · stride² + 1]     first entry quad of each channel and, with stride 2, of its taps by the parities of ky
//                                          and kx: (c, ky % stride, kx % stride); and where the last one's end
// entries         [R][entries]             four survivors each, by (k, ky, kx): indices of their values, then k · 16 + ky · 4 + kx;
//                                          15 for padding
// outputGradient  [R][K][Y][X][N]          N padded to 8; K·Y·X rows, padded to 4 (padding rows are not read)
// input           [R][C][H][W][N]          the layer's input, for the gate
// gradient        [R][C][H][W][N]          padding rows are not written; a channel without survivors gets zeros
//
// Grid: workgroups, x = C · (N / 8 / groupX) with channels fastest, y = tiles of pixels, z = R; invocations along N. With stride 2
// pixels go by the parities of their rows and columns: four classes, in each of which all meet the same taps.
// Numerics: one running sum per value, whatever N and R are, k, then ky, then kx ascending: for finite gradients the bits that
// convolution_input_gradient.wgsl gives where pruned weights are zero. A tap outside the output multiplies the nearest pixel
// inside by zero, as padding does the first output's, so what is not finite there makes the sum NaN, as it does in the
// masked-dense kernel. The gate lets a gradient pass unless the input is <= 0, so NaN passes.
// Tile: 1 channel × 4 pixels that follow one another in their class × 8 images per invocation; four survivors load 3 vec4 of
// their own and 32 of gradients for 32 multiply-adds. 64 → 64 channels at 32 × 32, batch 64, took 0.52 of the masked-dense
// kernel's processor time at 5 % and 0.89 at 10 % (lavapipe, Mesa 22.3, 2026-11-25).

struct Dims {
  channels: u32,  // C
  height: u32,  // H and W of the input
  width: u32,
  classWidth: u32,  // ⌈W / stride⌉: columns of a class of pixels
  tiles: u32,  // of a class: ⌈H / stride⌉ · classWidth / 4
  outputHeight: u32,  // Y and X
  outputWidth: u32,
  inputStride: u32,  // vec4 of one replicate's input
  outputPlane: u32,  // vec4 of one channel of the output: Y · X · N / 4
  outputStride: u32,  // vec4 of one replicate's output
  batchQuads: u32,  // N / 4
  weight: u32,  // in single values, like parameterStride
  parameterStride: u32,
  entries: u32,  // vec4 of one replicate's entries
}

override size: u32 = 3;
override stride: u32 = 1;
override gate: bool = false;
override accumulate: bool = false;
// Whether a tile's pixels may lie in different rows.
override wraps: bool = true;
override groupX: u32 = 8;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
@group(0) @binding(2) var<storage, read> columns: array<u32>;
@group(0) @binding(3) var<storage, read> entries: array<vec4u>;
@group(0) @binding(4) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(5) var<storage, read> input: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> gradient: array<vec4f>;

// Eight images of one pixel.
struct Images {
  low: vec4f,
  high: vec4f,
}

// A pixel's row and column in its class.
struct Place {
  row: u32,
  column: u32,
}

// What stands for four survivors.
struct Survivors {
  value: vec4f,
  plane: vec4u,  // where their outputs begin
  dy: vec4u,  // from a pixel's place to the output's, modulo 2³²
  dx: vec4u,
}

// The place of pixel `index` of a class; `first` is that of the tile's first pixel, `offset` pixels before.
fn place(index: u32, first: Place, offset: u32) -> Place {
  if (wraps) {
    return Place(index / dims.classWidth, index % dims.classWidth);
  }
  return Place(first.row, first.column + offset);
}

// Adds four survivors' products to one pixel. Rows and columns are clamped instead of branched over, so that lanes stay together.
fn add(sum: Images, survivors: Survivors, at: Place) -> Images {
  let y = survivors.dy + at.row;
  let x = survivors.dx + at.column;
  let inside = (y < vec4u(dims.outputHeight)) & (x < vec4u(dims.outputWidth));
  let value = select(vec4f(0.0), survivors.value, inside);
  let pixel = min(y, vec4u(dims.outputHeight - 1u)) * dims.outputWidth + min(x, vec4u(dims.outputWidth - 1u));
  let d = survivors.plane + pixel * dims.batchQuads;
  var low = fma(vec4f(value.x), outputGradient[d.x], sum.low);
  var high = fma(vec4f(value.x), outputGradient[d.x + 1u], sum.high);
  low = fma(vec4f(value.y), outputGradient[d.y], low);
  high = fma(vec4f(value.y), outputGradient[d.y + 1u], high);
  low = fma(vec4f(value.z), outputGradient[d.z], low);
  high = fma(vec4f(value.z), outputGradient[d.z + 1u], high);
  low = fma(vec4f(value.w), outputGradient[d.w], low);
  high = fma(vec4f(value.w), outputGradient[d.w + 1u], high);
  return Images(low, high);
}

// Stores one pixel; `plane` is the vec4 where its channel begins, `parity` what its class is.
fn store(plane: u32, at: Place, parity: Place, sum: Images) {
  let i = at.row * stride + parity.row;
  let j = at.column * stride + parity.column;
  if (i >= dims.height || j >= dims.width) {  // guard
    return;
  }
  let to = plane + (i * dims.width + j) * dims.batchQuads;
  var low = sum.low;
  var high = sum.high;
  if (accumulate) {
    low += gradient[to];
    high += gradient[to + 1u];
  }
  if (gate) {
    low = select(low, vec4f(0.0), input[to] <= vec4f(0.0));
    high = select(high, vec4f(0.0), input[to + 1u] <= vec4f(0.0));
  }
  gradient[to] = low;
  gradient[to + 1u] = high;
}

@compute @workgroup_size(groupX)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let q = dims.batchQuads;
  let n = (group.x / dims.channels * groupX + local.x) * 2u;
  let c = group.x % dims.channels;
  let kind = group.y / dims.tiles;
  let index = group.y % dims.tiles * 4u;
  let parity = Place(kind / stride, kind % stride);
  let first = Place(index / dims.classWidth, index % dims.classWidth);
  let second = place(index + 1u, first, 1u);
  let third = place(index + 2u, first, 2u);
  let fourth = place(index + 3u, first, 3u);
  let zero = vec4f(0.0);
  var s0 = Images(zero, zero);
  var s1 = s0;
  var s2 = s0;
  var s3 = s0;
  // With stride 2, row i meets the taps whose ky is odd where i + pad is.
  let top = parity.row + size / 2u;
  let left = parity.column + size / 2u;
  let classes = stride * stride;
  let list = group.z * (dims.channels * classes + 1u) + c * classes + top % stride * stride + left % stride;
  let w = group.z * dims.parameterStride + dims.weight;
  let plane = group.z * dims.outputStride + n;
  var entry = group.z * dims.entries + columns[list] * 2u;
  let end = select(0u, group.z * dims.entries + columns[list + 1u] * 2u, n < q);  // guard
  while (entry < end) {
    let at = w + entries[entry];
    let tap = entries[entry + 1u];
    let kx = tap & vec4u(3u);
    let value = vec4f(parameters[at.x], parameters[at.y], parameters[at.z], parameters[at.w]);
    let survivors = Survivors(
      select(vec4f(0.0), value, kx < vec4u(3u)),
      plane + (tap >> vec4u(4u)) * dims.outputPlane,
      (top - ((tap >> vec4u(2u)) & vec4u(3u))) / stride,
      (left - kx) / stride,
    );
    s0 = add(s0, survivors, first);
    s1 = add(s1, survivors, second);
    s2 = add(s2, survivors, third);
    s3 = add(s3, survivors, fourth);
    entry += 2u;
  }
  if (n >= q) {  // guard
    return;
  }
  let to = group.z * dims.inputStride + c * dims.height * dims.width * q + n;
  store(to, first, parity, s0);
  store(to, second, parity, s1);
  store(to, third, parity, s2);
  store(to, fourth, parity, s3);
}
