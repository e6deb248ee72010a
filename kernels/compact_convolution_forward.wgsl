// Compact convolution, forward: output[k][y][x][n] = activation(bias[k] + Σ value · input[c][y·stride + ky − pad][x·stride + kx −
// pad][n]) over the survivors (c, ky, kx) of output k, in that order. "Same" padding: pad is 1 for a kernel of 3 × 3 and 0 for
// 1 × 1, and taps outside the image count as zeros.
//
// parameters  [R][arena]       values at dims.weight: outputs one after the other, (c, ky, kx) ascending, each padded with zeros to
//             whole vec4 ("quads"); bias [K] at dims.bias
// rows        [R][K + 1]       first quad of each output, and where the last one ends
// positions   [R][quads]       of each value: c · 16 + ky · 4 + kx; 0 for padding
// input       [R][C][H][W][N]  N padded to 8; C·H·W rows, padded to 4 (padding rows are not read)
// output      [R][K][Y][X][N]  Y = ⌈H / stride⌉ rows, X = ⌈W / stride⌉ columns; padding rows are not written
//
// Grid: workgroups, x = K · (N / 8 / groupX) with outputs fastest, y = Y · X / 4 tiles of pixels, z = R; invocations along N.
// Numerics: one running sum per output value, the bias first, whatever N and R are: for finite inputs the bits that
// convolution_forward.wgsl gives where pruned weights are zero (but a sum of nothing keeps a bias of −0). A tap outside the image
// multiplies the nearest pixel inside by zero, as padding does the first pixel of channel 0, so what is not finite there makes
// the sum NaN, as it does in the masked-dense kernel. ReLU keeps NaN.
// Tile: 1 output × 4 consecutive pixels × 8 images per invocation. All invocations of a workgroup have the same survivors, so none
// waits for another. A quad loads 2 vec4 of its own and 32 of images for 32 multiply-adds: a pixel is loaded for one survivor
// alone, since at densities where compact wins few share pixels. 64 → 64 channels at 32 × 32, batch 64, took 0.48 of the
// masked-dense kernel's processor time at 5 % and 0.89 at 10 %; with clamped columns for all pixels 1.06 times as long. Eight
// pixels took 0.8 to 1.0 of four pixels' time from 8 × 8 up, and twice that at 4 × 4 and 2 × 2 (lavapipe, Mesa 22.3,
// 2026-11-25).

struct Dims {
  height: u32,  // H and W of the input
  width: u32,
  pixels: u32,  // Y · X
  outputWidth: u32,
  inputPlane: u32,  // vec4 of one channel of the input: H · W · N / 4
  inputStride: u32,  // vec4 of one replicate's input
  outputStride: u32,  // vec4 of one replicate's output
  outputs: u32,  // K
  batchQuads: u32,  // N / 4
  weight: u32,  // offsets and strides in vec4
  bias: u32,
  parameterStride: u32,
  quads: u32,  // of one replicate's positions
}

override size: u32 = 3;
override stride: u32 = 1;
override relu: bool = false;
// Whether a tile's pixels may lie in different rows.
override wraps: bool = true;
override groupX: u32 = 8;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> positions: array<vec4u>;
@group(0) @binding(4) var<storage, read> input: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4f>;

// Eight images of one pixel.
struct Images {
  low: vec4f,
  high: vec4f,
}

// The pixel of the input that tap (0, 0) of an output's pixel meets; in −1 … H or W, modulo 2³².
struct Corner {
  row: u32,
  column: u32,
}

// What stands for four survivors.
struct Survivors {
  value: vec4f,
  plane: vec4u,  // where their channels begin
  ky: vec4u,
  kx: vec4u,
}

// The corner of pixel `index` of the output; `first` is that of the tile's first pixel, `offset` pixels before.
fn corner(index: u32, first: Corner, offset: u32) -> Corner {
  if (wraps) {
    let pad = size / 2u;
    return Corner(index / dims.outputWidth * stride - pad, index % dims.outputWidth * stride - pad);
  }
  return Corner(first.row, first.column + offset * stride);
}

// Adds four survivors' products to one pixel. Rows and columns are clamped instead of branched over, so that lanes stay together;
// columns of a pixel `within` a tile that lies in one row need not be.
fn add(sum: Images, survivors: Survivors, at: Corner, within: bool) -> Images {
  let i = survivors.ky + at.row;
  var j = survivors.kx + at.column;
  var inside = i < vec4u(dims.height);
  if (wraps || !within) {
    inside &= j < vec4u(dims.width);
    j = min(j, vec4u(dims.width - 1u));
  }
  let value = select(vec4f(0.0), survivors.value, inside);
  let x = survivors.plane + (min(i, vec4u(dims.height - 1u)) * dims.width + j) * dims.batchQuads;
  var low = fma(vec4f(value.x), input[x.x], sum.low);
  var high = fma(vec4f(value.x), input[x.x + 1u], sum.high);
  low = fma(vec4f(value.y), input[x.y], low);
  high = fma(vec4f(value.y), input[x.y + 1u], high);
  low = fma(vec4f(value.z), input[x.z], low);
  high = fma(vec4f(value.z), input[x.z + 1u], high);
  low = fma(vec4f(value.w), input[x.w], low);
  high = fma(vec4f(value.w), input[x.w + 1u], high);
  return Images(low, high);
}

fn activate(sum: vec4f) -> vec4f {
  if (relu) {
    return select(sum, vec4f(0.0), sum < vec4f(0.0));
  }
  return sum;
}

fn store(at: u32, sum: Images) {
  output[at] = activate(sum.low);
  output[at + 1u] = activate(sum.high);
}

@compute @workgroup_size(groupX)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let q = dims.batchQuads;
  let n = (group.x / dims.outputs * groupX + local.x) * 2u;
  let k = group.x % dims.outputs;
  let index = group.y * 4u;
  let pad = size / 2u;
  let first = Corner(index / dims.outputWidth * stride - pad, index % dims.outputWidth * stride - pad);
  let second = corner(index + 1u, first, 1u);
  let third = corner(index + 2u, first, 2u);
  let fourth = corner(index + 3u, first, 3u);
  let base = group.z * dims.parameterStride;
  let bias = vec4f(parameters[base + dims.bias + k / 4u][k % 4u]);
  var s0 = Images(bias, bias);
  var s1 = s0;
  var s2 = s0;
  var s3 = s0;
  let row = group.z * (dims.outputs + 1u) + k;
  let w = base + dims.weight;
  let p = group.z * dims.quads;
  let plane = group.z * dims.inputStride + n;
  var quad = rows[row];
  let end = select(0u, rows[row + 1u], n < q);  // guard
  while (quad < end) {
    let position = positions[p + quad];
    let survivors = Survivors(
      parameters[w + quad],
      plane + (position >> vec4u(4u)) * dims.inputPlane,
      (position >> vec4u(2u)) & vec4u(3u),
      position & vec4u(3u),
    );
    s0 = add(s0, survivors, first, false);
    s1 = add(s1, survivors, second, true);
    s2 = add(s2, survivors, third, true);
    s3 = add(s3, survivors, fourth, false);
    quad++;
  }
  if (n >= q) {  // guard
    return;
  }
  let at = group.z * dims.outputStride + (k * dims.pixels + index) * q + n;
  store(at, s0);
  if (index + 1u < dims.pixels) {  // guard
    store(at + q, s1);
  }
  if (index + 2u < dims.pixels) {  // guard
    store(at + 2u * q, s2);
  }
  if (index + 3u < dims.pixels) {  // guard
    store(at + 3u * q, s3);
  }
}
