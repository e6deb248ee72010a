// Softmax and cross-entropy of a batch: loss[n] = log Σ_o exp(logit[o][n] − m) − (logit[label[n]][n] − m) with
// m = max_o logit[o][n]; gradient[o][n] = (softmax[o][n] − [o = label[n]]) · scale; correct[n] = the first largest logit
// is the label's.
//
// logits    [R][O][N]  O padded to 4 (padding rows are not read), N padded to 8
// labels    [R][N]     0xffffffff in lanes beyond the batch: their loss, gradient and correct are exact zeros
// gradient  [R][O][N]  written with `withGradient`; padding rows are not touched
// losses    [R][L], correct [R][L]   written at dims.start, so that the chunks of an evaluation stand in one row
//
// Grid: x = N / 4, z = R. One invocation holds four images.
// Numerics: subtracting the maximum keeps it finite for logits of ±1e4 and beyond. A NaN or +∞ among the logits makes the
// loss NaN and the image not correct; comparisons with NaN are avoided by looking at bits.

struct Dims {
  outputRows: u32,  // O padded to 4
  batchQuads: u32,  // N / 4
  start: u32,  // in vec4
  lossStride: u32,  // L / 4
  scale: u32,  // f32 bits: 1 / images of the batch
}

// Not in dims: lavapipe (Mesa 22.3) inlines uniforms that bound short loops, and then compiles the shader anew at every
// change of pipeline: 13 ms a step instead of 0.05 (2026-11-24).
override outputs: u32;
override withGradient: bool = true;
override groupX: u32 = 8;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> logits: array<vec4f>;
@group(0) @binding(2) var<storage, read> labels: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> losses: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> correct: array<vec4u>;

@compute @workgroup_size(groupX)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= dims.batchQuads) {  // guard
    return;
  }
  let q = dims.batchQuads;
  let base = id.z * dims.outputRows * q + id.x;
  let label = labels[id.z * q + id.x];
  let valid = label != vec4u(0xffffffffu);
  var largest = logits[base];
  var predicted = vec4u(0u);
  var wanted = largest;
  for (var o = 1u; o < outputs; o++) {
    let logit = logits[base + o * q];
    predicted = select(predicted, vec4u(o), logit > largest);
    largest = select(largest, logit, logit > largest);
    wanted = select(wanted, logit, label == vec4u(o));
  }
  var sum = vec4f(0.0);
  for (var o = 0u; o < outputs; o++) {
    sum += exp(logits[base + o * q] - largest);
  }
  let loss = log(sum) - (wanted - largest);
  let isNumber = (bitcast<vec4u>(loss) & vec4u(0x7fffffffu)) <= vec4u(0x7f800000u);
  let at = id.z * dims.lossStride + dims.start + id.x;
  losses[at] = select(vec4f(0.0), loss, valid);
  correct[at] = select(vec4u(0u), vec4u(1u), valid & isNumber & (predicted == label));
  if (withGradient) {
    let scale = bitcast<f32>(dims.scale);
    for (var o = 0u; o < outputs; o++) {
      let softmax = exp(logits[base + o * q] - largest) / sum;
      let truth = select(vec4f(0.0), vec4f(1.0), label == vec4u(o));
      gradient[base + o * q] = select(vec4f(0.0), (softmax - truth) * scale, valid);
    }
  }
}
