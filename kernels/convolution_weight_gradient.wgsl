// Convolution, weight and bias gradient: weight[c][ky][kx][k] = Σ_y Σ_x Σ_n input[c][y·stride + ky − pad][x·stride + kx −
// pad][n] · outputGradient[k][y][x][n], where what lies outside the image counts as zero, and bias[k] = Σ_y Σ_x Σ_n
// outputGradient[k][y][x][n]. The loss's 1 / batch is already in outputGradient.
//
// input           [R][C][H][W][N]  N padded to 8; padding lanes are finite, padding rows are not read
// outputGradient  [R][K][Y][X][N]  padding lanes are zero, padding rows are not read
// mask            [R][arena]       one bit per parameter, read with `masked` only
// gradient        [R][arena]       weight [C][ky][kx][K] at dims.weight, K padded to 4 with zeros; bias [K] at dims.bias.
//                                  Or partial sums [R][parts][C·ky·kx + 1][K], for sum_partials.wgsl
//
// Grid: x = K / 4 output tiles · C / 4 channel tiles (C / 18 for 1 × 1) · parts, outputs fastest and parts slowest, z = R. Each
// part sums its share of the output's rows. The first row of tiles sums the bias as well.
// Numerics: y, then n by vec4, then x ascending: a fixed order, whatever R is. With `masked`, the gradient of a pruned weight
// is exactly zero, even where it would be NaN; padding columns are zero. Pixels outside the image count as zeros that are
// multiplied, so an output gradient that is not finite gives NaN there.
// Tile: 36 rows of the weights (4 channels × 9 taps) × 4 outputs per invocation, 36 vec4 of sums. A window of 3 × 3 pixels
// per channel moves along a row of the output, so a step loads 16 vec4 (3 new pixels × 4 channels, 4 outputs) for 144 vec4
// multiply-adds. A 1 × 1 kernel has 18 channels instead: 22 loads for 72. A layer with fewer than 256 tiles is split into
// parts by rows of the output.
// Measured as convolution_forward was, without the sum of the parts (2026-11-25): 64 → 64 channels at 32 × 32 25 and 35 %, 3 →
// 64 19 and 24 %, 16 → 16 28 %, 256 → 256 at 8 × 8 28 and 40 %, 512 → 512 at 4 × 4 30 %, at 2 × 2 14 %; stride 2, 16 → 32, 16
// and 23 %, with a 1 × 1 kernel 18 %.

struct Dims {
  inputs: u32,  // rows of the weights: C · size²
  channels: u32,  // C
  height: u32,  // H and W of the input
  width: u32,
  outputHeight: u32,  // Y and X
  outputWidth: u32,
  inputStride: u32,  // vec4 of one replicate's input
  outputStride: u32,  // vec4 of one replicate's output
  outputs: u32,  // K
  outputQuads: u32,  // K / 4, padded: the row length of the weights
  batchQuads: u32,  // N / 4
  parts: u32,
  biasTiles: u32,  // 1, or 0 for a layer without bias
  weight: u32,  // offsets and strides in vec4
  bias: u32,
  gradientStride: u32,  // from replicate to replicate and from part to part
}

override size: u32 = 3;
override stride: u32 = 1;
override masked: bool = true;
override groupX: u32 = 8;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> mask: array<u32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4f>;

// What stands for nine rows of the weights: one channel's taps in the order [ky][kx], or nine channels of a 1 × 1 kernel.
struct Nine {
  v0: vec4f,
  v1: vec4f,
  v2: vec4f,
  v3: vec4f,
  v4: vec4f,
  v5: vec4f,
  v6: vec4f,
  v7: vec4f,
  v8: vec4f,
}

// The vec4 at `at`, or zeros.
fn tap(at: u32, inside: bool) -> vec4f {
  return select(vec4f(0.0), input[at], inside);
}

// Where an invocation stands in its rows of the input. The addresses are clamped instead of branched over, so that lanes stay
// together.
struct Rows {
  above: u32,  // offset of the row above and below the middle one, 0 where it lies outside
  below: u32,
  hasAbove: bool,
  hasBelow: bool,
}

