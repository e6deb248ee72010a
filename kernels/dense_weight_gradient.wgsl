// Dense layer, weight and bias gradient: weight[i][o] = Σ_n input[i][n] · outputGradient[o][n], and
// bias[o] = Σ_n outputGradient[o][n]; n ascending by vec4. The loss's 1 / batch is already in outputGradient.
//
// input           [R][I][N]   N padded to 8; padding lanes are finite, rows beyond I are not read
// outputGradient  [R][O][N]   O padded to 4 with rows of zeros; padding lanes are zero
// mask            [R][arena]  one bit per parameter, read with `masked` only
// gradient        [R][arena]  weight [I][O] at dims.weight, bias [O] at dims.bias
//
// Grid: x = O / 8 output tiles, y = I / 8 input tiles, z = R. The first row of tiles sums the bias as well.
// Numerics: fixed order. With `masked`, the gradient of a pruned weight is exactly zero, even where it would be NaN.
// Tile: 8 inputs × 8 outputs per invocation, 64 sums in registers; four images load 16 vec4 for 256 multiply-adds.

struct Dims {
  inputs: u32,
  inputRows: u32,  // rows of one replicate's input, padded to 4
  outputQuads: u32,  // O / 4, padded
  batchQuads: u32,  // N / 4
  weight: u32,  // offsets and strides in vec4
  bias: u32,
  parameterStride: u32,
}

override masked: bool = true;
override groupX: u32 = 8;
override groupY: u32 = 2;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> mask: array<u32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4f>;

// The four weights at vec4 `at` of the arena: their mask bits never straddle a word.
fn kept(at: u32, value: vec4f) -> vec4f {
  if (masked) {
    let bits = (vec4u(mask[at >> 3u]) >> (vec4u((at & 7u) * 4u) + vec4u(0u, 1u, 2u, 3u))) & vec4u(1u);
    return select(vec4f(0.0), value, bits == vec4u(1u));
  }
  return value;
}

fn products(x: vec4f, c0: vec4f, c1: vec4f, c2: vec4f, c3: vec4f) -> vec4f {
  return vec4f(dot(x, c0), dot(x, c1), dot(x, c2), dot(x, c3));
}

