// Compact convolution, weight and bias gradient: Σ_y Σ_x Σ_n input[c][y·stride + ky − pad][x·stride + kx − pad][n] ·
// outputGradient[k][y][x][n] for each survivor (c, ky, kx, k), where what lies outside the image counts as zero, and bias[k] = Σ_y
// Σ_x Σ_n outputGradient[k][y][x][n]. The loss's 1 / batch is already in outputGradient.
//
// input           [R][C][H][W][N]  N padded to 8; padding lanes are finite, padding rows are not read
// outputGradient  [R][K][Y][X][N]  padding lanes are zero, padding rows are not read
// positions       [R][quads]       of each value: c · 16 + ky · 4 + kx, four values of one output to a quad: see
//                                  compact_convolution_forward.wgsl
// rowOf           [R][quads]       output of each quad
// mask            [R][arena]       one bit per parameter: 1 for survivors, 0 for padding
// gradient        [R][arena]       values at dims.weight, all quads of them; bias [K] at dims.bias, K padded to 4 with zeros
//
// Grid: flat over quads + K / 4 in 2-D, z = R: behind the quads stand those of the bias, of a layer that has one.
// Numerics: per pixel, rows and columns ascending, a sum over the images, ascending by vec4, is added to a running sum: fixed,
// whatever R is. Padding gets exact zeros, even where its sum would be NaN.
// Tile: one quad per invocation, and all do equal work; eight images of a pixel load 10 vec4 for 32
// multiply-adds. 64 → 64 channels at 32 × 32, batch 64, took 0.31 of the masked-dense kernel's processor time at 5 % and 0.59 at
// 10 %; with lanes along the batch, added up in workgroup memory, 0.8 to 1.6 times as long (lavapipe, Mesa 22.3, 2026-11-25).

struct Dims {
  quads: u32,  // of one replicate
  columns: u32,  // invocations along x
  height: u32,  // H and W of the input
  width: u32,
  outputWidth: u32,
  inputPlane: u32,  // vec4 of one channel of the input: H · W · N / 4
  inputStride: u32,  // vec4 of one replicate's input
  outputPlane: u32,  // vec4 of one channel of the output: Y · X · N / 4
  outputStride: u32,  // vec4 of one replicate's output
  outputs: u32,  // K
  biasQuads: u32,  // K / 4, padded, or 0 for a layer without bias
  batchQuads: u32,  // N / 4, even
  weight: u32,  // offsets and strides in vec4
  bias: u32,
  parameterStride: u32,
}

override size: u32 = 3;
override stride: u32 = 1;
override groupX: u32 = 8;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> positions: array<vec4u>;
@group(0) @binding(4) var<storage, read> rowOf: array<u32>;
@group(0) @binding(5) var<storage, read> mask: array<u32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<vec4f>;

// The four values at vec4 `at` of the arena: their mask bits never straddle a word.
fn kept(at: u32, value: vec4f) -> vec4f {
  let bits = (vec4u(mask[at >> 3u]) >> (vec4u((at & 7u) * 4u) + vec4u(0u, 1u, 2u, 3u))) & vec4u(1u);
  return select(vec4f(0.0), value, bits == vec4u(1u));
}

// Products of four images: four pixels of the input with one of the output gradient.
fn products(x: vec4u, n: u32, d: vec4f) -> vec4f {
  return vec4f(dot(input[x.x + n], d), dot(input[x.y + n], d), dot(input[x.z + n], d), dot(input[x.w + n], d));
}

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let quad = id.y * dims.columns + id.x;
  if (id.x >= dims.columns || quad >= dims.quads + dims.biasQuads) {  // guard
    return;
  }
  let q = dims.batchQuads;
  let base = id.z * dims.parameterStride;
  let planes = id.z * dims.outputStride;
  var sum = vec4f(0.0);
  if (quad < dims.quads) {
    let own = id.z * dims.quads + quad;
    let position = positions[own];
    let pad = vec4u(size / 2u);
    let plane = id.z * dims.inputStride + (position >> vec4u(4u)) * dims.inputPlane;
    let ky = ((position >> vec4u(2u)) & vec4u(3u)) - pad;
    let kx = (position & vec4u(3u)) - pad;
    var at = planes + rowOf[own] * dims.outputPlane;
    let end = at + dims.outputPlane;
    var y = 0u;
    var x = 0u;
    // Both loops are tested at their end: see convolution_forward.wgsl.
    loop {
      let i = ky + y * stride;
      let j = kx + x * stride;
      let inside = (i < vec4u(dims.height)) & (j < vec4u(dims.width));
      let pixel = min(i, vec4u(dims.height - 1u)) * dims.width + min(j, vec4u(dims.width - 1u));
      let first = plane + pixel * q;
      var images = vec4f(0.0);
      var n = 0u;
      loop {
        images += products(first, n, outputGradient[at + n]);
        images += products(first, n + 1u, outputGradient[at + n + 1u]);
        n += 2u;
        if (n >= q) {
          break;
        }
      }
      sum += select(vec4f(0.0), images, inside);
      x += 1u;
      let next = x == dims.outputWidth;
      x = select(x, 0u, next);
      y += select(0u, 1u, next);
      at += q;
      if (at >= end) {
        break;
      }
    }
    let to = base + dims.weight + quad;
    gradient[to] = kept(to, sum);
    return;
  }
  // Outputs beyond the last are replaced by the last, and not stored.
  let k = (quad - dims.quads) * 4u;
  let last = vec4u(dims.outputs - 1u - k);
  let lanes = vec4u(0u, 1u, 2u, 3u);
  var d = planes + k * dims.outputPlane + min(lanes, last) * dims.outputPlane;
  let end = d.x + dims.outputPlane;
  let ones = vec4f(1.0);
  loop {
    sum += vec4f(
      dot(ones, outputGradient[d.x]),
      dot(ones, outputGradient[d.y]),
      dot(ones, outputGradient[d.z]),
      dot(ones, outputGradient[d.w]),
    );
    d += vec4u(1u);
    if (d.x >= end) {
      break;
    }
  }
  gradient[base + dims.bias + k / 4u] = select(vec4f(0.0), sum, lanes <= last);
}
