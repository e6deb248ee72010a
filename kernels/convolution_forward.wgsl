// Convolution, forward: output[k][y][x][n] =
// activation(bias[k] + Σ_c Σ_ky Σ_kx weight[c][ky][kx][k] · input[c][y·stride + ky − pad][x·stride + kx − pad][n]), in that
// order of summation. "Same" padding: pad is 1 for a kernel of 3 × 3 and 0 for 1 × 1, and taps outside the image are left out.
//
// parameters  [R][arena]       weight [C][ky][kx][K] at dims.weight, K padded to 4; bias [K] at dims.bias
// input       [R][C][H][W][N]  N padded to 8; C·H·W rows, padded to 4 (padding rows are not read)
// output      [R][K][Y][X][N]  Y = ⌈H / stride⌉ rows, X = ⌈W / stride⌉ columns; padding rows are not written
//
// Grid: x = N / 8 batch tiles, y = Y · (X / 4) pixel tiles · (K / 8) output tiles, outputs fastest, z = R.
// Numerics: one running sum per output value, whatever N and R are. Columns outside the image count as zeros that are
// multiplied, so a weight that is not finite gives NaN there. ReLU keeps NaN.
// Tile: 4 pixels of a row × 8 outputs × 8 images per invocation, 64 vec4 of sums. The taps of a row of the kernel share their
// pixels: 18 vec4 loaded (6 columns × 2, 3 taps × 2) for 192 vec4 multiply-adds.
// Measured: part of the multiply-add peak that the taps inside the image reach, both in CPU seconds, in two runs on a machine
// that others share (lavapipe, Mesa 22.3, batch 64, 2026-11-25): 64 → 64 channels at 32 × 32 34 and 56 %, 3 → 64 24 and 32 %, 16
// → 16 31 and 36 %, 256 → 256 at 8 × 8 35 and 49 %, 512 → 512 at 4 × 4 45 %, at 2 × 2 19 % (half of a tile's pixels lie
// outside); stride 2, 16 → 32, 24 and 30 %, with a 1 × 1 kernel 22 %.

struct Dims {
  height: u32,  // H and W of the input
  width: u32,
  outputHeight: u32,
  outputWidth: u32,
  inputPlane: u32,  // vec4 of one channel of the input: H · W · N / 4
  inputEnd: u32,  // vec4 of one replicate's channels: C · inputPlane
  inputStride: u32,  // the same with padding rows
  outputStride: u32,  // vec4 of one replicate's output
  outputs: u32,  // K
  outputQuads: u32,  // K / 4, padded: the row length of the weights
  batchQuads: u32,  // N / 4
  weight: u32,  // offsets and strides in vec4
  bias: u32,
  parameterStride: u32,
}

override size: u32 = 3;
override stride: u32 = 1;
override relu: bool = false;
override groupX: u32 = 8;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(2) var<storage, read> input: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

// Eight images of one pixel.
struct Images {
  low: vec4f,
  high: vec4f,
}

// Weights of one tap to the eight outputs.
struct Weights {
  low: vec4f,
  high: vec4f,
}

// Sums of the eight outputs, for four images of one pixel.
struct Sums {
  k0: vec4f,
  k1: vec4f,
  k2: vec4f,
  k3: vec4f,
  k4: vec4f,
  k5: vec4f,
  k6: vec4f,
  k7: vec4f,
}

// Sums of the four pixels, images 0 to 3 and 4 to 7 of each.
struct Tile {
  low0: Sums,
  high0: Sums,
  low1: Sums,
  high1: Sums,
  low2: Sums,
  high2: Sums,
  low3: Sums,
  high3: Sums,
}

// A column of the input: its offset in a row, clamped instead of branched over, so that lanes stay together.
struct Column {
  offset: u32,
  inside: bool,
}

fn column(at: i32) -> Column {
  return Column(u32(clamp(at, 0, i32(dims.width) - 1)) * dims.batchQuads, at >= 0 && at < i32(dims.width));
}

