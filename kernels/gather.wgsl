// Gather and normalise a batch: output[p][n] = bytes[index[n]][p] · scale[channel] + shift[channel], and its labels.
// With `augment`, of the image shifted and perhaps mirrored: pixel (y, x) comes from (y + dy, x' + dx), where x' is x or,
// flipped, W - 1 - x; what comes from outside the image is byte 0 (torchvision's RandomCrop(W, padding=4), whose padding is
// black before normalisation, then RandomHorizontalFlip). With `listed`, only the words of four pixels that a list per
// replicate says: those that its network still reads.
//
// images         [examples][P]   bytes, four to a word, each image padded to a whole word: a shard of the data set's, with
//                                dims.shardExamples examples from dims.shardFirst on
// labels         [examples]      of all shards
// indices        [R][…]          which examples, in order; one list for all replicates when dims.indexStride is 0. With
//                                `augment`: example in bits 0–20, dy + 4 in 21–24, dx + 4 in 25–28, flip in 29
// normalization  [R][C]          (scale, shift) per channel
// state          [R]             with `stepped`, the step that is being run selects its part of a ring of dims.slots batches
// words          [R][rows / 4]   with `listed`: which words of an image become output rows, in order
// output         [R][rows][N]    batch innermost, N padded to 8; rows is P, with `listed` less, padded to 4
// batchLabels    [R][N]          lanes beyond the batch hold 0xffffffff, by which the loss leaves them out
//
// One launch per shard. The first writes every lane, zeros where the image is in another shard or the lane is beyond the
// batch; those after it (`continues`) replace the lanes whose image they have, and write no labels.
//
// Grid: x = N / 4, y = rows / 4, z = R.
// Numerics: one product and one sum per pixel, whatever the shards are.
// Tile: one invocation turns four pixels of four images, so loads are words and stores vec4. With `augment` each pixel loads a
// word of its own, which takes 1.8 times as long; a second shard takes as long again as the first (batches of 64 CIFAR-10
// images on lavapipe, Mesa 22.3, 2026-11-25: 0.6, 1.2, 1.2 ms; beside a step of Conv-2 neither shows). A listed word costs what
// another does: 180 of MNIST's 196 words take 0.93 of the processor time of all.

struct Dims {
  pixels: u32,
  planePixels: u32,  // pixels of one channel
  width: u32,
  channels: u32,
  batch: u32,  // images, without padding
  batchQuads: u32,  // N / 4
  outputRows: u32,  // rows padded to 4
  start: u32,  // first index of the batch in each replicate's list
  indexStride: u32,  // indices per replicate; 0 = shared
  slots: u32,  // batches in the ring, with `stepped`
  shardFirst: u32,
  shardExamples: u32,
  rows: u32,  // pixels that are gathered
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
override augment: bool = false;
override continues: bool = false;
override listed: bool = false;
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
@group(0) @binding(8) var<storage, read> words: array<u32>;

const none = 0xffffffffu;

fn entry(first: u32, n: u32) -> u32 {
  if (n < dims.batch) {
    return indices[first + n];
  }
  return none;
}

fn example(entry: u32) -> u32 {
  if (augment && entry != none) {
    return entry & 0x1fffffu;
  }
  return entry;
}

fn label(example: u32) -> u32 {
  if (example == none) {
    return none;
  }
  return labels[example];
}

// A place outside the image, negative ones included, is beyond the last as an unsigned number.
fn augmented(entry: u32, row: u32, channel: u32, y: u32, x: u32) -> f32 {
  let height = dims.planePixels / dims.width;
  let mirrored = select(x, dims.width - 1u - x, ((entry >> 29u) & 1u) == 1u);
  let sourceY = y + ((entry >> 21u) & 15u) - 4u;
  let sourceX = mirrored + ((entry >> 25u) & 15u) - 4u;
  if (sourceY >= height || sourceX >= dims.width) {
    return 0.0;
  }
  let at = channel * dims.planePixels + sourceY * dims.width + sourceX;
  return f32((images[row + at / 4u] >> (8u * (at % 4u))) & 255u);
}

// Four pixels, from p on, of an image that is in this shard.
fn pixelsOf(entry: u32, p: u32) -> vec4f {
  let row = (example(entry) - dims.shardFirst) * ((dims.pixels + 3u) / 4u);
  if (!augment) {
    let bytes = images[row + p / 4u];
    return vec4f(vec4u(bytes, bytes >> 8u, bytes >> 16u, bytes >> 24u) & vec4u(255u));
  }
  var values = vec4f(0.0);
  var channel = p / dims.planePixels;
  var y = (p % dims.planePixels) / dims.width;
  var x = p % dims.width;
  for (var k = 0u; k < 4u; k++) {
    // Beyond the last pixel the channel is one that is not there: such a value is read from somewhere and not stored.
    values[k] = augmented(entry, row, channel, y, x);
    x++;
    if (x == dims.width) {
      x = 0u;
      y++;
    }
    if (y * dims.width == dims.planePixels) {
      y = 0u;
      channel++;
    }
  }
  return values;
}

@compute @workgroup_size(groupX, groupY)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let outputQuads = dims.outputRows / 4u;
  if (id.x >= dims.batchQuads || id.y >= outputQuads) {  // guard
    return;
  }
  var first = id.z * dims.indexStride + dims.start;
  if (stepped) {
    first += (state[id.z].step % dims.slots) * dims.batch;
  }
  let n = id.x * 4u;
  let which = vec4u(entry(first, n), entry(first, n + 1u), entry(first, n + 2u), entry(first, n + 3u));
  let examples = vec4u(example(which.x), example(which.y), example(which.z), example(which.w));
  // Unsigned, so examples before the shard are beyond it too; `none` is beyond every shard.
  let here = (examples - vec4u(dims.shardFirst)) < vec4u(dims.shardExamples);
  if (continues) {
    if (!any(here)) {
      return;
    }
  } else if (id.y == 0u) {
    batchLabels[id.z * dims.batchQuads + id.x] =
      vec4u(label(examples.x), label(examples.y), label(examples.z), label(examples.w));
  }
  let row = id.y * 4u;
  var p = row;
  if (listed) {
    p = words[id.z * outputQuads + id.y] * 4u;
  }
  var columns = mat4x4f();
  if (here.x) {
    columns[0] = pixelsOf(which.x, p);
  }
  if (here.y) {
    columns[1] = pixelsOf(which.y, p);
  }
  if (here.z) {
    columns[2] = pixelsOf(which.z, p);
  }
  if (here.w) {
    columns[3] = pixelsOf(which.w, p);
  }
  let rows = transpose(columns);
  for (var k = 0u; k < 4u; k++) {
    if (row + k < dims.rows) {  // guard
      let scaling = normalization[id.z * dims.channels + (p + k) / dims.planePixels];
      let at = (id.z * dims.outputRows + row + k) * dims.batchQuads + id.x;
      var others = vec4f(0.0);
      if (continues) {
        others = output[at];
      }
      output[at] = select(others, rows[k] * scaling.x + scaling.y, here);
    }
  }
}
