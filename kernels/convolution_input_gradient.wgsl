// Convolution, input gradient: gradient[c][i][j][n] = Σ_k Σ_ky Σ_kx weight[c][ky][kx][k] · outputGradient[k][(i + pad − ky) /
// stride][(j + pad − kx) / stride][n], over the taps whose row and column are whole and inside the output; with `accumulate`,
// added to what stands there; with `gate`, then zero where the input (the output of a ReLU) is not positive.
//
// transposed      [R][K][ky][kx][C]  the weights, from transpose_weights.wgsl; C padded to 4 with zeros, K to 4
// outputGradient  [R][K][Y][X][N]    N padded to 8; K·Y·X rows, padded to 4 (padding rows are not read)
// input           [R][C][H][W][N]    the layer's input, for the gate
// gradient        [R][C][H][W][N]    padding rows are not written
//
// Grid: x = N / 8 batch tiles, y = H · (W / 4) pixel tiles · (C / 8) channel tiles, channels fastest, z = R.
// Numerics: k, then ky, then kx, ascending: a fixed order, whatever N and R are. The gate lets a gradient pass
// unless the input is <= 0, so NaN passes. Columns outside the output count as zeros that are multiplied, so a weight that is
// not finite gives NaN there.
// Tile: that of convolution_forward.wgsl: 4 pixels of a row × 8 channels × 8 images per invocation, 64 vec4 of sums; 18 vec4
// loaded for 192 vec4 multiply-adds. With stride 2 a pixel meets every other tap only: even and odd pixels are added apart.
// Measured with the transposition, in turn with a kernel that read four outputs of the weights as they are and took them apart
// (processor time, lavapipe, Mesa 22.3, batch 64, 2026-11-25): 64 → 64 channels at 32 × 32 0.78 of its time, 16 → 16 0.78, 64 →
// 64 at 8 × 8 0.81, 256 → 256 at 8 × 8 0.85, 512 → 512 at 4 × 4 0.83; stride 2, 16 → 32, 0.87, with a 1 × 1 kernel 1.01.

struct Dims {
  channels: u32,  // C
  height: u32,  // H and W of the input
  width: u32,
  outputHeight: u32,  // Y and X
  outputWidth: u32,
  inputStride: u32,  // vec4 of one replicate's input
  outputPlane: u32,  // vec4 of one channel of the output: Y · X · N / 4
  outputEnd: u32,  // vec4 of one replicate's output: K · outputPlane
  outputStride: u32,  // the same with padding rows
  channelQuads: u32,  // C / 4, rounded up: the row length of the transposed weights
  batchQuads: u32,  // N / 4
  weightStride: u32,  // vec4 of one replicate's transposed weights
}

override size: u32 = 3;
override stride: u32 = 1;
override gate: bool = false;
override accumulate: bool = false;
override groupX: u32 = 8;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> transposed: array<vec4f>;
@group(0) @binding(2) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4f>;

// Eight images of one pixel.
struct Images {
  low: vec4f,
  high: vec4f,
}

// One output's weights of one tap to the eight channels.
struct Weights {
  low: vec4f,
  high: vec4f,
}

