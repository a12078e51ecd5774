// result[s, :] = mean of source[r, :] over spans[s, 0] ≤ r < spans[s, 1]   source : [R, N]   spans : u32 [S, 2]   result : [S, N]
//
// A thread owns one column of one segment and walks down its rows, so neighbours read neighbours and the sum has one
// order. Segments lie along x of the grid, blocks of 64 columns along y.
//
// Edges: an empty span gives 0. Workgroups stride over the segments, so any S fits.
//
// Plan: SegmentMeanLaunch     CPU twin: ../reference/segments.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
struct Shape {
  segments: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> spans: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = group.y * 64u + lane;
  if (column >= shape.columns) { return; }
  for (var segment = group.x; segment < shape.segments; segment += groups.x) {
    let span = spans[segment];
    var sum = 0.0;
    for (var row = span.x; row < span.y; row++) { sum += source[row * shape.columns + column]; }
    result[segment * shape.columns + column] = sum / f32(max(span.y, span.x + 1u) - span.x);
  }
}
