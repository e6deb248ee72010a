// Weights of a convolution, outputs outermost: transposed[k][ky][kx][c] = weight[c][ky][kx][k], for the input gradient.
//
// parameters  [R][arena]           weight [C][ky][kx][K] at dims.weight, K padded to 4 with zeros
// transposed  [R][K][ky][kx][C]    C padded to 4 with zeros, K to 4
//
// Grid: x = flat over blocks of 4 × 4 weights: channels fastest, then taps, then outputs; z = R.
// Numerics: copies.

struct Dims {
  channels: u32,  // C
  channelQuads: u32,  // C / 4, rounded up
  taps: u32,  // ky · kx
  outputQuads: u32,  // K / 4, padded: the row length of the weights
  weight: u32,  // offsets and strides in vec4
  parameterStride: u32,
}

override groupX: u32 = 64;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> transposed: array<vec4f>;

// Four outputs' weights of one tap of channel `c`; zeros beyond the last channel.
fn weights(c: u32, at: u32) -> vec4f {
  return select(vec4f(0.0), parameters[at], c < dims.channels);
}

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let quad = id.x % dims.channelQuads;
  let tap = id.x / dims.channelQuads % dims.taps;
  let o = id.x / dims.channelQuads / dims.taps;
  if (o >= dims.outputQuads) {  // guard
    return;
  }
  let c = quad * 4u;
  let base = id.z * dims.parameterStride + dims.weight + tap * dims.outputQuads + o;
  let step = dims.taps * dims.outputQuads;
  let last = dims.channels - 1u;
  let w0 = weights(c, base + c * step);
  let w1 = weights(c + 1u, base + min(c + 1u, last) * step);
  let w2 = weights(c + 2u, base + min(c + 2u, last) * step);
  let w3 = weights(c + 3u, base + min(c + 3u, last) * step);
  let row = dims.taps * dims.channelQuads;
  let at = (id.z * dims.outputQuads + o) * 4u * row + tap * dims.channelQuads + quad;
  transposed[at] = vec4f(w0.x, w1.x, w2.x, w3.x);
  transposed[at + row] = vec4f(w0.y, w1.y, w2.y, w3.y);
  transposed[at + 2u * row] = vec4f(w0.z, w1.z, w2.z, w3.z);
  transposed[at + 3u * row] = vec4f(w0.w, w1.w, w2.w, w3.w);
}
