// Adam over the flat parameter arena, fused with the mask (Kingma & Ba 2015, in PyTorch's form):
//   g ← gradient + weightDecay · p,   m ← β1 m + (1 − β1) g,   v ← β2 v + (1 − β2) g²
//   p ← p − stepSize · m / (√v · rootCorrection + ε)
// with stepSize = lr / (1 − β1^t) and rootCorrection = 1 / √(1 − β2^t) from the level's table, computed in float64.
// Where the mask bit is 0, p, m and v are exactly zero afterwards, whatever the gradient is. Moments below float32's smallest
// normal number become zero: against ε they change no parameter, and a CPU is slow at denormals (this pass on lavapipe,
// 2026-11-24: 1.8 times as long where all moments are; preventing it costs 5 %).
//
// mask      [R][arena]  one bit per parameter
// gradient, parameters, first moment, second moment   [R][arena] of dims.stride vec4, of which the first dims.quads are trained
// schedule  [steps]     (stepSize, rootCorrection, –, –)
// state     [R]         the step that is being run
//
// Behind what is trained stand the running statistics of batch norms, which are left as they are.
//
// Grid: flat over the trained values / 16 in 2-D, z = R. Four vec4 per invocation, half a word of mask.

struct Dims {
  quads: u32,  // vec4 that are trained, at the head of each replicate's arena; a multiple of 16
  stride: u32,  // vec4 from one replicate's arena to the next, a multiple of 16
  columns: u32,  // invocations along x
  beta1: u32,  // f32 bits, like all below
  oneMinusBeta1: u32,
  beta2: u32,
  oneMinusBeta2: u32,
  epsilon: u32,
  weightDecay: u32,
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
@group(0) @binding(6) var<storage, read_write> firstMoment: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> secondMoment: array<vec4f>;

// Zero for what has no exponent bits: zero and denormals.
fn flushed(value: vec4f) -> vec4f {
  return select(value, vec4f(0.0), (bitcast<vec4u>(value) & vec4u(0x7f800000u)) == vec4u(0u));
}

fn update(at: u32, bits: u32, step: vec4f) {
  let kept = ((vec4u(bits) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u)) == vec4u(1u);
  let p = parameters[at];
  let g = select(vec4f(0.0), gradient[at] + bitcast<f32>(dims.weightDecay) * p, kept);
  let m = select(vec4f(0.0), flushed(bitcast<f32>(dims.beta1) * firstMoment[at] + bitcast<f32>(dims.oneMinusBeta1) * g), kept);
  let v = select(vec4f(0.0), flushed(bitcast<f32>(dims.beta2) * secondMoment[at] + bitcast<f32>(dims.oneMinusBeta2) * g * g), kept);
  firstMoment[at] = m;
  secondMoment[at] = v;
  parameters[at] = select(vec4f(0.0), p - step.x * m / (sqrt(v) * step.y + bitcast<f32>(dims.epsilon)), kept);
}

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let first = (id.y * dims.columns + id.x) * 4u;
  if (id.x >= dims.columns || first >= dims.quads) {  // guard
    return;
  }
  let at = id.z * dims.stride + first;
  let bits = mask[at >> 3u] >> ((first & 4u) * 4u);
  let step = schedule[state[id.z].step];
  update(at, bits, step);
  update(at + 1u, bits >> 4u, step);
  update(at + 2u, bits >> 8u, step);
  update(at + 3u, bits >> 12u, step);
}
