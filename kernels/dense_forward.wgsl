// Dense layer, forward: output[o][n] = activation(bias[o] + Σ_i weight[i][o] · input[i][n]), i ascending.
//
// parameters  [R][arena]   weight [I][O] at dims.weight, O padded to 4; bias [O] at dims.bias
// input       [R][I][N]    batch innermost, N padded to 8, I padded to 4 (padding rows are not read)
// output      [R][O][N], O padded to 4; with `split` [R][parts][O][N], sums of dims.partInputs inputs each, without bias and
//             activation, which dense_forward_sum.wgsl adds up
//
// Grid: x = N / 8 batch tiles (N / 16 with `wide`), y = O / 32 output tiles of each part, z = R.
// Numerics: one running sum per output and part, inputs in ascending order, whatever N and R are. ReLU keeps NaN.
// Tile: 32 outputs × 8 images per invocation, 64 vec4 of sums, every load a vec4: a vec4 of weights serves eight images and a
// vec4 of images 32 outputs, 10 loads for 64 vec4 multiply-adds. With `wide`, for batches that fill the lanes so, 16 images and
// 12 loads for 128.
// Measured (lavapipe, Mesa 22.3, 2026-11-25, in turn with the tile of 8 × 8 before): 784 × 304, batch 64: 0.73 of its time; wide
// at batch 1,000 0.52, at 512 × 512 × 512 0.53.

struct Dims {
  inputs: u32,
  inputRows: u32,  // rows of one replicate's input, padded to 4
  outputQuads: u32,  // O / 4, padded: the row length of the weights
  batchQuads: u32,  // N / 4: the row length of input and output
  weight: u32,  // all offsets and strides in vec4
  bias: u32,
  parameterStride: u32,
  outputTiles: u32,  // O / 32, rounded up
  partInputs: u32,
  parts: u32,  // 1 without `split`
}

override relu: bool = false;
override split: bool = false;
override wide: bool = false;
override groupX: u32 = 8;
override groupY: u32 = 1;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(2) var<storage, read> input: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

fn activate(sum: vec4f) -> vec4f {
  if (relu) {
    return select(sum, vec4f(0.0), sum < vec4f(0.0));
  }
  return sum;
}

// Sums of eight outputs, for four images.
struct Sums {
  o0: vec4f,
  o1: vec4f,
  o2: vec4f,
  o3: vec4f,
  o4: vec4f,
  o5: vec4f,
  o6: vec4f,
  o7: vec4f,
}

// Sums of 32 outputs, for four images.
struct Tile {
  s0: Sums,
  s1: Sums,
  s2: Sums,
  s3: Sums,
}

// Weights of one input to 32 outputs.
struct Weights {
  w0: vec4f,
  w1: vec4f,
  w2: vec4f,
  w3: vec4f,
  w4: vec4f,
  w5: vec4f,
  w6: vec4f,
  w7: vec4f,
}

// A last tile of fewer outputs loads those beyond the last one from where the last stand, and does not store them.
fn weights(at: u32, last: u32) -> Weights {
  return Weights(
    parameters[at],
    parameters[at + min(1u, last)],
    parameters[at + min(2u, last)],
    parameters[at + min(3u, last)],
    parameters[at + min(4u, last)],
    parameters[at + min(5u, last)],
    parameters[at + min(6u, last)],
    parameters[at + min(7u, last)],
  );
}

fn begin(low: vec4f, high: vec4f) -> Sums {
  return Sums(
    vec4f(low.x),
    vec4f(low.y),
    vec4f(low.z),
    vec4f(low.w),
    vec4f(high.x),
    vec4f(high.y),
    vec4f(high.z),
    vec4f(high.w),
  );
}

fn addEight(sums: Sums, low: vec4f, high: vec4f, x: vec4f) -> Sums {
  return Sums(
    sums.o0 + low.x * x,
    sums.o1 + low.y * x,
    sums.o2 + low.z * x,
    sums.o3 + low.w * x,
    sums.o4 + high.x * x,
    sums.o5 + high.y * x,
    sums.o6 + high.z * x,
    sums.o7 + high.w * x,
  );
}