// The pixel in a column of the row that begins at vec4 `row`; zeros outside the image.
fn pixel(row: u32, x: Column) -> Images {
  let at = row + x.offset;
  return Images(select(vec4f(0.0), input[at], x.inside), select(vec4f(0.0), input[at + 1u], x.inside));
}

fn weights(at: u32, second: u32) -> Weights {
  return Weights(parameters[at], parameters[at + second]);
}

fn add(sums: Sums, w: Weights, x: vec4f) -> Sums {
  return Sums(
    fma(vec4f(w.low.x), x, sums.k0),
    fma(vec4f(w.low.y), x, sums.k1),
    fma(vec4f(w.low.z), x, sums.k2),
    fma(vec4f(w.low.w), x, sums.k3),
    fma(vec4f(w.high.x), x, sums.k4),
    fma(vec4f(w.high.y), x, sums.k5),
    fma(vec4f(w.high.z), x, sums.k6),
    fma(vec4f(w.high.w), x, sums.k7),
  );
}

// Adds one tap: eight weights times four pixels.
fn tap(tile: Tile, w: Weights, x0: Images, x1: Images, x2: Images, x3: Images) -> Tile {
  return Tile(
    add(tile.low0, w, x0.low),
    add(tile.high0, w, x0.high),
    add(tile.low1, w, x1.low),
    add(tile.high1, w, x1.high),
    add(tile.low2, w, x2.low),
    add(tile.high2, w, x2.high),
    add(tile.low3, w, x3.low),
    add(tile.high3, w, x3.high),
  );
}

fn activate(sum: vec4f) -> vec4f {
  if (relu) {
    return select(sum, vec4f(0.0), sum < vec4f(0.0));
  }
  return sum;
}

// Stores eight images of one output value.
fn store(k: u32, at: u32, low: vec4f, high: vec4f) {
  if (k < dims.outputs) {  // guard
    output[at] = activate(low);
    output[at + 1u] = activate(high);
  }
}

