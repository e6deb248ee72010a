// Exact selection of the smallest magnitudes, 3 of 3: clears the mask bit of every candidate whose key is at most the
// selected one. Exactly `count` bits fall, since keys are distinct.
//
// parameters  [R][arena]
// selection   [R][groups]   the key of rank `count`; count 0 leaves the mask as it is
// mask        [R][arena]    changed in place, each invocation its own word
//
// Grid: flat over the layer's mask words in 2-D, z = R.

struct Dims {
  arenaWords: u32,  // mask words of one replicate
  firstWord: u32,
  words: u32,
  columns: u32,  // invocations along x
  group: u32,
  groups: u32,
}

struct Selection {
  magnitude: u32,
  index: u32,
  rank: u32,
  count: u32,
}

override groupX: u32 = 64;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<u32>;
@group(0) @binding(2) var<storage, read> selection: array<Selection>;
@group(0) @binding(3) var<storage, read_write> mask: array<u32>;

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let word = id.y * dims.columns + id.x;
  if (id.x >= dims.columns || word >= dims.words) {  // guard
    return;
  }
  let found = selection[id.z * dims.groups + dims.group];
  if (found.count == 0u) {
    return;
  }
  let local = dims.firstWord + word;
  let index = id.z * dims.arenaWords + local;
  var bits = mask[index];
  var left = bits;
  while (left != 0u) {
    let bit = firstTrailingBit(left);
    left &= left - 1u;
    let magnitude = parameters[index * 32u + bit] & 0x7fffffffu;
    let place = local * 32u + bit;
    if (magnitude < found.magnitude || (magnitude == found.magnitude && place <= found.index)) {
      bits &= ~(1u << bit);
    }
  }
  mask[index] = bits;
}
