// Convolution, input gradient, for graphics cards: gradient[c][i][j][n] = Σ_k Σ_ky Σ_kx weight[c][ky][kx][k] ·
// outputGradient[k][(i + pad − ky) / stride][(j + pad − kx) / stride][n], over the taps whose row and column are whole and
// inside the output; with `accumulate`, added to what stands there; with `gate`, then zero where the input (the output of a
// ReLU) is not positive.
//
// parameters      [R][arena]       weight [C][ky][kx][K] at dims.weight, K padded to 4 with zeros
// outputGradient  [R][K][Y][X][N]  N padded to 8; K·Y·X rows, padded to 4 (padding rows are not read)
// input           [R][C][H][W][N]  the layer's input, for the gate
// gradient        [R][C][H][W][N]  padding rows are not written
//
// Grid: workgroups, x = (N / 4 · H · (W / 2)) / 64, the batch fastest, y = C / 8 channel tiles, z = R.
// Numerics: k, then ky ascending, then kx: a fixed order, whatever N and R are. The gate lets a gradient pass unless the input
// is <= 0, so NaN passes. Columns outside the output count as zeros that are multiplied, so a weight that is not finite gives
// NaN there.
// Tile: 2 pixels of a row × 8 channels × 4 images per invocation, as in convolution_forward_workgroup.wgsl. Weights of sixteen
// outputs at a time lie in workgroup memory (4.5 KiB), turned so that a vec4 is four channels. With stride 2 an even pixel
// meets only the middle column of the kernel and an odd one the other two.

struct Dims {
  channels: u32,  // C
  height: u32,  // H and W of the input
  width: u32,
  outputHeight: u32,  // Y and X
  outputWidth: u32,
  inputStride: u32,  // vec4 of one replicate's input
  outputs: u32,  // K
  outputStride: u32,  // vec4 of one replicate's output
  outputQuads: u32,  // K / 4, padded: the row length of the weights
  batchQuads: u32,  // N / 4
  weight: u32,  // offsets and strides in vec4
  parameterStride: u32,
}

override size: u32 = 3;
override stride: u32 = 1;
override gate: bool = false;
override accumulate: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(2) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4f>;

var<workgroup> staged: array<vec4f, 288>;  // [16 outputs][ky][kx][2 vec4 of channels]

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
fn pixel(row: u32, x: Column) -> vec4f {
  return select(vec4f(0.0), outputGradient[row + x.offset], x.inside);
}

