// Copy peak of the adapter: one large buffer into another, nothing else, sixteen values per invocation in vec4, as the passes
// over the arena do it.
//
// input   [values]
// output  [values]
//
// Grid: x = workgroups of 64, flat over the values / 16.

@group(0) @binding(0) var<uniform> quads: vec4u;  // vec4 of either buffer, and nothing
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.x * 4u;
  if (at + 3u >= quads.x) {  // guard
    return;
  }
  output[at] = input[at];
  output[at + 1u] = input[at + 1u];
  output[at + 2u] = input[at + 2u];
  output[at + 3u] = input[at + 3u];
}
