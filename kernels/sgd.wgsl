// Stochastic gradient descent with momentum over the flat parameter arena, fused with the mask (PyTorch's form):
//   g ← gradient + weightDecay · p,   m ← momentum · m + g,   p ← p − lr · m
// Where the mask bit is 0, p and m are exactly zero afterwards, whatever the gradient is. Momentum below float32's smallest
// normal number becomes zero, as in adam.wgsl.
//
// mask      [R][arena]  one bit per parameter
// gradient, parameters, momentum   [R][arena] of dims.stride vec4, of which the first dims.quads are trained
// schedule  [steps]     (lr, –, –, –)
// state     [R]         the step that is being run
//
// Behind what is trained stand the running statistics of batch norms, which are left as they are.
//
// Grid: flat over the trained values / 16 in 2-D, z = R. Four vec4 per invocation, half a word of mask.

struct Dims {
  quads: u32,  // vec4 that are trained, at the head of each replicate's arena; a multiple of 16
  stride: u32,  // vec4 from one replicate's arena to the next, a multiple of 16
  columns: u32,  // invocations along x
  momentum: u32,  // f32 bits
  weightDecay: u32,  // f32 bits
}

struct State {
  step: u32,
  divergedAt: u32,
  trainLoss: f32,
  trainLossCompensation: f32,
  trainCorrect: u32,
  bestLoss: f32,
  bestIteration: u32,
  improved: u32,
}

override groupX: u32 = 64;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(4) var<storage, read> state: array<State>;
@group(0) @binding(5) var<storage, read_write> parameters: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> momentum: array<vec4f>;

// Zero for what has no exponent bits: zero and denormals.
fn flushed(value: vec4f) -> vec4f {
  return select(value, vec4f(0.0), (bitcast<vec4u>(value) & vec4u(0x7f800000u)) == vec4u(0u));
}

fn update(at: u32, bits: u32, lr: f32) {
  let kept = ((vec4u(bits) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u)) == vec4u(1u);
  let p = parameters[at];
  let g = gradient[at] + bitcast<f32>(dims.weightDecay) * p;
  let m = select(vec4f(0.0), flushed(bitcast<f32>(dims.momentum) * momentum[at] + g), kept);
  momentum[at] = m;
  parameters[at] = select(vec4f(0.0), p - lr * m, kept);
}

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let first = (id.y * dims.columns + id.x) * 4u;
  if (id.x >= dims.columns || first >= dims.quads) {  // guard
    return;
  }
  let at = id.z * dims.stride + first;
  let bits = mask[at >> 3u] >> ((first & 4u) * 4u);
  let lr = schedule[state[id.z].step].x;
  update(at, bits, lr);
  update(at + 1u, bits >> 4u, lr);
  update(at + 2u, bits >> 8u, lr);
  update(at + 3u, bits >> 12u, lr);
}