// Stores one pixel.
fn storePixel(k: u32, at: u32, plane: u32, low: Sums, high: Sums) {
  store(k, at, low.k0, high.k0);
  store(k + 1u, at + plane, low.k1, high.k1);
  store(k + 2u, at + 2u * plane, low.k2, high.k2);
  store(k + 3u, at + 3u * plane, low.k3, high.k3);
  store(k + 4u, at + 4u * plane, low.k4, high.k4);
  store(k + 5u, at + 5u * plane, low.k5, high.k5);
  store(k + 6u, at + 6u * plane, low.k6, high.k6);
  store(k + 7u, at + 7u * plane, low.k7, high.k7);
}

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let q = dims.batchQuads;
  let n = id.x * 2u;
  if (n >= q) {  // guard
    return;
  }
  let outputTiles = (dims.outputQuads + 1u) / 2u;
  let columnTiles = (dims.outputWidth + 3u) / 4u;
  let o = (id.y % outputTiles) * 2u;
  let x = (id.y / outputTiles % columnTiles) * 4u;
  let y = id.y / outputTiles / columnTiles;
  // A last tile of only four outputs loads the other four from where they exist and does not store them.
  let second = select(0u, 1u, o + 1u < dims.outputQuads);
  let base = id.z * dims.parameterStride;
  let bias = base + dims.bias + o;
  // All pixels start from the bias.
  let b = weights(bias, second);
  let start = Sums(
    vec4f(b.low.x),
    vec4f(b.low.y),
    vec4f(b.low.z),
    vec4f(b.low.w),
    vec4f(b.high.x),
    vec4f(b.high.y),
    vec4f(b.high.z),
    vec4f(b.high.w),
  );
  var tile = Tile(start, start, start, start, start, start, start, start);
  let pad = size / 2u;
  // Rows of the kernel that lie inside the image.
  let first = select(0u, 1u, y * stride < pad);
  let last = min(size, dims.height + pad - y * stride);
  let left = i32(x * stride) - i32(pad);
  let column0 = column(left);
  let column1 = column(left + 1);
  let column2 = column(left + 2);
  let column3 = column(left + 3);
  let column4 = column(left + 4);
  let column5 = column(left + 5);
  let column6 = column(left + 6);
  let column7 = column(left + 7);
  let column8 = column(left + 8);
  var w = base + dims.weight + o;
  var plane = id.z * dims.inputStride + n;
  var ky = first;
  // One loop over channels and rows of the kernel, for lavapipe's sake: it runs a loop's body once more than needed, with all
  // lanes off, so a loop over three rows costs four. Bounded by a place and not by a count: see dense_forward.wgsl.
  let end = plane + dims.inputEnd;
  while (plane < end) {
    let row = plane + (y * stride + ky - pad) * dims.width * q;
    let v = w + ky * size * dims.outputQuads;
    if (size == 3u) {
      if (stride == 1u) {
        let x0 = pixel(row, column0);
        let x1 = pixel(row, column1);
        let x2 = pixel(row, column2);
        let x3 = pixel(row, column3);
        let x4 = pixel(row, column4);
        let x5 = pixel(row, column5);
        // Loaded after the pixels: in a sketch of this kernel, 20 % faster on lavapipe than before them (2026-11-25).
        let w0 = weights(v, second);
        let w1 = weights(v + dims.outputQuads, second);
        let w2 = weights(v + 2u * dims.outputQuads, second);
        tile = tap(tile, w0, x0, x1, x2, x3);
        tile = tap(tile, w1, x1, x2, x3, x4);
        tile = tap(tile, w2, x2, x3, x4, x5);
      } else {
        let x0 = pixel(row, column0);
        let x1 = pixel(row, column1);
        let x2 = pixel(row, column2);
        let x3 = pixel(row, column3);
        let x4 = pixel(row, column4);
        let x5 = pixel(row, column5);
        let x6 = pixel(row, column6);
        let x7 = pixel(row, column7);
        let x8 = pixel(row, column8);
        let w0 = weights(v, second);
        let w1 = weights(v + dims.outputQuads, second);
        let w2 = weights(v + 2u * dims.outputQuads, second);
        tile = tap(tile, w0, x0, x2, x4, x6);
        tile = tap(tile, w1, x1, x3, x5, x7);
        tile = tap(tile, w2, x2, x4, x6, x8);
      }
    } else {
      let x0 = pixel(row, column0);
      if (stride == 1u) {
        let x1 = pixel(row, column1);
        let x2 = pixel(row, column2);
        let x3 = pixel(row, column3);
        tile = tap(tile, weights(v, second), x0, x1, x2, x3);
      } else {
        let x2 = pixel(row, column2);
        let x4 = pixel(row, column4);
        let x6 = pixel(row, column6);
        tile = tap(tile, weights(v, second), x0, x2, x4, x6);
      }
    }
    ky += 1u;
    let next = ky >= last;
    ky = select(ky, first, next);
    plane += select(0u, dims.inputPlane, next);
    w += select(0u, size * size * dims.outputQuads, next);
  }
  let outputPlane = dims.outputHeight * dims.outputWidth * q;
  let k = o * 4u;
  var at = id.z * dims.outputStride + k * outputPlane + (y * dims.outputWidth + x) * q + n;
  storePixel(k, at, outputPlane, tile.low0, tile.high0);
  if (x + 1u >= dims.outputWidth) {  // guard
    return;
  }
  at += q;
  storePixel(k, at, outputPlane, tile.low1, tile.high1);
  if (x + 2u >= dims.outputWidth) {  // guard
    return;
  }
  at += q;
  storePixel(k, at, outputPlane, tile.low2, tile.high2);
  if (x + 3u >= dims.outputWidth) {  // guard
    return;
  }
  at += q;
  storePixel(k, at, outputPlane, tile.low3, tile.high3);
}
