// Multiply-add peak of the adapter: sixteen independent chains of scalar multiply-adds in registers, 256 × 4 deep; nothing
// but the final sum touches memory.
//
// output  [invocations]  so that the compiler must do the work
//
// Grid: x = workgroups of 64.

@group(0) @binding(0) var<uniform> scale: vec4f;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = scale.x + f32(id.x) * 1e-9;
  let y = scale.y;
  var a0 = x;
  var a1 = x + 1.0;
  var a2 = x + 2.0;
  var a3 = x + 3.0;
  var a4 = x + 4.0;
  var a5 = x + 5.0;
  var a6 = x + 6.0;
  var a7 = x + 7.0;
  var a8 = x + 8.0;
  var a9 = x + 9.0;
  var b0 = x + 10.0;
  var b1 = x + 11.0;
  var b2 = x + 12.0;
  var b3 = x + 13.0;
  var b4 = x + 14.0;
  var b5 = x + 15.0;
  for (var step = 0u; step < 256u; step++) {
    for (var part = 0u; part < 4u; part++) {
      a0 = fma(a0, x, y);
      a1 = fma(a1, x, y);
      a2 = fma(a2, x, y);
      a3 = fma(a3, x, y);
      a4 = fma(a4, x, y);
      a5 = fma(a5, x, y);
      a6 = fma(a6, x, y);
      a7 = fma(a7, x, y);
      a8 = fma(a8, x, y);
      a9 = fma(a9, x, y);
      b0 = fma(b0, x, y);
      b1 = fma(b1, x, y);
      b2 = fma(b2, x, y);
      b3 = fma(b3, x, y);
      b4 = fma(b4, x, y);
      b5 = fma(b5, x, y);
    }
  }
  output[id.x] = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + b0 + b1 + b2 + b3 + b4 + b5;
}
