// Compact dense layer, input gradient: gradient[i][n] = Σ value · outputGradient[row][n] over the survivors of input i, outputs
// ascending; with `gate`, zero where the input (the output of a ReLU) is not positive.
//
// parameters      [R][arena]    values at dims.weight, by output row: see compact_forward.wgsl
// columns         [R][I + 1]    first entry of each input, and where the last one's end
// entries         [R][entries]  (index of the value, output row), so that values are stored once
// outputGradient  [R][O][N]     O padded to 4 (padding rows are not read), N padded to 8
// input           [R][I][N]     the layer's input, for the gate
// gradient        [R][I][N]     rows beyond I are not written; an input without survivors gets zeros
//
// Grid: x = N / 8 batch tiles, y = I, z = R.
// Numerics: one running sum per input, whatever N and R are. A pruned weight passes nothing on, not even NaN. The gate lets a
// gradient pass unless the input is <= 0, so NaN passes.
// Tile: 1 input × 8 images per invocation, as in compact_forward.wgsl. Each survivor loads 3 values of its own and 8 of
// gradients for 8 multiply-adds. 784 × 300 at 3.6 %, batch 64, took 0.34, 0.25, 0.25 of the dense kernel's time with 4, 8,
// 16 images, 0.26, 0.25, 0.24 with 2, 4, 8 rows per workgroup, and 0.27 with two survivors per iteration (lavapipe,
// Mesa 22.3, 2026-11-25).

struct Dims {
  inputs: u32,
  inputRows: u32,  // rows of one replicate's input, padded to 4
  outputRows: u32,  // O padded to 4
  batchQuads: u32,  // N / 4
  weight: u32,  // in single values, like parameterStride
  parameterStride: u32,
  entries: u32,  // of one replicate
}

override gate: bool = false;
override groupX: u32 = 8;
override groupY: u32 = 4;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
@group(0) @binding(2) var<storage, read> columns: array<u32>;
@group(0) @binding(3) var<storage, read> entries: array<vec2u>;
@group(0) @binding(4) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(5) var<storage, read> input: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> gradient: array<vec4f>;

fn store(at: u32, sum: vec4f) {
  if (gate) {
    gradient[at] = select(sum, vec4f(0.0), input[at] <= vec4f(0.0));
  } else {
    gradient[at] = sum;
  }
}

@compute @workgroup_size(groupX, groupY)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n = id.x * 2u;
  let i = id.y;
  if (n >= dims.batchQuads || i >= dims.inputs) {  // guard
    return;
  }
  let column = id.z * (dims.inputs + 1u) + i;
  let w = id.z * dims.parameterStride + dims.weight;
  let d = id.z * dims.outputRows * dims.batchQuads + n;
  var at = id.z * dims.entries + columns[column];
  let end = id.z * dims.entries + columns[column + 1u];
  var a = vec4f(0.0);
  var b = vec4f(0.0);
  while (at < end) {
    let entry = entries[at];
    let value = parameters[w + entry.x];
    let row = d + entry.y * dims.batchQuads;
    a += value * outputGradient[row];
    b += value * outputGradient[row + 1u];
    at++;
  }
  let x = (id.z * dims.inputRows + i) * dims.batchQuads + n;
  store(x, a);
  store(x + 1u, b);
}
