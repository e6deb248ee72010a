// Inverted dropout (Srivastava et al. 2014), forward and gradient: output = value / (1 − rate) where the value is kept, which it
// is with probability 1 − rate, and exactly zero elsewhere. With `gate`, also zero where `input` (the output of a ReLU) is not
// positive.
//
// keys            [R]           two words per replicate
// state           [R]           the step that is being run
// input           [R][rows][N]  what is dropped, forward; read for the gate only, in the gradient pass
// values          [R][rows][N]  the input, forward; the output's gradient, in the gradient pass
// output          [R][rows][N]  N padded to 8, rows padded to 4; padding rows are neither read nor written
//
// Which values are kept is never stored: both passes draw it anew. Four words for the four values of a vec4 come from
// Philox4x32-10 (Salmon, Moraes, Dror & Shaw, SC 2011; src/data/random.ts), whose key is the replicate's and whose counter is
// (place of the vec4 within the replicate, step, number of the dropout in the network, 0). A word at or above
// rate · 2³² keeps its value.
//
// Grid: flat over rows · N / 16 in 2-D, z = R. Four vec4 per invocation.
// Numerics: one product. What is dropped is zero even where it was NaN or infinite.
// Tile: as in add_relu.wgsl. Philox nearly doubles the time of a copy (1.9 times, lavapipe, 2026-11-25); a stored mask would be
// one more buffer per dropout, and dropouts stand where tensors are small.

struct Dims {
  quads: u32,  // vec4 of a replicate's rows: even, since N is padded to 8
  stride: u32,  // vec4 from one replicate to the next
  columns: u32,  // invocations along x
  dropout: u32,  // number of the dropout in the network
  threshold: u32,  // ⌊rate · 2³²⌋
  scale: u32,  // f32 bits: 1 / (1 − rate)
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

override gate: bool = false;
override groupX: u32 = 64;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> keys: array<vec2u>;
@group(0) @binding(2) var<storage, read> state: array<State>;
@group(0) @binding(3) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read> values: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4f>;

const multipliers = vec2u(0xd2511f53u, 0xcd9e8d57u);
const weyl = vec2u(0x9e3779b9u, 0xbb67ae85u);

// The upper 32 bits of products, by 16-bit halves: none of the sums reaches 2³².
fn multiplyHigh(a: vec2u, b: vec2u) -> vec2u {
  let low = a & vec2u(0xffffu);
  let high = a >> vec2u(16u);
  let otherLow = b & vec2u(0xffffu);
  let otherHigh = b >> vec2u(16u);
  let middle = high * otherLow + ((low * otherLow) >> vec2u(16u));
  let carry = low * otherHigh + (middle & vec2u(0xffffu));
  return high * otherHigh + (middle >> vec2u(16u)) + (carry >> vec2u(16u));
}

fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let high = multiplyHigh(c.xz, multipliers);
    let low = c.xz * multipliers;
    c = vec4u(high.y ^ c.y ^ k.x, low.y, high.x ^ c.w ^ k.y, low.x);
    k += weyl;
  }
  return c;
}

fn drop(at: u32, place: u32, step: u32, key: vec2u) {
  let words = philox(vec4u(place, step, dims.dropout, 0u), key);
  var kept = words >= vec4u(dims.threshold);
  if (gate) {
    kept &= !(input[at] <= vec4f(0.0));
  }
  output[at] = select(vec4f(0.0), values[at] * bitcast<f32>(dims.scale), kept);
}

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let first = (id.y * dims.columns + id.x) * 4u;
  if (id.x >= dims.columns || first >= dims.quads) {  // guard
    return;
  }
  let at = id.z * dims.stride + first;
  let step = state[id.z].step;
  let key = keys[id.z];
  drop(at, first, step, key);
  drop(at + 1u, first + 1u, step, key);
  if (first + 2u < dims.quads) {  // guard
    drop(at + 2u, first + 2u, step, key);
    drop(at + 3u, first + 3u, step, key);
  }
}
