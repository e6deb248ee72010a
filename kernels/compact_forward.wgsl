// Compact dense layer, forward: output[o][n] = activation(bias[o] + Σ value · input[position][n]) over the survivors of row o,
// inputs ascending.
//
// parameters  [R][arena]   values at dims.weight: output rows one after the other, inputs ascending, each row padded with
//             zeros to whole vec4 ("quads"); bias [O] at dims.bias, O padded to 4 with zeros
// rows        [R][O + 1]   first quad of each row, and where the last one ends
// positions   [R][quads]   input of each value; 0 for padding
// input       [R][I][N]    batch innermost, N padded to 8, I padded to 4 (padding rows are not read)
// output      [R][O][N], O padded to 4: rows beyond O become activation(0)
//
// Grid: x = N / 8 batch tiles, y = O padded to 4, z = R.
// Numerics: one running sum per output, the bias first, whatever N and R are: for finite inputs the bits that dense_forward.wgsl
// gives without `split` where pruned weights are zero (but a sum of nothing keeps a bias of −0, which adding zeros makes +0).
// Padding multiplies input 0 by zero, so what is not finite there reaches rows with padding, as it reaches all rows of the dense
// kernel. ReLU keeps NaN.
// Tile: 1 output × 8 images per invocation. Rows differ in length, but eight invocations, a vector of lavapipe, are one row
// with a batch of 64, so that no lane waits for another. Each quad loads 2 vec4 of its own and 8 of images for 32
// multiply-adds. 784 × 300 at 13 %, batch 64, took 0.50, 0.40, 0.46 of the dense kernel's time with 4, 8, 16 images, and
// 0.41, 0.40, 0.40 with 2, 4, 8 rows per workgroup (lavapipe, Mesa 22.3, 2026-11-25).

struct Dims {
  inputRows: u32,  // rows of one replicate's input, padded to 4
  outputs: u32,
  outputRows: u32,  // O padded to 4
  batchQuads: u32,  // N / 4: the row length of input and output
  weight: u32,  // offsets and strides in vec4
  bias: u32,
  parameterStride: u32,
  quads: u32,  // of one replicate's positions
}

override relu: bool = false;
override groupX: u32 = 8;
override groupY: u32 = 4;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> positions: array<vec4u>;
@group(0) @binding(4) var<storage, read> input: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4f>;

fn activate(sum: vec4f) -> vec4f {
  if (relu) {
    return select(sum, vec4f(0.0), sum < vec4f(0.0));
  }
  return sum;
}

@compute @workgroup_size(groupX, groupY)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n = id.x * 2u;
  let o = id.y;
  let base = id.z * dims.parameterStride;
  let bias = parameters[base + dims.bias + min(o, dims.outputs - 1u) / 4u];
  var a = vec4f(bias[o % 4u]);
  var b = a;
  let row = id.z * (dims.outputs + 1u) + min(o, dims.outputs - 1u);
  let w = base + dims.weight;
  let p = id.z * dims.quads;
  let x = id.z * dims.inputRows * dims.batchQuads + n;
  var quad = rows[row];
  // Beyond the edge there is nothing to sum: without an early return and a branch around the loop it takes 7 % less time.
  let end = select(0u, rows[row + 1u], n < dims.batchQuads && o < dims.outputs);  // guard
  while (quad < end) {
    let value = parameters[w + quad];
    let at = positions[p + quad] * dims.batchQuads + x;
    a += value.x * input[at.x];
    b += value.x * input[at.x + 1u];
    a += value.y * input[at.y];
    b += value.y * input[at.y + 1u];
    a += value.z * input[at.z];
    b += value.z * input[at.z + 1u];
    a += value.w * input[at.w];
    b += value.w * input[at.w + 1u];
    quad++;
  }
  if (n >= dims.batchQuads || o >= dims.outputRows) {  // guard
    return;
  }
  let y = (id.z * dims.outputRows + o) * dims.batchQuads + n;
  output[y] = activate(a);
  output[y + 1u] = activate(b);
}
