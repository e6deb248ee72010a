// Convolution, weight and bias gradient, for graphics cards: weight[c][ky][kx][k] = Σ_y Σ_x Σ_n input[c][y·stride + ky −
// pad][x·stride + kx − pad][n] · outputGradient[k][y][x][n], where what lies outside the image counts as zero, and bias[k] =
// Σ_y Σ_x Σ_n outputGradient[k][y][x][n]. The loss's 1 / batch is already in outputGradient.
//
// input           [R][C][H][W][N]  N padded to 8; padding lanes are finite, padding rows are not read
// outputGradient  [R][K][Y][X][N]  padding lanes are zero, padding rows are not read
// mask            [R][arena]       one bit per parameter, read with `masked` only
// gradient        [R][arena]       weight [C][ky][kx][K] at dims.weight, K padded to 4 with zeros; bias [K] at dims.bias.
//                                  Or partial sums [R][parts][C·ky·kx + 1][K], for sum_partials.wgsl
//
// Grid: workgroups, x = K / 32 output tiles · C·ky·kx / 32 tiles of weight rows, outputs fastest, y = parts, z = R. Each part
// sums its share of the pixels. The first tiles of weight rows sum the bias as well.
// Numerics: y, x, then n by vec4 ascending: a fixed order, whatever R is. With `masked`, the gradient of a pruned weight is
// exactly zero, even where it would be NaN; padding columns are zero. Pixels outside the image count as zeros that are
// multiplied, so an output gradient that is not finite gives NaN there.
// Tile: a workgroup of 64 invocations computes 32 rows of weights (a channel's tap each) × 32 outputs, each invocation 4 × 4.
// What is summed over lies in workgroup memory, eight vec4 at a time (8.25 KiB): those of one pixel's images stand side by side
// and are loaded by eight invocations side by side, eight vec4 per invocation for 512 multiply-adds of it. A layer with few
// tiles is split into parts by pixels (src/nn/convolution_workgroup.ts).

struct Dims {
  inputs: u32,  // rows of the weights: C · size²
  height: u32,  // H and W of the input
  width: u32,
  outputHeight: u32,  // Y and X
  outputWidth: u32,
  inputStride: u32,  // vec4 of one replicate's input
  outputStride: u32,  // vec4 of one replicate's output
  outputs: u32,  // K
  outputQuads: u32,  // K / 4, padded: the row length of the weights
  batchQuads: u32,  // N / 4
  parts: u32,
  biasTiles: u32,  // 1, or 0 for a layer without bias
  weight: u32,  // offsets and strides in vec4
  bias: u32,
  gradientStride: u32,  // from replicate to replicate and from part to part
}

override size: u32 = 3;
override stride: u32 = 1;
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

// A row of the weights: where its channel begins, and its tap's distance from the pixel of the output.
struct Row {
  plane: u32,
  dy: i32,
  dx: i32,
  exists: bool,
}

fn rowOf(i: u32) -> Row {
  let tap = i % (size * size);
  let pad = i32(size / 2u);
  return Row(
    i / (size * size) * dims.height * dims.width * dims.batchQuads,
    i32(tap / size) - pad,
    i32(tap % size) - pad,
    i < dims.inputs,
  );
}

// What a row of the weights meets at a pixel of the output: zeros outside the image.
fn image(row: Row, replicate: u32, y: u32, x: u32, n: u32) -> vec4f {
  let i = i32(y * stride) + row.dy;
  let j = i32(x * stride) + row.dx;
  if (!row.exists || i < 0 || j < 0 || i >= i32(dims.height) || j >= i32(dims.width)) {  // guard
    return vec4f(0.0);
  }
  return input[replicate * dims.inputStride + row.plane + (u32(i) * dims.width + u32(j)) * dims.batchQuads + n];
}

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

fn store(row: u32, at: u32, value: vec4f, real: vec4<bool>) {
  if (row < dims.inputs) {  // guard
    gradient[at] = kept(at, select(vec4f(0.0), value, real));
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let q = dims.batchQuads;
  let outputTiles = (dims.outputQuads + 7u) / 8u;
  let tile = group.x / outputTiles;
  let firstQuad = group.x % outputTiles * 8u;
  let part = group.y;
  // Rows of this invocation's sums, which it also brings, and their outputs.
  let own = local / 8u;
  let column = local % 8u;
  let i = tile * 32u + own * 4u;
  let o = firstQuad + column;
  let row0 = rowOf(i);
  let row1 = rowOf(i + 1u);
  let row2 = rowOf(i + 2u);
  let row3 = rowOf(i + 3u);
  // Outputs that it brings.
  let k = firstQuad * 4u + own * 4u;
  let outputPlane = dims.outputHeight * dims.outputWidth * q;
  let place = column * 33u + own;
  var a0 = vec4f(0.0);
  var a1 = vec4f(0.0);
  var a2 = vec4f(0.0);
  var a3 = vec4f(0.0);
  var bias = vec4f(0.0);
  let pixels = dims.outputHeight * dims.outputWidth;
  let end = (part + 1u) * pixels / dims.parts * q;
  for (var first = part * pixels / dims.parts * q; first < end; first += 8u) {
    let at = first + column;
    let inside = at < end;
    let n = at % q;
    let x = at / q % dims.outputWidth;
    let y = at / q / dims.outputWidth;
    // What lies beyond the last pixel, row or output is zero; nothing of it is stored.
    var x0 = vec4f(0.0);
    var x1 = vec4f(0.0);
    var x2 = vec4f(0.0);
    var x3 = vec4f(0.0);
    if (inside) {  // guard
      x0 = image(row0, group.z, y, x, n);
      x1 = image(row1, group.z, y, x, n);
      x2 = image(row2, group.z, y, x, n);
      x3 = image(row3, group.z, y, x, n);
    }
    images[place] = x0;
    images[place + 8u] = x1;
    images[place + 16u] = x2;
    images[place + 24u] = x3;
    for (var row = 0u; row < 4u; row++) {
      var value = vec4f(0.0);
      if (inside && k + row < dims.outputs) {  // guard
        value = outputGradient[group.z * dims.outputStride + (k + row) * outputPlane + at];
      }
      gradients[place + row * 8u] = value;
    }
    workgroupBarrier();
    for (var p = 0u; p < 264u; p += 33u) {
      let d0 = gradients[p + column];
      let d1 = gradients[p + column + 8u];
      let d2 = gradients[p + column + 16u];
      let d3 = gradients[p + column + 24u];
      a0 += products(images[p + own], d0, d1, d2, d3);
      a1 += products(images[p + own + 8u], d0, d1, d2, d3);
      a2 += products(images[p + own + 16u], d0, d1, d2, d3);
      a3 += products(images[p + own + 24u], d0, d1, d2, d3);
      if (tile < dims.biasTiles) {
        bias += products(vec4f(1.0), d0, d1, d2, d3);
      }
    }
    workgroupBarrier();
  }
  if (o >= dims.outputQuads) {  // guard
    return;
  }
  let real = vec4u(0u, 1u, 2u, 3u) + vec4u(o * 4u) < vec4u(dims.outputs);
  let base = (group.z * dims.parts + part) * dims.gradientStride;
  let w = base + dims.weight + i * dims.outputQuads + o;
  store(i, w, a0, real);
  store(i + 1u, w + dims.outputQuads, a1, real);
  store(i + 2u, w + 2u * dims.outputQuads, a2, real);
  store(i + 3u, w + 3u * dims.outputQuads, a3, real);
  if (tile < dims.biasTiles && own == 0u) {
    gradient[base + dims.bias + o] = select(vec4f(0.0), bias, real);
  }
}
