// Gather and normalise a batch: output[p][n] = bytes[index[n]][p] · scale[channel] + shift[channel], and its labels.
//
// images         [examples][P]   bytes, four to a word, each image padded to a whole word
// labels         [examples]
// indices        [R][…]          which examples, in order; one list for all replicates when dims.indexStride is 0
// normalization  [C]             (scale, shift) per channel
// state          [R]             with `stepped`, the step that is being run selects its part of a ring of dims.slots batches
// output         [R][P][N]       batch innermost, N padded to 8, P padded to 4; lanes beyond the batch are zero
// batchLabels    [R][N]          lanes beyond the batch hold 0xffffffff, by which the loss leaves them out
//
// Grid: x = N / 4, y = P / 4, z = R. One invocation turns four pixels of four images, so loads are words and stores vec4.

struct Dims {
  pixels: u32,
  planePixels: u32,  // pixels of one channel
  batch: u32,  // images, without padding
  batchQuads: u32,  // N / 4
  outputRows: u32,  // P padded to 4
  start: u32,  // first index of the batch in each replicate's list
  indexStride: u32,  // indices per replicate; 0 = shared
  slots: u32,  // batches in the ring, with `stepped`
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

override stepped: bool = true;
override groupX: u32 = 8;
override groupY: u32 = 4;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> images: array<u32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> indices: array<u32>;
@group(0) @binding(4) var<storage, read> normalization: array<vec2f>;
@group(0) @binding(5) var<storage, read> state: array<State>;
@group(0) @binding(6) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> batchLabels: array<vec4u>;

const none = 0xffffffffu;

fn example(first: u32, n: u32) -> u32 {
  if (n < dims.batch) {
    return indices[first + n];
  }
  return none;
}

// Four pixels of one image as they are stored, or zeros for a lane beyond the batch.
fn word(index: u32, at: u32, words: u32) -> vec4f {
  if (index == none) {
    return vec4f(0.0);
  }
  let bytes = images[index * words + at];
  return vec4f(vec4u(bytes, bytes >> 8u, bytes >> 16u, bytes >> 24u) & vec4u(255u));
}

fn label(index: u32) -> u32 {
  if (index == none) {
    return none;
  }
  return labels[index];
}

@compute @workgroup_size(groupX, groupY)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let words = (dims.pixels + 3u) / 4u;
  if (id.x >= dims.batchQuads || id.y >= words) {  // guard
    return;
  }
  var first = id.z * dims.indexStride + dims.start;
  if (stepped) {
    first += (state[id.z].step % dims.slots) * dims.batch;
  }
  let n = id.x * 4u;
  let which = vec4u(example(first, n), example(first, n + 1u), example(first, n + 2u), example(first, n + 3u));
  if (id.y == 0u) {
    batchLabels[id.z * dims.batchQuads + id.x] = vec4u(label(which.x), label(which.y), label(which.z), label(which.w));
  }
  let valid = vec4f(which != vec4u(none));
  let rows = transpose(mat4x4f(
    word(which.x, id.y, words),
    word(which.y, id.y, words),
    word(which.z, id.y, words),
    word(which.w, id.y, words),
  ));
  for (var k = 0u; k < 4u; k++) {
    let p = id.y * 4u + k;
    if (p < dims.pixels) {  // guard
      let scaling = normalization[p / dims.planePixels];
      output[(id.z * dims.outputRows + p) * dims.batchQuads + id.x] = (rows[k] * scaling.x + scaling.y) * valid;
    }
  }
}