@compute @workgroup_size(groupX, groupY)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let o = id.x * 2u;
  let i = id.y * 8u;
  if (o >= dims.outputQuads || i >= dims.inputs) {  // guard
    return;
  }
  let q = dims.batchQuads;
  let base = id.z * dims.parameterStride;
  // A last tile of only four outputs computes them twice and stores them once.
  let second = select(0u, 1u, o + 1u < dims.outputQuads);
  let d0 = (id.z * dims.outputQuads + o) * 4u * q;
  let e0 = d0 + second * 4u * q;
  let last = dims.inputs - 1u;
  let x0 = (id.z * dims.inputRows + i) * q;
  let x1 = x0 + (min(i + 1u, last) - i) * q;
  let x2 = x0 + (min(i + 2u, last) - i) * q;
  let x3 = x0 + (min(i + 3u, last) - i) * q;
  let x4 = x0 + (min(i + 4u, last) - i) * q;
  let x5 = x0 + (min(i + 5u, last) - i) * q;
  let x6 = x0 + (min(i + 6u, last) - i) * q;
  let x7 = x0 + (min(i + 7u, last) - i) * q;
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
  for (var n = 0u; n < q; n++) {
    let c0 = outputGradient[d0 + n];
    let c1 = outputGradient[d0 + q + n];
    let c2 = outputGradient[d0 + 2u * q + n];
    let c3 = outputGradient[d0 + 3u * q + n];
    let f0 = outputGradient[e0 + n];
    let f1 = outputGradient[e0 + q + n];
    let f2 = outputGradient[e0 + 2u * q + n];
    let f3 = outputGradient[e0 + 3u * q + n];
    let v0 = input[x0 + n];
    a0 += products(v0, c0, c1, c2, c3);
    b0 += products(v0, f0, f1, f2, f3);
    let v1 = input[x1 + n];
    a1 += products(v1, c0, c1, c2, c3);
    b1 += products(v1, f0, f1, f2, f3);
    let v2 = input[x2 + n];
    a2 += products(v2, c0, c1, c2, c3);
    b2 += products(v2, f0, f1, f2, f3);
    let v3 = input[x3 + n];
    a3 += products(v3, c0, c1, c2, c3);
    b3 += products(v3, f0, f1, f2, f3);
    let v4 = input[x4 + n];
    a4 += products(v4, c0, c1, c2, c3);
    b4 += products(v4, f0, f1, f2, f3);
    let v5 = input[x5 + n];
    a5 += products(v5, c0, c1, c2, c3);
    b5 += products(v5, f0, f1, f2, f3);
    let v6 = input[x6 + n];
    a6 += products(v6, c0, c1, c2, c3);
    b6 += products(v6, f0, f1, f2, f3);
    let v7 = input[x7 + n];
    a7 += products(v7, c0, c1, c2, c3);
    b7 += products(v7, f0, f1, f2, f3);
  }
  let w = base + dims.weight + i * dims.outputQuads + o;
  gradient[w] = kept(w, a0);
  gradient[w + second] = kept(w + second, select(a0, b0, second == 1u));
  if (i + 1u < dims.inputs) {  // guard
    gradient[w + dims.outputQuads] = kept(w + dims.outputQuads, a1);
    gradient[w + dims.outputQuads + second] = kept(w + dims.outputQuads + second, select(a1, b1, second == 1u));
  }
  if (i + 2u < dims.inputs) {  // guard
    gradient[w + 2u * dims.outputQuads] = kept(w + 2u * dims.outputQuads, a2);
    gradient[w + 2u * dims.outputQuads + second] = kept(w + 2u * dims.outputQuads + second, select(a2, b2, second == 1u));
  }
  if (i + 3u < dims.inputs) {  // guard
    gradient[w + 3u * dims.outputQuads] = kept(w + 3u * dims.outputQuads, a3);
    gradient[w + 3u * dims.outputQuads + second] = kept(w + 3u * dims.outputQuads + second, select(a3, b3, second == 1u));
  }
  if (i + 4u < dims.inputs) {  // guard
    gradient[w + 4u * dims.outputQuads] = kept(w + 4u * dims.outputQuads, a4);
    gradient[w + 4u * dims.outputQuads + second] = kept(w + 4u * dims.outputQuads + second, select(a4, b4, second == 1u));
  }
  if (i + 5u < dims.inputs) {  // guard
    gradient[w + 5u * dims.outputQuads] = kept(w + 5u * dims.outputQuads, a5);
    gradient[w + 5u * dims.outputQuads + second] = kept(w + 5u * dims.outputQuads + second, select(a5, b5, second == 1u));
  }
  if (i + 6u < dims.inputs) {  // guard
    gradient[w + 6u * dims.outputQuads] = kept(w + 6u * dims.outputQuads, a6);
    gradient[w + 6u * dims.outputQuads + second] = kept(w + 6u * dims.outputQuads + second, select(a6, b6, second == 1u));
  }
  if (i + 7u < dims.inputs) {  // guard
    gradient[w + 7u * dims.outputQuads] = kept(w + 7u * dims.outputQuads, a7);
    gradient[w + 7u * dims.outputQuads + second] = kept(w + 7u * dims.outputQuads + second, select(a7, b7, second == 1u));
  }
  if (i > 0u) {
    return;
  }
  let ones = vec4f(1.0);
  var low = vec4f(0.0);
  var high = vec4f(0.0);
  for (var n = 0u; n < q; n++) {
    low += products(
      ones,
      outputGradient[d0 + n],
      outputGradient[d0 + q + n],
      outputGradient[d0 + 2u * q + n],
      outputGradient[d0 + 3u * q + n],
    );
    high += products(
      ones,
      outputGradient[e0 + n],
      outputGradient[e0 + q + n],
      outputGradient[e0 + 2u * q + n],
      outputGradient[e0 + 3u * q + n],
    );
  }
  gradient[base + dims.bias + o] = low;
  gradient[base + dims.bias + o + second] = select(low, high, second == 1u);
}