// Sums of the eight channels, for four images of one pixel.
struct Sums {
  c0: vec4f,
  c1: vec4f,
  c2: vec4f,
  c3: vec4f,
  c4: vec4f,
  c5: vec4f,
  c6: vec4f,
  c7: vec4f,
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

// A column of the output: its offset in a row, clamped instead of branched over, so that lanes stay together.
struct Column {
  offset: u32,
  inside: bool,
}

fn column(at: i32) -> Column {
  let last = i32(dims.outputWidth) - 1;
  return Column(u32(clamp(at, 0, last)) * dims.batchQuads, at >= 0 && at <= last);
}

// The pixel in a column of the row that begins at vec4 `row`; zeros outside the output.
fn pixel(row: u32, x: Column) -> Images {
  let at = row + x.offset;
  let low = outputGradient[at];
  let high = outputGradient[at + 1u];
  return Images(select(vec4f(0.0), low, x.inside), select(vec4f(0.0), high, x.inside));
}

fn weights(at: u32, second: u32) -> Weights {
  return Weights(transposed[at], transposed[at + second]);
}

fn add(sums: Sums, w: Weights, x: vec4f) -> Sums {
  return Sums(
    fma(vec4f(w.low.x), x, sums.c0),
    fma(vec4f(w.low.y), x, sums.c1),
    fma(vec4f(w.low.z), x, sums.c2),
    fma(vec4f(w.low.w), x, sums.c3),
    fma(vec4f(w.high.x), x, sums.c4),
    fma(vec4f(w.high.y), x, sums.c5),
    fma(vec4f(w.high.z), x, sums.c6),
    fma(vec4f(w.high.w), x, sums.c7),
  );
}

// Adds the products of a tap to pixels 0 and 2.
fn even(tile: Tile, w: Weights, x0: Images, x2: Images) -> Tile {
  return Tile(
    add(tile.low0, w, x0.low),
    add(tile.high0, w, x0.high),
    tile.low1,
    tile.high1,
    add(tile.low2, w, x2.low),
    add(tile.high2, w, x2.high),
    tile.low3,
    tile.high3,
  );
}

// Adds the products of a tap to pixels 1 and 3.
fn odd(tile: Tile, w: Weights, x1: Images, x3: Images) -> Tile {
  return Tile(
    tile.low0,
    tile.high0,
    add(tile.low1, w, x1.low),
    add(tile.high1, w, x1.high),
    tile.low2,
    tile.high2,
    add(tile.low3, w, x3.low),
    add(tile.high3, w, x3.high),
  );
}

// Adds the products of a tap to all four pixels.
fn every(tile: Tile, w: Weights, x0: Images, x1: Images, x2: Images, x3: Images) -> Tile {
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

fn store(c: u32, at: u32, low: vec4f, high: vec4f) {
  if (c >= dims.channels) {  // guard
    return;
  }
  var first = low;
  var second = high;
  if (accumulate) {
    first += gradient[at];
    second += gradient[at + 1u];
  }
  if (gate) {
    first = select(first, vec4f(0.0), input[at] <= vec4f(0.0));
    second = select(second, vec4f(0.0), input[at + 1u] <= vec4f(0.0));
  }
  gradient[at] = first;
  gradient[at + 1u] = second;
}

// Stores one pixel.
fn storePixel(c: u32, at: u32, plane: u32, low: Sums, high: Sums) {
  store(c, at, low.c0, high.c0);
  store(c + 1u, at + plane, low.c1, high.c1);
  store(c + 2u, at + 2u * plane, low.c2, high.c2);
  store(c + 3u, at + 3u * plane, low.c3, high.c3);
  store(c + 4u, at + 4u * plane, low.c4, high.c4);
  store(c + 5u, at + 5u * plane, low.c5, high.c5);
  store(c + 6u, at + 6u * plane, low.c6, high.c6);
  store(c + 7u, at + 7u * plane, low.c7, high.c7);
}

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let q = dims.batchQuads;
  let n = id.x * 2u;
  if (n >= q) {  // guard
    return;
  }
  let channelTiles = (dims.channels + 7u) / 8u;
  let columnTiles = (dims.width + 3u) / 4u;
  let c = (id.y % channelTiles) * 8u;
  let j = (id.y / channelTiles % columnTiles) * 4u;
  let i = id.y / channelTiles / columnTiles;
  let pad = size / 2u;
  // Row (i + pad - ky) / stride of the output meets row ky of the kernel: only those that are whole and inside.
  let top = i + pad;
  let bottom = (dims.outputHeight - 1u) * stride;
  let first = select(top % stride, top - bottom, top > bottom);
  let last = min(size, top + 1u);
  let left = i32(j / stride) - i32(pad);
  let column0 = column(left);
  let column1 = column(left + 1);
  let column2 = column(left + 2);
  let column3 = column(left + 3);
  let column4 = column(left + 4);
  let column5 = column(left + 5);
  let zero = vec4f(0.0);
  let start = Sums(zero, zero, zero, zero, zero, zero, zero, zero);
  var tile = Tile(start, start, start, start, start, start, start, start);
  // A last tile of only four channels loads the other four from where they exist and does not store them.
  let second = select(0u, 1u, c + 4u < dims.channelQuads * 4u);
  var w = id.z * dims.weightStride + c / 4u;
  var plane = id.z * dims.outputStride + n;
  // One loop over outputs and rows of the kernel: see convolution_forward.wgsl.
  let end = plane + dims.outputEnd;
  if (stride == 2u && first >= last) {
    plane = end;  // The row meets no row of the kernel.
  }
  var ky = first;
  while (plane < end) {
    let row = plane + (top - ky) / stride * dims.outputWidth * q;
    let v = w + ky * size * dims.channelQuads;
    if (size == 3u && stride == 1u) {
      // Each tap right behind what it needs: 0.8 of the time of loading all first on lavapipe (2026-11-25); it is the other way
      // round in the forward pass.
      let x2 = pixel(row, column2);
      let x3 = pixel(row, column3);
      let x4 = pixel(row, column4);
      let x5 = pixel(row, column5);
      tile = every(tile, weights(v, second), x2, x3, x4, x5);
      let x1 = pixel(row, column1);
      tile = every(tile, weights(v + dims.channelQuads, second), x1, x2, x3, x4);
      let x0 = pixel(row, column0);
      tile = every(tile, weights(v + 2u * dims.channelQuads, second), x0, x1, x2, x3);
    } else if (size == 3u) {
      let x1 = pixel(row, column1);
      let x2 = pixel(row, column2);
      let x3 = pixel(row, column3);
      let w0 = weights(v, second);
      let w1 = weights(v + dims.channelQuads, second);
      let w2 = weights(v + 2u * dims.channelQuads, second);
      tile = odd(tile, w0, x2, x3);
      tile = even(tile, w1, x1, x2);
      tile = odd(tile, w2, x1, x2);
    } else if (stride == 1u) {
      let x0 = pixel(row, column0);
      let x1 = pixel(row, column1);
      let x2 = pixel(row, column2);
      let x3 = pixel(row, column3);
      tile = every(tile, weights(v, second), x0, x1, x2, x3);
    } else {
      let x0 = pixel(row, column0);
      let x1 = pixel(row, column1);
      tile = even(tile, weights(v, second), x0, x1);
    }
    ky += stride;
    let next = ky >= last;
    ky = select(ky, first, next);
    plane += select(0u, dims.outputPlane, next);
    w += select(0u, size * size * dims.channelQuads, next);
  }
  let inputPlane = dims.height * dims.width * q;
  var to = id.z * dims.inputStride + c * inputPlane + (i * dims.width + j) * q + n;
  storePixel(c, to, inputPlane, tile.low0, tile.high0);
  if (j + 1u >= dims.width) {  // guard
    return;
  }
  to += q;
  storePixel(c, to, inputPlane, tile.low1, tile.high1);
  if (j + 2u >= dims.width) {  // guard
    return;
  }
  to += q;
  storePixel(c, to, inputPlane, tile.low2, tile.high2);
  if (j + 3u >= dims.width) {  // guard
    return;
  }
  to += q;
  storePixel(c, to, inputPlane, tile.low3, tile.high3);
}
