// Dense layer, input gradient, for graphics cards: gradient[i][n] = Σ_o weight[i][o] · outputGradient[o][n], o ascending;
// with `gate`, zero where the input (the output of a ReLU) is not positive.
//
// parameters      [R][arena]  weight [I][O] at dims.weight, O padded to 4 with zeros
// outputGradient  [R][O][N]   O padded to 4 with rows of zeros, N padded to 8
// input           [R][I][N]   the layer's input, for the gate
// gradient        [R][I][N], rows beyond I are not written; with `split` [R][parts][I][N], sums of dims.partQuads · 4 outputs
//                 each, not gated, which dense_input_gradient_sum.wgsl adds up
//
// Grid: workgroups, x = N / 64 batch tiles, y = I / 16 input tiles of each part, z = R.
// Numerics: one running sum per value and part, outputs in ascending order, whatever N and R are. The gate lets a gradient pass
// unless the input is <= 0, so NaN passes.
// Tile: a workgroup of 16 × 4 invocations computes 64 images × 16 inputs, each invocation 4 images × 4 inputs, as in
// dense_forward_workgroup.wgsl. Sixteen outputs at a time lie in workgroup memory (5 KiB).

struct Dims {
  inputs: u32,
  inputRows: u32,  // rows of one replicate's input, padded to 4
  outputQuads: u32,  // O / 4, padded
  batchQuads: u32,  // N / 4
  weight: u32,  // offsets and strides in vec4
  parameterStride: u32,
  inputTiles: u32,  // I / 16, rounded up
  partQuads: u32,
  parts: u32,  // 1 without `split`
}

override gate: bool = false;
override split: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(2) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4f>;

var<workgroup> weights: array<vec4f, 64>;  // [16 inputs][4 vec4 of outputs]
var<workgroup> gradients: array<vec4f, 256>;  // [16 outputs][16 vec4 of images]

// Adds what four outputs give to one input.
fn products(sum: vec4f, w: vec4f, d0: vec4f, d1: vec4f, d2: vec4f, d3: vec4f) -> vec4f {
  return fma(vec4f(w.w), d3, fma(vec4f(w.z), d2, fma(vec4f(w.y), d1, fma(vec4f(w.x), d0, sum))));
}

fn store(part: u32, replicate: u32, row: u32, n: u32, value: vec4f) {
  if (row >= dims.inputs) {  // guard
    return;
  }
  let at = ((replicate * dims.parts + part) * dims.inputRows + row) * dims.batchQuads + n;
  if (gate && !split) {
    gradient[at] = select(value, vec4f(0.0), input[at] <= vec4f(0.0));
  } else {
    gradient[at] = value;
  }
}

@compute @workgroup_size(16, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let q = dims.batchQuads;
  let n = group.x * 16u + local.x;
  let firstInput = group.y % dims.inputTiles * 16u;
  let part = group.y / dims.inputTiles;
  // Which weights this invocation brings: four invocations side by side bring a row of the tile.
  let place = local.y * 16u + local.x;
  let ownInput = firstInput + place / 4u;
  let ownQuad = place % 4u;
  let w0 = group.z * dims.parameterStride + dims.weight + ownInput * dims.outputQuads;
  let own = local.y * 16u;
  var a0 = vec4f(0.0);
  var a1 = vec4f(0.0);
  var a2 = vec4f(0.0);
  var a3 = vec4f(0.0);
  let end = min((part + 1u) * dims.partQuads, dims.outputQuads);
  for (var first = part * dims.partQuads; first < end; first += 4u) {
    // What lies beyond the last input, output or image is zero; nothing of it is stored.
    var weight = vec4f(0.0);
    if (ownInput < dims.inputs && first + ownQuad < end) {  // guard
      weight = parameters[w0 + first + ownQuad];
    }
    weights[place] = weight;
    for (var row = local.y; row < 16u; row += 4u) {
      var value = vec4f(0.0);
      if (first + row / 4u < end && n < q) {  // guard
        value = outputGradient[((group.z * dims.outputQuads + first) * 4u + row) * q + n];
      }
      gradients[row * 16u + local.x] = value;
    }
    workgroupBarrier();
    for (var quad = 0u; quad < 4u; quad++) {
      let d = quad * 64u + local.x;
      let d0 = gradients[d];
      let d1 = gradients[d + 16u];
      let d2 = gradients[d + 32u];
      let d3 = gradients[d + 48u];
      a0 = products(a0, weights[own + quad], d0, d1, d2, d3);
      a1 = products(a1, weights[own + 4u + quad], d0, d1, d2, d3);
      a2 = products(a2, weights[own + 8u + quad], d0, d1, d2, d3);
      a3 = products(a3, weights[own + 12u + quad], d0, d1, d2, d3);
    }
    workgroupBarrier();
  }
  if (n >= q) {  // guard
    return;
  }
  let i = firstInput + local.y * 4u;
  store(part, group.z, i, n, a0);
  store(part, group.z, i + 1u, n, a1);
  store(part, group.z, i + 2u, n, a2);
  store(part, group.z, i + 3u, n, a3);
}