// Moves a window one step to the right; `plane` is the vec4 where the channel's middle row begins, `column` the window's
// middle.
fn advance(window: Nine, rows: Rows, plane: u32, column: u32) -> Nine {
  let q = dims.batchQuads;
  let inside = column + 1u < dims.width;
  let right = plane + min(column + 1u, dims.width - 1u) * q;
  let r0 = tap(right - rows.above, inside && rows.hasAbove);
  let r1 = tap(right, inside);
  let r2 = tap(right + rows.below, inside && rows.hasBelow);
  if (stride == 1u) {
    return Nine(window.v1, window.v2, r0, window.v4, window.v5, r1, window.v7, window.v8, r2);
  }
  let middle = plane + column * q;
  let m0 = tap(middle - rows.above, rows.hasAbove);
  let m1 = input[middle];
  let m2 = tap(middle + rows.below, rows.hasBelow);
  return Nine(window.v2, m0, r0, window.v5, m1, r1, window.v8, m2, r2);
}

// The window before its first step: with stride 1, that step makes column 0 its middle.
fn begin(rows: Rows, plane: u32) -> Nine {
  let z = vec4f(0.0);
  if (stride == 1u) {
    let r0 = tap(plane - rows.above, rows.hasAbove);
    let r2 = tap(plane + rows.below, rows.hasBelow);
    return Nine(z, z, r0, z, z, input[plane], z, z, r2);
  }
  return Nine(z, z, z, z, z, z, z, z, z);
}

// Nine channels at one pixel, `step` apart; those beyond the last are the last.
fn channels(at: u32, step: u32, last: u32) -> Nine {
  return Nine(
    input[at],
    input[at + min(1u, last) * step],
    input[at + min(2u, last) * step],
    input[at + min(3u, last) * step],
    input[at + min(4u, last) * step],
    input[at + min(5u, last) * step],
    input[at + min(6u, last) * step],
    input[at + min(7u, last) * step],
    input[at + min(8u, last) * step],
  );
}

// The output gradient of four images, four outputs (the components) each.
struct Images {
  n0: vec4f,
  n1: vec4f,
  n2: vec4f,
  n3: vec4f,
}

// Adds what four images give to one row's four outputs.
fn products(sum: vec4f, x: vec4f, d: Images) -> vec4f {
  return fma(vec4f(x.w), d.n3, fma(vec4f(x.z), d.n2, fma(vec4f(x.y), d.n1, fma(vec4f(x.x), d.n0, sum))));
}

fn add(sums: Nine, x: Nine, d: Images) -> Nine {
  return Nine(
    products(sums.v0, x.v0, d),
    products(sums.v1, x.v1, d),
    products(sums.v2, x.v2, d),
    products(sums.v3, x.v3, d),
    products(sums.v4, x.v4, d),
    products(sums.v5, x.v5, d),
    products(sums.v6, x.v6, d),
    products(sums.v7, x.v7, d),
    products(sums.v8, x.v8, d),
  );
}

// The four weights at vec4 `at` of the arena: their mask bits never straddle a word.
fn kept(at: u32, value: vec4f) -> vec4f {
  if (masked) {
    let bits = (vec4u(mask[at >> 3u]) >> (vec4u((at & 7u) * 4u) + vec4u(0u, 1u, 2u, 3u))) & vec4u(1u);
    return select(vec4f(0.0), value, bits == vec4u(1u));
  }
  return value;
}

fn storeRow(row: u32, at: u32, value: vec4f, real: vec4<bool>) {
  if (row < dims.inputs) {  // guard
    gradient[at] = kept(at, select(vec4f(0.0), value, real));
  }
}

