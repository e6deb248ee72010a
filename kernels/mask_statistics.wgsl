// Mask statistics of every layer: how many weights survive, and how many pruned positions (or padding) hold anything but
// an exact zero in parameters, gradient or either moment. The second count must always be 0.
//
// mask      [R][arena]  one bit per parameter
// parameters, gradient, first and second moment   [R][arena]
// layers    [layers]    (first word of mask, words) of each layer's weights within a replicate's arena
// counts    [R][layers] (survivors, violations)
//
// Grid: x = 1, y = layers, z = R; one workgroup of 64 per layer, each invocation over every 64th word of the mask.

struct Dims {
  arenaWords: u32,  // mask words of one replicate
  layers: u32,
}


@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(3) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(4) var<storage, read> firstMoment: array<vec4f>;
@group(0) @binding(5) var<storage, read> secondMoment: array<vec4f>;
@group(0) @binding(6) var<storage, read> layers: array<vec2u>;
@group(0) @binding(7) var<storage, read_write> counts: array<vec2u>;

var<workgroup> partial: array<vec2u, 64>;

fn isNotZero(value: vec4f) -> vec4u {
  return select(vec4u(0u), vec4u(1u), (bitcast<vec4u>(value) & vec4u(0x7fffffffu)) != vec4u(0u));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let layer = layers[group.y];
  var kept = 0u;
  var violations = vec4u(0u);
  for (var word = lane; word < layer.y; word += 64u) {
    let index = group.z * dims.arenaWords + layer.x + word;
    let bits = mask[index];
    kept += countOneBits(bits);
    if (bits != 0xffffffffu) {
      for (var quad = 0u; quad < 8u; quad++) {
        let at = index * 8u + quad;
        let pruned = vec4u(1u) - ((vec4u(bits >> (quad * 4u)) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u));
        violations += pruned *
          (isNotZero(parameters[at]) | isNotZero(gradient[at]) | isNotZero(firstMoment[at]) | isNotZero(secondMoment[at]));
      }
    }
  }
  partial[lane] = vec2u(kept, violations.x + violations.y + violations.z + violations.w);
  workgroupBarrier();
  if (lane == 0u) {
    var total = vec2u(0u);
    for (var part = 0u; part < 64u; part++) {
      total += partial[part];
    }
    counts[group.z * dims.layers + group.y] = total;
  }
}
