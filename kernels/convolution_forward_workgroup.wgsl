// Convolution, forward, for graphics cards: output[k][y][x][n] =
// activation(bias[k] + Σ_c Σ_ky Σ_kx weight[c][ky][kx][k] · input[c][y·stride + ky − pad][x·stride + kx − pad][n]), in that
// order of summation. "Same" padding: pad is 1 for a kernel of 3 × 3 and 0 for 1 × 1, and taps outside the image are left out.
//
// parameters  [R][arena]       weight [C][ky][kx][K] at dims.weight, K padded to 4; bias [K] at dims.bias
// input       [R][C][H][W][N]  N padded to 8; C·H·W rows, padded to 4 (padding rows are not read)
// output      [R][K][Y][X][N]  Y = ⌈H / stride⌉ rows, X = ⌈W / stride⌉ columns; padding rows are not written
//
// Grid: workgroups, x = (N / 4 · Y · (X / 2)) / 64, the batch fastest, y = K / 8 output tiles, z = R.
// Numerics: one running sum per output value, whatever N and R are. Columns outside the image count as zeros that are
// multiplied, so a weight that is not finite gives NaN there. ReLU keeps NaN.
// Tile: 2 pixels of a row × 8 outputs × 4 images per invocation, 16 vec4 of sums; neighbours have neighbouring vec4 of the batch,
// then the next pixels. All invocations of a workgroup share the weights, which lie in workgroup memory for sixteen channels at
// a time (4.5 KiB). A row of the kernel loads 4 vec4 of pixels for 48 vec4 multiply-adds.

struct Dims {
  height: u32,  // H and W of the input
  width: u32,
  outputHeight: u32,
  outputWidth: u32,
  channels: u32,  // C
  inputStride: u32,  // vec4 of one replicate's input
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

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(2) var<storage, read> input: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

var<workgroup> staged: array<vec4f, 288>;  // [16 channels][ky][kx][2 vec4 of outputs]

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

// A column of the input: its offset in a row, clamped instead of branched over, so that lanes stay together.
struct Column {
  offset: u32,
  inside: bool,
}

fn column(at: i32) -> Column {
  return Column(u32(clamp(at, 0, i32(dims.width) - 1)) * dims.batchQuads, at >= 0 && at < i32(dims.width));
}

// The pixel in a column of the row that begins at vec4 `row`; zeros outside the image.
fn pixel(row: u32, x: Column) -> vec4f {
  return select(vec4f(0.0), input[row + x.offset], x.inside);
}

fn weights(at: u32) -> Weights {
  return Weights(staged[at], staged[at + 1u]);
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

// Stores four images of one output value.
fn store(k: u32, at: u32, sum: vec4f) {
  if (k >= dims.outputs) {  // guard
    return;
  }
  if (relu) {
    output[at] = select(sum, vec4f(0.0), sum < vec4f(0.0));
  } else {
    output[at] = sum;
  }
}

// Stores one pixel.
fn storePixel(k: u32, at: u32, plane: u32, sums: Sums) {
  store(k, at, sums.k0);
  store(k + 1u, at + plane, sums.k1);
  store(k + 2u, at + 2u * plane, sums.k2);
  store(k + 3u, at + 3u * plane, sums.k3);
  store(k + 4u, at + 4u * plane, sums.k4);
  store(k + 5u, at + 5u * plane, sums.k5);
  store(k + 6u, at + 6u * plane, sums.k6);
  store(k + 7u, at + 7u * plane, sums.k7);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let q = dims.batchQuads;
  let pairs = (dims.outputWidth + 1u) / 2u;
  // Invocations beyond the last pixel follow the last one to the barriers and store nothing.
  let count = dims.outputHeight * pairs * q;
  let place = min(group.x * 64u + local, count - 1u);
  let n = place % q;
  let x = place / q % pairs * 2u;
  let y = place / q / pairs;
  let o = group.y * 2u;
  let base = group.z * dims.parameterStride;
  let second = select(0u, 1u, o + 1u < dims.outputQuads);
  let low = parameters[base + dims.bias + o];
  let high = parameters[base + dims.bias + o + second];
  var sums0 = Sums(
    vec4f(low.x),
    vec4f(low.y),
    vec4f(low.z),
    vec4f(low.w),
    vec4f(high.x),
    vec4f(high.y),
    vec4f(high.z),
    vec4f(high.w),
  );
  var sums1 = sums0;
  let pad = size / 2u;
  let taps = size * size;
  // Rows of the kernel that lie inside the image.
  let firstRow = select(0u, 1u, y * stride < pad);
  let lastRow = min(size, dims.height + pad - y * stride);
  let left = i32(x * stride) - i32(pad);
  let column0 = column(left);
  let column1 = column(left + 1);
  let column2 = column(left + 2);
  let column3 = column(left + 3);
  let column4 = column(left + 4);
  let inputRow = dims.width * q;
  let inputPlane = dims.height * inputRow;
  for (var first = 0u; first < dims.channels; first += 16u) {
    let channels = min(16u, dims.channels - first);
    let begin = base + dims.weight + first * taps * dims.outputQuads + o;
    // Where the last tile has only four outputs, the weights of the other four are the same again and their sums not stored.
    for (var at = local; at < channels * taps * 2u; at += 64u) {
      staged[at] = parameters[begin + at / 2u * dims.outputQuads + at % 2u * second];
    }
    workgroupBarrier();
    var plane = group.z * dims.inputStride + first * inputPlane + n;
    for (var c = 0u; c < channels; c++) {
      for (var ky = firstRow; ky < lastRow; ky++) {
        let row = plane + (y * stride + ky - pad) * inputRow;
        let w = (c * taps + ky * size) * 2u;
        let x0 = pixel(row, column0);
        if (size == 3u) {
          let w0 = weights(w);
          let w1 = weights(w + 2u);
          let w2 = weights(w + 4u);
          let x1 = pixel(row, column1);
          let x2 = pixel(row, column2);
          let x3 = pixel(row, column3);
          sums0 = add(add(add(sums0, w0, x0), w1, x1), w2, x2);
          if (stride == 1u) {
            sums1 = add(add(add(sums1, w0, x1), w1, x2), w2, x3);
          } else {
            sums1 = add(add(add(sums1, w0, x2), w1, x3), w2, pixel(row, column4));
          }
        } else {
          let w0 = weights(w);
          sums0 = add(sums0, w0, x0);
          if (stride == 1u) {
            sums1 = add(sums1, w0, pixel(row, column1));
          } else {
            sums1 = add(sums1, w0, pixel(row, column2));
          }
        }
      }
      plane += inputPlane;
    }
    workgroupBarrier();
  }
  if (group.x * 64u + local >= count) {  // guard
    return;
  }
  let outputPlane = dims.outputHeight * dims.outputWidth * q;
  let k = o * 4u;
  let to = group.z * dims.outputStride + k * outputPlane + (y * dims.outputWidth + x) * q + n;
  storePixel(k, to, outputPlane, sums0);
  if (x + 1u < dims.outputWidth) {  // guard
    storePixel(k, to + q, outputPlane, sums1);
  }
}
