// result[i] = 0: what scatter.wgsl needs before it adds to few rows of a large table.
//
// A thread takes vec4s a grid apart, so neighbours write neighbours and any size fits.
//
// Edges: bindings are rounded up to vec4s; what lies between buffers is zero anyway or means nothing.
//
// Plan: ScatterLaunch, its first dispatch     CPU twin: ../reference/launches.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
struct Shape {
  blocks: u32, // vec4s
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read_write> result: array<vec4u>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = thread.x; i < shape.blocks; i += groups.x * 64u) { result[i] = vec4u(); }
}