fn weights(at: u32) -> Weights {
  return Weights(staged[at], staged[at + 1u]);
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

fn store(c: u32, at: u32, sum: vec4f) {
  if (c >= dims.channels) {  // guard
    return;
  }
  var value = sum;
  if (accumulate) {
    value += gradient[at];
  }
  if (gate) {
    value = select(value, vec4f(0.0), input[at] <= vec4f(0.0));
  }
  gradient[at] = value;
}

// Stores one pixel.
fn storePixel(c: u32, at: u32, plane: u32, sums: Sums) {
  store(c, at, sums.c0);
  store(c + 1u, at + plane, sums.c1);
  store(c + 2u, at + 2u * plane, sums.c2);
  store(c + 3u, at + 3u * plane, sums.c3);
  store(c + 4u, at + 4u * plane, sums.c4);
  store(c + 5u, at + 5u * plane, sums.c5);
  store(c + 6u, at + 6u * plane, sums.c6);
  store(c + 7u, at + 7u * plane, sums.c7);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let q = dims.batchQuads;
  let pairs = (dims.width + 1u) / 2u;
  // Invocations beyond the last pixel follow the last one to the barriers and store nothing.
  let count = dims.height * pairs * q;
  let place = min(group.x * 64u + local, count - 1u);
  let n = place % q;
  let j = place / q % pairs * 2u;
  let i = place / q / pairs;
  let c = group.y * 8u;
  let lastChannel = dims.channels - 1u;
  let pad = size / 2u;
  let taps = size * size;
  // Row (i + pad - ky) / stride of the output meets row ky of the kernel: only those that are whole and inside.
  let top = i + pad;
  let bottom = (dims.outputHeight - 1u) * stride;
  let firstRow = select(top % stride, top - bottom, top > bottom);
  let lastRow = min(size, top + 1u);
  let left = i32(j / stride) - i32(pad);
  let column0 = column(left);
  let column1 = column(left + 1);
  let column2 = column(left + 2);
  let column3 = column(left + 3);
  let outputRow = dims.outputWidth * q;
  let outputPlane = dims.outputHeight * outputRow;
  let zero = vec4f(0.0);
  var sums0 = Sums(zero, zero, zero, zero, zero, zero, zero, zero);
  var sums1 = sums0;
  for (var first = 0u; first < dims.outputs; first += 16u) {
    let outputs = min(16u, dims.outputs - first);
    // A block is one tap between four channels and four outputs: four vec4 along the outputs are loaded, which stand side by side
    // for neighbours, and four along the channels are left behind. Channels beyond the last are the last; they are not stored.
    for (var block = local; block < (outputs + 3u) / 4u * taps * 2u; block += 64u) {
      let quads = (outputs + 3u) / 4u;
      let quad = block % quads;
      let tap = block / quads % taps;
      let half = block / quads / taps;
      let begin = group.z * dims.parameterStride + dims.weight + tap * dims.outputQuads + first / 4u + quad;
      let step = taps * dims.outputQuads;
      let four = c + half * 4u;
      let w0 = parameters[begin + min(four, lastChannel) * step];
      let w1 = parameters[begin + min(four + 1u, lastChannel) * step];
      let w2 = parameters[begin + min(four + 2u, lastChannel) * step];
      let w3 = parameters[begin + min(four + 3u, lastChannel) * step];
      let to = (quad * 4u * taps + tap) * 2u + half;
      staged[to] = vec4f(w0.x, w1.x, w2.x, w3.x);
      staged[to + 2u * taps] = vec4f(w0.y, w1.y, w2.y, w3.y);
      staged[to + 4u * taps] = vec4f(w0.z, w1.z, w2.z, w3.z);
      staged[to + 6u * taps] = vec4f(w0.w, w1.w, w2.w, w3.w);
    }
    workgroupBarrier();
    var plane = group.z * dims.outputStride + first * outputPlane + n;
    for (var k = 0u; k < outputs; k++) {
      for (var ky = firstRow; ky < lastRow; ky += stride) {
        let row = plane + (top - ky) / stride * outputRow;
        let w = (k * taps + ky * size) * 2u;
        let w0 = weights(w);
        if (size == 3u) {
          let w1 = weights(w + 2u);
          let w2 = weights(w + 4u);
          let x1 = pixel(row, column1);
          let x2 = pixel(row, column2);
          if (stride == 1u) {
            let x0 = pixel(row, column0);
            let x3 = pixel(row, column3);
            sums0 = add(add(add(sums0, w0, x2), w1, x1), w2, x0);
            sums1 = add(add(add(sums1, w0, x3), w1, x2), w2, x1);
          } else {
            sums0 = add(sums0, w1, x1);
            sums1 = add(add(sums1, w0, x2), w2, x1);
          }
        } else {
          sums0 = add(sums0, w0, pixel(row, column0));
          if (stride == 1u) {
            sums1 = add(sums1, w0, pixel(row, column1));
          }
        }
      }
      plane += outputPlane;
    }
    workgroupBarrier();
  }
  if (group.x * 64u + local >= count) {  // guard
    return;
  }
  let inputPlane = dims.height * dims.width * q;
  let to = group.z * dims.inputStride + c * inputPlane + (i * dims.width + j) * q + n;
  storePixel(c, to, inputPlane, sums0);
  if (j + 1u < dims.width) {  // guard
    storePixel(c, to + q, inputPlane, sums1);
  }
}
