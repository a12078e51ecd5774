// stats[h, i] = (logSumExp[h, i], δ[h, i])   with δ = dO[i]·O[i] over the columns of head h     O, dO : [R, H·Dh]
//
// What both halves of the backward pass need of a row, side by side, so that they bind one buffer for two. A thread owns
// one row of one head, heads lying next to each other, so neighbours read neighbouring stretches.
//
// Edges: threads stride over the grid, so any size fits.
//
// Plan: AttentionGradientLaunch, its first dispatch     CPU twin: ../reference/attention.ts
// Test: tests/engine/sequence-kernels.gpu.test.ts
struct Shape {
  rows: u32,
  heads: u32,
  headSize: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> result: array<f32>;
@group(0) @binding(2) var<storage, read> upstream: array<f32>;
@group(0) @binding(3) var<storage, read> logSumExp: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = thread.x; i < shape.rows * shape.heads; i += groups.x * 64u) {
    let row = i / shape.heads;
    let head = i % shape.heads;
    let start = i * shape.headSize;
    var delta = 0.0;
    for (var c = start; c < start + shape.headSize; c++) { delta += result[c] * upstream[c]; }
    let at = head * shape.rows + row;
    stats[at] = vec2f(logSumExp[at], delta);
  }
}