fn store(row: u32, base: u32, sums: Nine, real: vec4<bool>) {
  let at = base + row * dims.outputQuads;
  storeRow(row, at, sums.v0, real);
  storeRow(row + 1u, at + dims.outputQuads, sums.v1, real);
  storeRow(row + 2u, at + 2u * dims.outputQuads, sums.v2, real);
  storeRow(row + 3u, at + 3u * dims.outputQuads, sums.v3, real);
  storeRow(row + 4u, at + 4u * dims.outputQuads, sums.v4, real);
  storeRow(row + 5u, at + 5u * dims.outputQuads, sums.v5, real);
  storeRow(row + 6u, at + 6u * dims.outputQuads, sums.v6, real);
  storeRow(row + 7u, at + 7u * dims.outputQuads, sums.v7, real);
  storeRow(row + 8u, at + 8u * dims.outputQuads, sums.v8, real);
}

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let q = dims.batchQuads;
  let rowsOfTile = select(18u, 36u, size == 3u);
  let channelsOfTile = select(18u, 4u, size == 3u);
  let tiles = (dims.inputs + rowsOfTile - 1u) / rowsOfTile;
  let o = id.x % dims.outputQuads;
  let tile = id.x / dims.outputQuads % tiles;
  let part = id.x / dims.outputQuads / tiles;
  if (part >= dims.parts) {  // guard
    return;
  }
  let inputPlane = dims.height * dims.width * q;
  let inputRow = dims.width * q;
  let outputRow = dims.outputWidth * q;
  let outputPlane = dims.outputHeight * outputRow;
  // Channels and outputs beyond the last are replaced by the last; the channels' results are not stored, and the outputs' are
  // the zeros of the padding.
  let c = tile * channelsOfTile;
  let last = dims.channels - 1u - c;
  let k = o * 4u;
  let lastOutput = dims.outputs - 1u - k;
  let real = vec4u(0u, 1u, 2u, 3u) <= vec4u(lastOutput);
  let k1 = min(1u, lastOutput) * outputPlane;
  let k2 = min(2u, lastOutput) * outputPlane;
  let k3 = min(3u, lastOutput) * outputPlane;
  let x0 = id.z * dims.inputStride + c * inputPlane;
  let c1 = min(1u, last) * inputPlane;
  let c2 = min(2u, last) * inputPlane;
  let c3 = min(3u, last) * inputPlane;
  let d0 = id.z * dims.outputStride + k * outputPlane;
  let z = vec4f(0.0);
  var s0 = Nine(z, z, z, z, z, z, z, z, z);
  var s1 = s0;
  var s2 = s0;
  var s3 = s0;
  var bias = z;
  // A strip is one row of the output for four images.
  var strip = part * dims.outputHeight / dims.parts * q;
  let end = (part + 1u) * dims.outputHeight / dims.parts * q;
  while (strip < end) {
    let n = strip % q;
    let y = strip / q;
    let i = y * stride;
    let plane = x0 + i * inputRow + n;
    let hasAbove = i > 0u;
    let hasBelow = i + 1u < dims.height;
    let rows = Rows(select(0u, inputRow, hasAbove), select(0u, inputRow, hasBelow), hasAbove, hasBelow);
    var w0: Nine;
    var w1: Nine;
    var w2: Nine;
    var w3: Nine;
    if (size == 3u) {
      w0 = begin(rows, plane);
      w1 = begin(rows, plane + c1);
      w2 = begin(rows, plane + c2);
      w3 = begin(rows, plane + c3);
    }
    var column = 0u;
    var at = d0 + y * outputRow + n;
    // Bounded by a place and not by a count (see dense_forward.wgsl) and tested at its end (see convolution_forward.wgsl), both
    // for lavapipe's sake.
    let rowEnd = at + outputRow;
    loop {
      let e0 = outputGradient[at];
      let e1 = outputGradient[at + k1];
      let e2 = outputGradient[at + k2];
      let e3 = outputGradient[at + k3];
      let d = Images(
        vec4f(e0.x, e1.x, e2.x, e3.x),
        vec4f(e0.y, e1.y, e2.y, e3.y),
        vec4f(e0.z, e1.z, e2.z, e3.z),
        vec4f(e0.w, e1.w, e2.w, e3.w),
      );
      bias += d.n0 + d.n1 + d.n2 + d.n3;
      if (size == 3u) {
        w0 = advance(w0, rows, plane, column);
        w1 = advance(w1, rows, plane + c1, column);
        w2 = advance(w2, rows, plane + c2, column);
        w3 = advance(w3, rows, plane + c3, column);
        s0 = add(s0, w0, d);
        s1 = add(s1, w1, d);
        s2 = add(s2, w2, d);
        s3 = add(s3, w3, d);
      } else {
        let pixel = plane + column * q;
        let ninth = min(9u, last);
        s0 = add(s0, channels(pixel, inputPlane, last), d);
        s1 = add(s1, channels(pixel + ninth * inputPlane, inputPlane, last - ninth), d);
      }
      column += stride;
      at += q;
      if (at >= rowEnd) {
        break;
      }
    }
    strip += 1u;
  }
  let base = (id.z * dims.parts + part) * dims.gradientStride;
  let weight = base + dims.weight + o;
  let row = tile * rowsOfTile;
  store(row, weight, s0, real);
  store(row + 9u, weight, s1, real);
  if (size == 3u) {
    store(row + 18u, weight, s2, real);
    store(row + 27u, weight, s3, real);
  }
  if (tile < dims.biasTiles) {
    gradient[base + dims.bias + o] = select(vec4f(0.0), bias, real);
  }
}
