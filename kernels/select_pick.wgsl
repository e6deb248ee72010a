// Exact selection of the smallest magnitudes, 2 of 3: finds the byte in which rank k falls, appends it to the key found so
// far, and clears the histogram for the next pass.
//
// histogram  [R][groups][256]
// selection  [R][groups]       rank counts from 1 among the keys that share the prefix; 0 = nothing to select
//
// Grid: x = groups, z = R; one invocation each, over 256 counts.

struct Dims {
  groups: u32,
  digit: u32,
}

struct Selection {
  magnitude: u32,
  index: u32,
  rank: u32,
  count: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> histogram: array<u32>;
@group(0) @binding(2) var<storage, read_write> selection: array<Selection>;

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) id: vec3u) {
  let segment = id.z * dims.groups + id.x;
  var found = selection[segment];
  var below = 0u;
  var picked = 256u;
  for (var byte = 0u; byte < 256u; byte++) {
    let count = histogram[segment * 256u + byte];
    histogram[segment * 256u + byte] = 0u;
    if (picked == 256u) {
      if (below + count >= found.rank) {
        picked = byte;
      } else {
        below += count;
      }
    }
  }
  if (found.rank == 0u || picked == 256u) {
    return;
  }
  found.rank -= below;
  if (dims.digit < 4u) {
    found.magnitude |= picked << (24u - 8u * dims.digit);
  } else {
    found.index |= picked << (56u - 8u * dims.digit);
  }
  selection[segment] = found;
}
