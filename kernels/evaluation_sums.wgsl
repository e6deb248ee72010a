// Sums of an evaluation, and with `keepsBest` the decision whether it is the best so far: the validation loss is compared
// with its running minimum, strictly, so the earliest minimum wins.
//
// losses   [R][L]  per image; entries beyond the images are zero
// correct  [R][L]
// state    [R]     with `keepsBest`: bestLoss, bestIteration and improved
// record   [R][8]  this evaluation's: iteration, training loss sum, training correct, divergedAt, then at dims.slot loss sum
//                  and correct count
//
// Grid: x = 1, z = R; one workgroup of 64, each invocation over every 64th vec4, then the first one over the 64 partial sums.
// Numerics: compensated (Kahan) in both stages and in a fixed order, so 10,000 losses keep all of a float's digits.

struct Dims {
  quads: u32,  // vec4 of losses to sum
  lossStride: u32,  // L / 4
  slot: u32,  // where in the record: 4 = validation, 6 = test
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

override keepsBest: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> losses: array<vec4f>;
@group(0) @binding(2) var<storage, read> correct: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> state: array<State>;
@group(0) @binding(4) var<storage, read_write> record: array<u32>;

var<workgroup> partialLoss: array<vec4f, 64>;
var<workgroup> partialCompensation: array<vec4f, 64>;
var<workgroup> partialCorrect: array<vec4u, 64>;

struct Sum {
  total: f32,
  compensation: f32,
}

// The values, opaque to the compiler: WGSL lets it cancel (a + b) − a to b, and Mesa does, which undoes the compensation.
// The slot is below 2^31, so the values are xored with zero.
fn rounded(value: vec4f) -> vec4f {
  return bitcast<vec4f>(bitcast<vec4u>(value) ^ vec4u(dims.slot >> 31u));
}

fn add(sum: Sum, value: f32) -> Sum {
  let term = rounded(vec4f(value - sum.compensation)).x;
  let total = rounded(vec4f(sum.total + term)).x;
  return Sum(total, (total - sum.total) - term);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let base = group.z * dims.lossStride;
  var sum = vec4f(0.0);
  var compensation = vec4f(0.0);
  var count = vec4u(0u);
  for (var at = lane; at < dims.quads; at += 64u) {
    let term = rounded(losses[base + at] - compensation);
    let total = rounded(sum + term);
    compensation = (total - sum) - term;
    sum = total;
    count += correct[base + at];
  }
  partialLoss[lane] = sum;
  partialCompensation[lane] = compensation;
  partialCorrect[lane] = count;
  workgroupBarrier();
  if (lane > 0u) {
    return;
  }
  var loss = Sum(0.0, 0.0);
  var all = vec4u(0u);
  for (var part = 0u; part < 64u; part++) {
    let value = partialLoss[part];
    let error = partialCompensation[part];
    loss = add(add(add(add(loss, value.x), value.y), value.z), value.w);
    loss = add(add(add(add(loss, -error.x), -error.y), -error.z), -error.w);
    all += partialCorrect[part];
  }
  let at = group.z * 8u;
  record[at + dims.slot] = bitcast<u32>(loss.total);
  record[at + dims.slot + 1u] = all.x + all.y + all.z + all.w;
  if (keepsBest) {
    record[at] = state[group.z].step;
    record[at + 1u] = bitcast<u32>(state[group.z].trainLoss);
    record[at + 2u] = state[group.z].trainCorrect;
    record[at + 3u] = state[group.z].divergedAt;
    state[group.z].trainLoss = 0.0;
    state[group.z].trainLossCompensation = 0.0;
    state[group.z].trainCorrect = 0u;
    let better = loss.total < state[group.z].bestLoss;
    state[group.z].improved = select(0u, 1u, better);
    if (better) {
      state[group.z].bestLoss = loss.total;
      state[group.z].bestIteration = state[group.z].step;
    }
  }
}
