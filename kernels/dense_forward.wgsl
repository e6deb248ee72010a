// Dense layer, forward: output[o][n] = activation(bias[o] + Σ_i weight[i][o] · input[i][n]), i ascending.
//
// parameters  [R][arena]   weight [I][O] at dims.weight, O padded to 4; bias [O] at dims.bias
// input       [R][I][N]    batch innermost, N padded to 8, I padded to 4 (padding rows are not read)
// output      [R][O][N], O padded to 4; with `split` [R][parts][O][N], sums of dims.partInputs inputs each, without bias and
//             activation, which dense_forward_sum.wgsl adds up
//
// Grid: x = N / 8 batch tiles, y = O / 8 output tiles of each part, z = R.
// Numerics: one running sum per output and part, inputs in ascending order, whatever N and R are. ReLU keeps NaN.
// Tile: 8 outputs × 8 images per invocation, 64 sums in registers, every load a vec4: a vec4 of weights serves eight
// images and a vec4 of images eight outputs, 4 loads for 64 multiply-adds.

struct Dims {
  inputs: u32,
  inputRows: u32,  // rows of one replicate's input, padded to 4
  outputQuads: u32,  // O / 4, padded: the row length of the weights
  batchQuads: u32,  // N / 4: the row length of input and output
  weight: u32,  // all offsets and strides in vec4
  bias: u32,
  parameterStride: u32,
  outputTiles: u32,  // O / 8, rounded up
  partInputs: u32,
  parts: u32,  // 1 without `split`
}

override relu: bool = false;
override split: bool = false;
override groupX: u32 = 8;
override groupY: u32 = 2;

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

@compute @workgroup_size(groupX, groupY)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n = id.x * 2u;
  let o = (id.y % dims.outputTiles) * 2u;
  let part = id.y / dims.outputTiles;
  if (n >= dims.batchQuads || part >= dims.parts) {  // guard
    return;
  }
  let base = id.z * dims.parameterStride;
  // A last tile of only four outputs loads the other four from where they exist and does not store them.
  let second = select(0u, 1u, o + 1u < dims.outputQuads);
  var bias0 = vec4f(0.0);
  var bias1 = vec4f(0.0);
  if (!split) {
    bias0 = parameters[base + dims.bias + o];
    bias1 = parameters[base + dims.bias + o + second];
  }
  var a0 = vec4f(bias0.x);
  var a1 = vec4f(bias0.y);
  var a2 = vec4f(bias0.z);
  var a3 = vec4f(bias0.w);
  var a4 = vec4f(bias1.x);
  var a5 = vec4f(bias1.y);
  var a6 = vec4f(bias1.z);
  var a7 = vec4f(bias1.w);
  var b0 = a0;
  var b1 = a1;
  var b2 = a2;
  var b3 = a3;
  var b4 = a4;
  var b5 = a5;
  var b6 = a6;
  var b7 = a7;
  let first = part * dims.partInputs;
  var w = base + dims.weight + first * dims.outputQuads + o;
  var x = (id.z * dims.inputRows + first) * dims.batchQuads + n;
  // Bounded by a place in the input and not by a count: a loop that a uniform alone bounds is unrolled by lavapipe (Mesa 22.3)
  // when it is short, by compiling the kernel anew at every change of pipeline: 4 ms and 400 kB that it never frees, for 2 to 5
  // inputs (2026-11-24).
  let end = x + min(dims.partInputs, dims.inputs - first) * dims.batchQuads;
  while (x < end) {
    let w0 = parameters[w];
    let w1 = parameters[w + second];
    let x0 = input[x];
    let x1 = input[x + 1u];
    a0 += w0.x * x0;
    a1 += w0.y * x0;
    a2 += w0.z * x0;
    a3 += w0.w * x0;
    a4 += w1.x * x0;
    a5 += w1.y * x0;
    a6 += w1.z * x0;
    a7 += w1.w * x0;
    b0 += w0.x * x1;
    b1 += w0.y * x1;
    b2 += w0.z * x1;
    b3 += w0.w * x1;
    b4 += w1.x * x1;
    b5 += w1.y * x1;
    b6 += w1.z * x1;
    b7 += w1.w * x1;
    w += dims.outputQuads;
    x += dims.batchQuads;
  }
  let q = dims.batchQuads;
  let y = ((id.z * dims.parts + part) * dims.outputQuads + o) * 4u * q + n;
  output[y] = activate(a0);
  output[y + 1u] = activate(b0);
  output[y + q] = activate(a1);
  output[y + q + 1u] = activate(b1);
  output[y + 2u * q] = activate(a2);
  output[y + 2u * q + 1u] = activate(b2);
  output[y + 3u * q] = activate(a3);
  output[y + 3u * q + 1u] = activate(b3);
  if (second == 0u) {  // guard
    return;
  }
  output[y + 4u * q] = activate(a4);
  output[y + 4u * q + 1u] = activate(b4);
  output[y + 5u * q] = activate(a5);
  output[y + 5u * q + 1u] = activate(b5);
  output[y + 6u * q] = activate(a6);
  output[y + 6u * q + 1u] = activate(b6);
  output[y + 7u * q] = activate(a7);
  output[y + 7u * q + 1u] = activate(b7);
}
