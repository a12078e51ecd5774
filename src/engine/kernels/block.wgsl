// result[r, c] = source[r + rowOffset, c + columnOffset] where that lies inside the source, else 0
//   source : [P, Q]     result : [M, N]     offsets may be negative, so this cuts a block out as well as it puts one in
//
// Bits are copied, so f32 and u32 go the same way. One workgroup of LANES threads takes a row at a time, and blocks of
// columns lie along y of the grid. No division, which a software adapter does lane by lane.
//
// Edges: workgroups stride over rows and columns, so any size fits.
//
// Plan: BlockLaunch     CPU twin: ../reference/segments.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
override LANES: u32 = 64u;

struct Shape {
  rows: u32,
  columns: u32,
  sourceRows: u32,
  sourceColumns: u32,
  rowOffset: i32,
  columnOffset: i32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<u32>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var row = group.x; row < shape.rows; row += groups.x) {
    let begin = i32(row) + shape.rowOffset;
    let inside = begin >= 0 && begin < i32(shape.sourceRows);
    for (var c = group.y * LANES + lane; c < shape.columns; c += groups.y * LANES) {
      let column = i32(c) + shape.columnOffset;
      var value = 0u;
      if (inside && column >= 0 && column < i32(shape.sourceColumns)) {
        value = source[u32(begin) * shape.sourceColumns + u32(column)];
      }
      result[row * shape.columns + c] = value;
    }
  }
}
