// Exact selection of the smallest magnitudes, 1 of 3: counts the candidates by the current eight bits of their key.
// A key is (bits of |w|, index in the arena), 64 bits, so no two are equal and ties fall to the lower index. Eight passes,
// from the highest bits down, narrow it to the key of rank k (radix select); magnitudes compare as integers, never as floats.
//
// parameters  [R][arena]
// mask        [R][arena]          one bit per parameter: the candidates
// selection   [R][groups]         (magnitude, index) found so far, rank that remains, count wanted
// histogram   [R][groups][256]    zero before; `select_pick` clears it
//
// Grid: flat over the layer's mask words in 2-D, z = R. Launched once per layer; layers of one group share its histogram.

struct Dims {
  arenaWords: u32,  // mask words of one replicate
  firstWord: u32,
  words: u32,
  columns: u32,  // invocations along x
  group: u32,
  groups: u32,
  digit: u32,  // 0 to 3: magnitude from its highest byte; 4 to 7: index, likewise
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
@group(0) @binding(2) var<storage, read> mask: array<u32>;
@group(0) @binding(3) var<storage, read> selection: array<Selection>;
@group(0) @binding(4) var<storage, read_write> histogram: array<atomic<u32>>;

// Whether `key` agrees with `prefix` in the bytes above `digit` (0 = highest byte).
fn agrees(key: u32, prefix: u32, digit: u32) -> bool {
  return digit == 0u || ((key ^ prefix) >> (32u - 8u * digit)) == 0u;
}

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let word = id.y * dims.columns + id.x;
  if (id.x >= dims.columns || word >= dims.words) {  // guard
    return;
  }
  let segment = id.z * dims.groups + dims.group;
  let found = selection[segment];
  let local = dims.firstWord + word;
  let index = id.z * dims.arenaWords + local;
  var bits = mask[index];
  while (bits != 0u) {
    let bit = firstTrailingBit(bits);
    bits &= bits - 1u;
    let magnitude = parameters[index * 32u + bit] & 0x7fffffffu;
    let place = local * 32u + bit;
    var byte = 256u;
    if (dims.digit < 4u) {
      if (agrees(magnitude, found.magnitude, dims.digit)) {
        byte = (magnitude >> (24u - 8u * dims.digit)) & 255u;
      }
    } else if (magnitude == found.magnitude && agrees(place, found.index, dims.digit - 4u)) {
      byte = (place >> (56u - 8u * dims.digit)) & 255u;
    }
    if (byte < 256u) {
      atomicAdd(&histogram[segment * 256u + byte], 1u);
    }
  }
}
