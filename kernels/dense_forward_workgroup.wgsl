// Dense layer, forward, for graphics cards: output[o][n] = activation(bias[o] + Σ_i weight[i][o] · input[i][n]), i ascending.
//
// parameters  [R][arena]   weight [I][O] at dims.weight, O padded to 4; bias [O] at dims.bias
// input       [R][I][N]    batch innermost, N padded to 8, I padded to 4 (padding rows are not read)
// output      [R][O][N], O padded to 4; with `split` [R][parts][O][N], sums of dims.partInputs inputs each, without bias and
//             activation, which dense_forward_sum.wgsl adds up
//
// Grid: workgroups, x = N / 64 batch tiles, y = O / 16 output tiles of each part, z = R.
// Numerics: one running sum per output and part, inputs in ascending order, whatever N and R are. ReLU keeps NaN.
// Tile: a workgroup of 16 × 4 invocations computes 64 images × 16 outputs, each invocation 4 images × 4 outputs: few sums per
// invocation and many invocations, with neighbours at neighbouring vec4 of the batch. Sixteen inputs at a time lie in workgroup
// memory (5 KiB): one vec4 of weights and four of images loaded per invocation, for 256 multiply-adds of it. Inputs are split
// into parts until there are workgroups enough (src/nn/dense_workgroup.ts).

struct Dims {
  inputs: u32,
  inputRows: u32,  // rows of one replicate's input, padded to 4
  outputQuads: u32,  // O / 4, padded: the row length of the weights
  batchQuads: u32,  // N / 4: the row length of input and output
  weight: u32,  // all offsets and strides in vec4
  bias: u32,
  parameterStride: u32,
  outputTiles: u32,  // O / 16, rounded up
  partInputs: u32,
  parts: u32,  // 1 without `split`
}

override relu: bool = false;
override split: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(2) var<storage, read> input: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

var<workgroup> weights: array<vec4f, 64>;  // [16 inputs][4 vec4 of outputs]
var<workgroup> images: array<vec4f, 256>;  // [16 inputs][16 vec4 of images]

fn activate(sum: vec4f) -> vec4f {
  if (relu) {
    return select(sum, vec4f(0.0), sum < vec4f(0.0));
  }
  return sum;
}

@compute @workgroup_size(16, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let q = dims.batchQuads;
  let n = group.x * 16u + local.x;
  let firstQuad = group.y % dims.outputTiles * 4u;
  let part = group.y / dims.outputTiles;
  let o = firstQuad + local.y;
  let base = group.z * dims.parameterStride;
  // Which weight this invocation brings: four invocations side by side bring a row of the tile.
  let place = local.y * 16u + local.x;
  let ownInput = place / 4u;
  let ownQuad = firstQuad + place % 4u;
  var bias = vec4f(0.0);
  if (!split && o < dims.outputQuads) {  // guard
    bias = parameters[base + dims.bias + o];
  }
  var a0 = vec4f(bias.x);
  var a1 = vec4f(bias.y);
  var a2 = vec4f(bias.z);
  var a3 = vec4f(bias.w);
  let end = min((part + 1u) * dims.partInputs, dims.inputs);
  for (var first = part * dims.partInputs; first < end; first += 16u) {
    // What lies beyond the last input, output or image is zero; nothing of it is stored.
    var weight = vec4f(0.0);
    if (first + ownInput < end && ownQuad < dims.outputQuads) {  // guard
      weight = parameters[base + dims.weight + (first + ownInput) * dims.outputQuads + ownQuad];
    }
    weights[place] = weight;
    for (var row = local.y; row < 16u; row += 4u) {
      var image = vec4f(0.0);
      if (first + row < end && n < q) {  // guard
        image = input[(group.z * dims.inputRows + first + row) * q + n];
      }
      images[row * 16u + local.x] = image;
    }
    workgroupBarrier();
    for (var row = 0u; row < 16u; row++) {
      let w = weights[row * 4u + local.y];
      let x = images[row * 16u + local.x];
      a0 = fma(vec4f(w.x), x, a0);
      a1 = fma(vec4f(w.y), x, a1);
      a2 = fma(vec4f(w.z), x, a2);
      a3 = fma(vec4f(w.w), x, a3);
    }
    workgroupBarrier();
  }
  if (n >= q || o >= dims.outputQuads) {  // guard
    return;
  }
  let y = ((group.z * dims.parts + part) * dims.outputQuads + o) * 4u * q + n;
  output[y] = activate(a0);
  output[y + q] = activate(a1);
  output[y + 2u * q] = activate(a2);
  output[y + 3u * q] = activate(a3);
}
