// Sums the parts of a split weight gradient: weight[i][k] = Σ_part partials[part][i][k], and the bias likewise; parts
// ascending.
//
// partials  [R][parts][I + 1][K]  rows of the weights, then the bias; K padded to 4
// mask      [R][arena]            one bit per parameter, read with `masked` only
// gradient  [R][arena]            weight [I][K] at dims.weight, bias [K] at dims.bias
//
// Grid: x = flat over vec4 of weights and bias, z = R.
// Numerics: one running sum per value, parts in ascending order. With `masked`, the gradient of a pruned weight is exactly
// zero, even where it would be NaN.

struct Dims {
  weightQuads: u32,  // vec4 of the weights
  quads: u32,  // vec4 to sum: those and the bias's, where the layer has one
  parts: u32,
  partStride: u32,  // vec4 of one part
  weight: u32,  // offsets and strides in vec4
  bias: u32,
  gradientStride: u32,
}

override masked: bool = true;
override groupX: u32 = 64;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> partials: array<vec4f>;
@group(0) @binding(2) var<storage, read> mask: array<u32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4f>;

// The four weights at vec4 `at` of the arena: their mask bits never straddle a word.
fn kept(at: u32, value: vec4f) -> vec4f {
  if (masked) {
    let bits = (vec4u(mask[at >> 3u]) >> (vec4u((at & 7u) * 4u) + vec4u(0u, 1u, 2u, 3u))) & vec4u(1u);
    return select(vec4f(0.0), value, bits == vec4u(1u));
  }
  return value;
}

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= dims.quads) {  // guard
    return;
  }
  var at = id.z * dims.parts * dims.partStride + id.x;
  // Bounded by a place and not by a count, for lavapipe's sake: see dense_forward.wgsl.
  let end = at + dims.parts * dims.partStride;
  var sum = vec4f(0.0);
  while (at < end) {
    sum += partials[at];
    at += dims.partStride;
  }
  let base = id.z * dims.gradientStride;
  if (id.x < dims.weightQuads) {
    let w = base + dims.weight + id.x;
    gradient[w] = kept(w, sum);
  } else {
    gradient[base + dims.bias + id.x - dims.weightQuads] = sum;
  }
}
