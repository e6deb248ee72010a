// Dense layer, input gradient: gradient[i][n] = Σ_o weight[i][o] · outputGradient[o][n], o ascending by vec4;
// with `gate`, zero where the input (the output of a ReLU) is not positive.
//
// parameters      [R][arena]  weight [I][O] at dims.weight, O padded to 4 with zeros
// outputGradient  [R][O][N]   O padded to 4 with rows of zeros, N padded to 8
// input           [R][I][N]   the layer's input, for the gate
// gradient        [R][I][N]   rows beyond I are not written
//
// Grid: x = N / 8 batch tiles, y = I / 8 input tiles, z = R.
// Numerics: fixed order, whatever N and R are. The gate lets a gradient pass unless the input is <= 0, so NaN passes.
// Tile: 8 inputs × 8 images per invocation; a step of four outputs loads 16 vec4 for 256 multiply-adds.

struct Dims {
  inputs: u32,
  inputRows: u32,  // rows of one replicate's input, padded to 4
  outputQuads: u32,  // O / 4, padded
  batchQuads: u32,  // N / 4
  weight: u32,  // offsets and strides in vec4
  parameterStride: u32,
}

override gate: bool = false;
override groupX: u32 = 8;
override groupY: u32 = 2;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(2) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4f>;

fn store(row: u32, at: u32, low: vec4f, high: vec4f) {
  if (row >= dims.inputs) {  // guard
    return;
  }
  if (gate) {
    gradient[at] = select(low, vec4f(0.0), input[at] <= vec4f(0.0));
    gradient[at + 1u] = select(high, vec4f(0.0), input[at + 1u] <= vec4f(0.0));
  } else {
    gradient[at] = low;
    gradient[at + 1u] = high;
  }
}

@compute @workgroup_size(groupX, groupY)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n = id.x * 2u;
  let i = id.y * 8u;
  if (n >= dims.batchQuads || i >= dims.inputs) {  // guard
    return;
  }
  let q = dims.batchQuads;
  // Rows of weights beyond the last one are replaced by the last; their results are not stored.
  let last = dims.inputs - 1u;
  let w0 = id.z * dims.parameterStride + dims.weight + i * dims.outputQuads;
  let w1 = w0 + (min(i + 1u, last) - i) * dims.outputQuads;
  let w2 = w0 + (min(i + 2u, last) - i) * dims.outputQuads;
  let w3 = w0 + (min(i + 3u, last) - i) * dims.outputQuads;
  let w4 = w0 + (min(i + 4u, last) - i) * dims.outputQuads;
  let w5 = w0 + (min(i + 5u, last) - i) * dims.outputQuads;
  let w6 = w0 + (min(i + 6u, last) - i) * dims.outputQuads;
  let w7 = w0 + (min(i + 7u, last) - i) * dims.outputQuads;
  var d = id.z * dims.outputQuads * 4u * q + n;
  var a0 = vec4f(0.0);
  var a1 = vec4f(0.0);
  var a2 = vec4f(0.0);
  var a3 = vec4f(0.0);
  var a4 = vec4f(0.0);
  var a5 = vec4f(0.0);
  var a6 = vec4f(0.0);
  var a7 = vec4f(0.0);
  var b0 = vec4f(0.0);
  var b1 = vec4f(0.0);
  var b2 = vec4f(0.0);
  var b3 = vec4f(0.0);
  var b4 = vec4f(0.0);
  var b5 = vec4f(0.0);
  var b6 = vec4f(0.0);
  var b7 = vec4f(0.0);
  for (var o = 0u; o < dims.outputQuads; o++) {
    let c0 = outputGradient[d];
    let c1 = outputGradient[d + q];
    let c2 = outputGradient[d + 2u * q];
    let c3 = outputGradient[d + 3u * q];
    let d0 = outputGradient[d + 1u];
    let d1 = outputGradient[d + q + 1u];
    let d2 = outputGradient[d + 2u * q + 1u];
    let d3 = outputGradient[d + 3u * q + 1u];
    let v0 = parameters[w0 + o];
    a0 += v0.x * c0 + v0.y * c1 + v0.z * c2 + v0.w * c3;
    b0 += v0.x * d0 + v0.y * d1 + v0.z * d2 + v0.w * d3;
    let v1 = parameters[w1 + o];
    a1 += v1.x * c0 + v1.y * c1 + v1.z * c2 + v1.w * c3;
    b1 += v1.x * d0 + v1.y * d1 + v1.z * d2 + v1.w * d3;
    let v2 = parameters[w2 + o];
    a2 += v2.x * c0 + v2.y * c1 + v2.z * c2 + v2.w * c3;
    b2 += v2.x * d0 + v2.y * d1 + v2.z * d2 + v2.w * d3;
    let v3 = parameters[w3 + o];
    a3 += v3.x * c0 + v3.y * c1 + v3.z * c2 + v3.w * c3;
    b3 += v3.x * d0 + v3.y * d1 + v3.z * d2 + v3.w * d3;
    let v4 = parameters[w4 + o];
    a4 += v4.x * c0 + v4.y * c1 + v4.z * c2 + v4.w * c3;
    b4 += v4.x * d0 + v4.y * d1 + v4.z * d2 + v4.w * d3;
    let v5 = parameters[w5 + o];
    a5 += v5.x * c0 + v5.y * c1 + v5.z * c2 + v5.w * c3;
    b5 += v5.x * d0 + v5.y * d1 + v5.z * d2 + v5.w * d3;
    let v6 = parameters[w6 + o];
    a6 += v6.x * c0 + v6.y * c1 + v6.z * c2 + v6.w * c3;
    b6 += v6.x * d0 + v6.y * d1 + v6.z * d2 + v6.w * d3;
    let v7 = parameters[w7 + o];
    a7 += v7.x * c0 + v7.y * c1 + v7.z * c2 + v7.w * c3;
    b7 += v7.x * d0 + v7.y * d1 + v7.z * d2 + v7.w * d3;
    d += 4u * q;
  }
  let x = (id.z * dims.inputRows + i) * q + n;
  store(i, x, a0, b0);
  store(i + 1u, x + q, a1, b1);
  store(i + 2u, x + 2u * q, a2, b2);
  store(i + 3u, x + 3u * q, a3, b3);
  store(i + 4u, x + 4u * q, a4, b4);
  store(i + 5u, x + 5u * q, a5, b5);
  store(i + 6u, x + 6u * q, a6, b6);
  store(i + 7u, x + 7u * q, a7, b7);
}
