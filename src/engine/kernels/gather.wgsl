// result[r, :] = table[indices[r], :]   table : [T, D]   indices : u32 [B]   result : [B, D], up to three at once
//
// Bits are copied, so tables of f32 and of u32 go the same way. One copy per workgroup row (y); a thread takes single
// elements and strides over the grid, so any size fits.
//
// Edges: an index past the table reads its last row.
//
// Plan: GatherLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/rows.gpu.test.ts
struct Copy {
  rows: u32,
  columns: u32,
  tableRows: u32,
  indexSlot: u32, // which of the two index buffers
}

@group(0) @binding(0) var<uniform> copies: array<Copy, 3>;
@group(0) @binding(1) var<storage, read> table0: array<u32>;
@group(0) @binding(2) var<storage, read> table1: array<u32>;
@group(0) @binding(3) var<storage, read> table2: array<u32>;
@group(0) @binding(4) var<storage, read> indices0: array<u32>;
@group(0) @binding(5) var<storage, read> indices1: array<u32>;
@group(0) @binding(6) var<storage, read_write> result0: array<u32>;
@group(0) @binding(7) var<storage, read_write> result1: array<u32>;
@group(0) @binding(8) var<storage, read_write> result2: array<u32>;

fn indexAt(slot: u32, row: u32) -> u32 {
  if (slot == 1u) { return indices1[row]; }
  return indices0[row];
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) thread: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let copy = copies[group.y];
  for (var i = thread.x; i < copy.rows * copy.columns; i += groups.x * 64u) {
    let row = i / copy.columns;
    let origin = min(indexAt(copy.indexSlot, row), copy.tableRows - 1u) * copy.columns + i % copy.columns;
    if (group.y == 0u) { result0[i] = table0[origin]; }
    if (group.y == 1u) { result1[i] = table1[origin]; }
    if (group.y == 2u) { result2[i] = table2[origin]; }
  }
}
