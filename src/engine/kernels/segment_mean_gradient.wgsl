// result[r, :] = upstream[s, :] / length of s, for the span s that holds row r, else 0
//   upstream : [S, N]     spans : u32 [S, 2], which do not overlap     result : [R, N]
//
// One workgroup of LANES threads takes a row at a time. Every thread looks through all spans for the one that holds the
// row: all threads read the same address, so a wavefront pays for one read. Then the threads share the columns.
//
// Edges: a row in no span gets 0. Workgroups stride over the rows, so any R fits.
//
// Plan: SegmentMeanGradientLaunch     CPU twin: ../reference/segments.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
override LANES: u32 = 64u;

const NONE = 0xffffffffu;

struct Shape {
  rows: u32,
  segments: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> upstream: array<f32>;
@group(0) @binding(2) var<storage, read> spans: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var row = group.x; row < shape.rows; row += groups.x) {
    var segment = NONE;
    var share = 0.0;
    for (var s = 0u; s < shape.segments; s++) {
      let span = spans[s];
      if (span.x <= row && row < span.y) {
        segment = s;
        share = 1.0 / f32(span.y - span.x);
        break;
      }
    }
    let start = row * shape.columns;
    for (var c = lane; c < shape.columns; c += LANES) {
      var value = 0.0;
      if (segment != NONE) { value = upstream[segment * shape.columns + c] * share; }
      result[start + c] = value;
    }
  }
}
