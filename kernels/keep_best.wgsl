// Copies the parameters of every replicate whose last evaluation was its best.
//
// state       [R]         improved
// parameters  [R][arena]
// best        [R][arena]
//
// Grid: flat over arena / 16 in 2-D, z = R. Four vec4 per invocation; a replicate that did not improve returns at once.

struct Dims {
  quads: u32,  // vec4 of one replicate's arena, a multiple of 16
  columns: u32,  // invocations along x
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
@group(0) @binding(1) var<storage, read> state: array<State>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> best: array<vec4f>;

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let first = (id.y * dims.columns + id.x) * 4u;
  if (id.x >= dims.columns || first >= dims.quads || state[id.z].improved == 0u) {  // guard
    return;
  }
  let at = id.z * dims.quads + first;
  best[at] = parameters[at];
  best[at + 1u] = parameters[at + 1u];
  best[at + 2u] = parameters[at + 2u];
  best[at + 3u] = parameters[at + 3u];
}
