// Dense layer, weight and bias gradient, for graphics cards: weight[i][o] = Σ_n input[i][n] · outputGradient[o][n], and
// bias[o] = Σ_n outputGradient[o][n]; n ascending by vec4. The loss's 1 / batch is already in outputGradient.
//
// input           [R][I][N]   N padded to 8; padding lanes are finite, rows beyond I are not read
// outputGradient  [R][O][N]   O padded to 4 with rows of zeros; padding lanes are zero
// mask            [R][arena]  one bit per parameter, read with `masked` only
// gradient        [R][arena]  weight [I][O] at dims.weight, bias [O] at dims.bias
//
// Grid: workgroups, x = O / 32 output tiles, y = I / 32 input tiles, z = R. The first row of tiles sums the bias as well.
// Numerics: fixed order. With `masked`, the gradient of a pruned weight is exactly zero, even where it would be NaN.
// Tile: a workgroup of 64 invocations computes 32 inputs × 32 outputs, each invocation 4 × 4. The batch is what is summed over,
// so 32 images at a time lie in workgroup memory (8.25 KiB), eight vec4 of a row side by side loaded by eight invocations side
// by side: eight vec4 loaded per invocation, for 512 multiply-adds of it.

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

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> mask: array<u32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4f>;

// [8 vec4 of images][33]: row 4 · a + b of the tile at place a + 8 · b, so that what neighbours read lies side by side; the 33rd
// place is empty and keeps what neighbours write in different banks.
var<workgroup> images: array<vec4f, 264>;
var<workgroup> gradients: array<vec4f, 264>;

// The four weights at vec4 `at` of the arena: their mask bits never straddle a word.
fn kept(at: u32, value: vec4f) -> vec4f {
  if (masked) {
    let bits = (vec4u(mask[at >> 3u]) >> (vec4u((at & 7u) * 4u) + vec4u(0u, 1u, 2u, 3u))) & vec4u(1u);
    return select(vec4f(0.0), value, bits == vec4u(1u));
  }
  return value;
}

fn products(x: vec4f, d0: vec4f, d1: vec4f, d2: vec4f, d3: vec4f) -> vec4f {
  return vec4f(dot(x, d0), dot(x, d1), dot(x, d2), dot(x, d3));
}

fn store(row: u32, at: u32, value: vec4f) {
  if (row < dims.inputs) {  // guard
    gradient[at] = kept(at, value);
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let q = dims.batchQuads;
  // Inputs of this invocation's sums and their outputs.
  let own = local.x / 8u;
  let column = local.x % 8u;
  let i = group.y * 32u + own * 4u;
  let o = group.x * 8u + column;
  // Which four rows of inputs and of outputs it brings, at which vec4 of images.
  let broughtOutput = group.x * 32u + own * 4u;
  let place = column * 33u + own;
  var a0 = vec4f(0.0);
  var a1 = vec4f(0.0);
  var a2 = vec4f(0.0);
  var a3 = vec4f(0.0);
  var bias = vec4f(0.0);
  for (var first = 0u; first < q; first += 8u) {
    let n = first + column;
    for (var row = 0u; row < 4u; row++) {
      // What lies beyond the last input, output or image is zero; nothing of it is stored.
      var image = vec4f(0.0);
      if (i + row < dims.inputs && n < q) {  // guard
        image = input[(group.z * dims.inputRows + i + row) * q + n];
      }
      images[place + row * 8u] = image;
      var value = vec4f(0.0);
      if (broughtOutput + row < dims.outputQuads * 4u && n < q) {  // guard
        value = outputGradient[(group.z * dims.outputQuads * 4u + broughtOutput + row) * q + n];
      }
      gradients[place + row * 8u] = value;
    }
    workgroupBarrier();
    for (var at = 0u; at < 264u; at += 33u) {
      let d0 = gradients[at + column];
      let d1 = gradients[at + column + 8u];
      let d2 = gradients[at + column + 16u];
      let d3 = gradients[at + column + 24u];
      a0 += products(images[at + own], d0, d1, d2, d3);
      a1 += products(images[at + own + 8u], d0, d1, d2, d3);
      a2 += products(images[at + own + 16u], d0, d1, d2, d3);
      a3 += products(images[at + own + 24u], d0, d1, d2, d3);
      if (group.y == 0u) {
        bias += products(vec4f(1.0), d0, d1, d2, d3);
      }
    }
    workgroupBarrier();
  }
  if (o >= dims.outputQuads) {  // guard
    return;
  }
  let base = group.z * dims.parameterStride;
  let w = base + dims.weight + i * dims.outputQuads + o;
  store(i, w, a0);
  store(i + 1u, w + dims.outputQuads, a1);
  store(i + 2u, w + 2u * dims.outputQuads, a2);
  store(i + 3u, w + 3u * dims.outputQuads, a3);
  if (group.y == 0u && own == 0u) {
    gradient[base + dims.bias + o] = bias;
  }
}
