// Dense layer, end of a split forward pass: output[o][n] = activation(bias[o] + Σ_part partials[part][o][n]), parts ascending.
//
// partials    [R][parts][O][N]  from dense_forward.wgsl or dense_forward_workgroup.wgsl, O padded to 4
// parameters  [R][arena]        bias [O] at dims.bias
// output      [R][O][N]
//
// Grid: x = N / 4, y = O, z = R.
// Numerics: one running sum per output, the bias first. ReLU keeps NaN.

struct Dims {
  rows: u32,  // O padded to 4
  batchQuads: u32,  // N / 4
  parts: u32,
  bias: u32,  // in single values
  parameterStride: u32,
}

override relu: bool = false;
override groupX: u32 = 8;
override groupY: u32 = 8;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> partials: array<vec4f>;
@group(0) @binding(2) var<storage, read> parameters: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(groupX, groupY)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= dims.batchQuads || id.y >= dims.rows) {  // guard
    return;
  }
  let plane = dims.rows * dims.batchQuads;
  let own = id.y * dims.batchQuads + id.x;
  var at = id.z * dims.parts * plane + own;
  // Bounded by a place and not by a count, for lavapipe's sake: see dense_forward.wgsl.
  let end = at + dims.parts * plane;
  var sum = vec4f(parameters[id.z * dims.parameterStride + dims.bias + id.y]);
  while (at < end) {
    sum += partials[at];
    at += plane;
  }
  if (relu) {
    sum = select(sum, vec4f(0.0), sum < vec4f(0.0));
  }
  output[id.z * plane + own] = sum;
}
