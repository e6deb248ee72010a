// End of a training step: adds the batch's losses and correct counts to the running sums, flags the first step whose loss
// is not finite (by its bits), and moves the step counter on.
//
// losses   [R][N]  zero in padding lanes
// correct  [R][N]  zero in padding lanes
// state    [R]     step, divergedAt (1 + step of the first non-finite loss, 0 = none), compensated sum of batch mean losses,
//                  correct count
//
// Grid: x = 1, z = R; one invocation per replicate, since a batch is 15 to 32 vec4.
// Numerics: images in order; the sum over steps is compensated (Kahan), so thousands of steps keep seven digits.

struct Dims {
  batchQuads: u32,  // N / 4
  scale: u32,  // f32 bits: 1 / images of the batch
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

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> losses: array<vec4f>;
@group(0) @binding(2) var<storage, read> correct: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> state: array<State>;

// The value, opaque to the compiler: WGSL lets it cancel (a + b) − a to b, and Mesa does, which undoes the compensation.
// No batch has 2^31 vec4, so the value is xored with zero.
fn rounded(value: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(value) ^ (dims.batchQuads >> 31u));
}

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) id: vec3u) {
  let base = id.z * dims.batchQuads;
  var sum = vec4f(0.0);
  var count = vec4u(0u);
  for (var n = 0u; n < dims.batchQuads; n++) {
    sum += losses[base + n];
    count += correct[base + n];
  }
  let loss = (sum.x + sum.y + sum.z + sum.w) * bitcast<f32>(dims.scale);
  let step = state[id.z].step;
  if ((bitcast<u32>(loss) & 0x7f800000u) == 0x7f800000u && state[id.z].divergedAt == 0u) {
    state[id.z].divergedAt = step + 1u;
  }
  let term = rounded(loss - state[id.z].trainLossCompensation);
  let total = rounded(state[id.z].trainLoss + term);
  state[id.z].trainLossCompensation = (total - state[id.z].trainLoss) - term;
  state[id.z].trainLoss = total;
  state[id.z].trainCorrect += count.x + count.y + count.z + count.w;
  state[id.z].step = step + 1u;
}
