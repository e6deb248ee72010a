// Dense layer, end of a split input gradient: gradient[i][n] = Σ_part partials[part][i][n], parts ascending; with `gate`, zero
// where the input (the output of a ReLU) is not positive.
//
// partials  [R][parts][I][N]  from dense_input_gradient_workgroup.wgsl, I padded to 4 (padding rows are not read)
// input     [R][I][N]         the layer's input, for the gate
// gradient  [R][I][N]         rows beyond I are not written
//
// Grid: x = N / 4, y = I, z = R.
// Numerics: one running sum per value. The gate lets a gradient pass unless the input is <= 0, so NaN passes.

struct Dims {
  inputs: u32,
  inputRows: u32,  // I padded to 4
  batchQuads: u32,  // N / 4
  parts: u32,
}

override gate: bool = false;
override groupX: u32 = 8;
override groupY: u32 = 8;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> partials: array<vec4f>;
@group(0) @binding(2) var<storage, read> input: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4f>;

@compute @workgroup_size(groupX, groupY)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= dims.batchQuads || id.y >= dims.inputs) {  // guard
    return;
  }
  let plane = dims.inputRows * dims.batchQuads;
  let own = id.y * dims.batchQuads + id.x;
  var at = id.z * dims.parts * plane + own;
  // Bounded by a place and not by a count, for lavapipe's sake: see dense_forward.wgsl.
  let end = at + dims.parts * plane;
  var sum = vec4f(0.0);
  while (at < end) {
    sum += partials[at];
    at += plane;
  }
  let to = id.z * plane + own;
  if (gate) {
    sum = select(sum, vec4f(0.0), input[to] <= vec4f(0.0));
  }
  gradient[to] = sum;
}
