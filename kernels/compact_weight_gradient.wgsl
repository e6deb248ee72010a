// Compact dense layer, weight and bias gradient: Σ_n input[position][n] · outputGradient[row][n] for each survivor, and
// bias[o] = Σ_n outputGradient[o][n]; n ascending by vec4. The loss's 1 / batch is already in outputGradient.
//
// input           [R][I][N]   N padded to 8; padding lanes are finite, rows beyond I are not read
// outputGradient  [R][O][N]   O padded to 4 with rows of zeros; padding lanes are zero
// positions       [R][quads]  input of each value, four values of one output row to a quad: see compact_forward.wgsl
// rowOf           [R][quads]  output row of each quad
// mask            [R][arena]  one bit per parameter: 1 for survivors, 0 for padding
// gradient        [R][arena]  values at dims.weight, all quads of them; bias [O] at dims.bias
//
// Grid: flat over quads + O / 4 in 2-D, z = R: behind the quads stand those of the bias.
// Numerics: fixed order, whatever N and R are, and the bits that dense_weight_gradient.wgsl gives. Padding gets exact zeros,
// even where its sum would be NaN.
// Tile: one quad per invocation, and all do equal work; eight images load 10 vec4 for 32 multiply-adds. 784 × 300, batch 64,
// took 0.44 of the dense kernel's time at 13 % and 0.13 at 3.6 %; with four images per iteration 0.46 and 0.14; workgroups
// of 16 instead of 64 were 4 % slower (lavapipe, Mesa 22.3, 2026-11-25).

struct Dims {
  quads: u32,  // of one replicate
  columns: u32,  // invocations along x
  inputRows: u32,  // rows of one replicate's input, padded to 4
  outputQuads: u32,  // O / 4, padded
  batchQuads: u32,  // N / 4, even
  weight: u32,  // offsets and strides in vec4
  bias: u32,
  parameterStride: u32,
}

override groupX: u32 = 64;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> outputGradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> positions: array<vec4u>;
@group(0) @binding(4) var<storage, read> rowOf: array<u32>;
@group(0) @binding(5) var<storage, read> mask: array<u32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<vec4f>;

// The four values at vec4 `at` of the arena: their mask bits never straddle a word.
fn kept(at: u32, value: vec4f) -> vec4f {
  let bits = (vec4u(mask[at >> 3u]) >> (vec4u((at & 7u) * 4u) + vec4u(0u, 1u, 2u, 3u))) & vec4u(1u);
  return select(vec4f(0.0), value, bits == vec4u(1u));
}

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let quad = id.y * dims.columns + id.x;
  if (id.x >= dims.columns || quad >= dims.quads + dims.outputQuads) {  // guard
    return;
  }
  let q = dims.batchQuads;
  let base = id.z * dims.parameterStride;
  let rows = id.z * dims.outputQuads * 4u * q;
  var sum = vec4f(0.0);
  if (quad < dims.quads) {
    let own = id.z * dims.quads + quad;
    let x = (id.z * dims.inputRows + positions[own]) * q;
    let d = rows + rowOf[own] * q;
    // Bounded by a uniform, written out and each load beside its product: 10 % less time than bounded by a place and with
    // the products in a function. Lavapipe does not unroll this loop anew at every change of pipeline (see
    // dense_forward.wgsl), as measured for batches of 8 to 64.
    for (var n = 0u; n < q; n += 2u) {
      let c = outputGradient[d + n];
      sum += vec4f(dot(input[x.x + n], c), dot(input[x.y + n], c), dot(input[x.z + n], c), dot(input[x.w + n], c));
      let e = outputGradient[d + n + 1u];
      sum += vec4f(
        dot(input[x.x + n + 1u], e),
        dot(input[x.y + n + 1u], e),
        dot(input[x.z + n + 1u], e),
        dot(input[x.w + n + 1u], e),
      );
    }
    let at = base + dims.weight + quad;
    gradient[at] = kept(at, sum);
    return;
  }
  let o = quad - dims.quads;
  var d = rows + o * 4u * q;
  let end = d + q;
  let ones = vec4f(1.0);
  while (d < end) {
    sum += vec4f(
      dot(ones, outputGradient[d]),
      dot(ones, outputGradient[d + q]),
      dot(ones, outputGradient[d + 2u * q]),
      dot(ones, outputGradient[d + 3u * q]),
    );
    d++;
  }
  gradient[base + dims.bias + o] = sum;
}