fn add(tile: Tile, w: Weights, x: vec4f) -> Tile {
  return Tile(
    addEight(tile.s0, w.w0, w.w1, x),
    addEight(tile.s1, w.w2, w.w3, x),
    addEight(tile.s2, w.w4, w.w5, x),
    addEight(tile.s3, w.w6, w.w7, x),
  );
}

// Stores eight outputs of four images, as far as there are rows.
fn storeEight(row: u32, at: u32, sums: Sums) {
  let rows = dims.outputQuads * 4u;
  let q = dims.batchQuads;
  if (row >= rows) {  // guard
    return;
  }
  output[at] = activate(sums.o0);
  output[at + q] = activate(sums.o1);
  output[at + 2u * q] = activate(sums.o2);
  output[at + 3u * q] = activate(sums.o3);
  if (row + 4u >= rows) {  // guard
    return;
  }
  output[at + 4u * q] = activate(sums.o4);
  output[at + 5u * q] = activate(sums.o5);
  output[at + 6u * q] = activate(sums.o6);
  output[at + 7u * q] = activate(sums.o7);
}

fn store(row: u32, at: u32, tile: Tile) {
  let eight = 8u * dims.batchQuads;
  storeEight(row, at, tile.s0);
  storeEight(row + 8u, at + eight, tile.s1);
  storeEight(row + 16u, at + 2u * eight, tile.s2);
  storeEight(row + 24u, at + 3u * eight, tile.s3);
}

@compute @workgroup_size(groupX, groupY)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let q = dims.batchQuads;
  let n = id.x * select(2u, 4u, wide);
  let o = (id.y % dims.outputTiles) * 8u;
  let part = id.y / dims.outputTiles;
  if (n >= q || part >= dims.parts) {  // guard
    return;
  }
  let base = id.z * dims.parameterStride;
  let last = min(7u, dims.outputQuads - 1u - o);
  var start = Tile();
  if (!split) {
    let bias = weights(base + dims.bias + o, last);
    start = Tile(begin(bias.w0, bias.w1), begin(bias.w2, bias.w3), begin(bias.w4, bias.w5), begin(bias.w6, bias.w7));
  }
  var tile0 = start;
  var tile1 = start;
  var tile2 = start;
  var tile3 = start;
  // Images beyond the last are replaced by the last; their results are not stored. Batches are whole pairs of vec4.
  let third = min(2u, q - 2u - n);
  let fourth = third + 1u;
  let first = part * dims.partInputs;
  var w = base + dims.weight + first * dims.outputQuads + o;
  var x = (id.z * dims.inputRows + first) * q + n;
  // Bounded by a place in the input and not by a count: a loop that a uniform alone bounds is unrolled by lavapipe (Mesa 22.3)
  // when it is short, by compiling the kernel anew at every change of pipeline: 4 ms and 400 kB that it never frees, for 2 to 5
  // inputs (2026-11-24).
  let end = x + min(dims.partInputs, dims.inputs - first) * q;
  while (x < end) {
    let own = weights(w, last);
    tile0 = add(tile0, own, input[x]);
    tile1 = add(tile1, own, input[x + 1u]);
    if (wide) {
      tile2 = add(tile2, own, input[x + third]);
      tile3 = add(tile3, own, input[x + fourth]);
    }
    w += dims.outputQuads;
    x += q;
  }
  let y = ((id.z * dims.parts + part) * dims.outputQuads + o) * 4u * q + n;
  store(o * 4u, y, tile0);
  store(o * 4u, y + 1u, tile1);
  if (wide && n + 2u < q) {  // guard
    store(o * 4u, y + 2u, tile2);
    store(o * 4u, y + 3u, tile3);
  }
}
