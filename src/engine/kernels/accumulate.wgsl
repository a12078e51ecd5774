// target[i] += source[i]: gradients of several passes add up in place.   source, target : the same number of elements
//
// A thread takes vec4s a grid apart, so neighbours read neighbours and any size fits.
//
// Edges: bindings are rounded up to vec4s; what lies between buffers is added too and means nothing.
//
// Plan: AccumulateLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
struct Shape {
  blocks: u32, // vec4s
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> target_: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = thread.x; i < shape.blocks; i += groups.x * 64u) { target_[i] += source[i]; }
}
