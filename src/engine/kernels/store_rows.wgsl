// store[places[r], :] = source[r, :], in place, for every row whose place lies inside the store.
//   source : [R, C]     places : u32 [R], all different     store : [P, C]
//
// A workgroup takes one row at a time, its lanes neighbouring columns.
//
// Edges: any R, C and P; a place past the store is left out.
//
// Plan: StoreRowsLaunch     CPU twin: ../reference/cached-attention.ts     Test: tests/engine/kernels.gpu.test.ts
override LANES: u32 = 64u;

struct Shape {
  rows: u32,
  columns: u32,
  storeRows: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> places: array<u32>;
@group(0) @binding(3) var<storage, read_write> store: array<f32>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var row = group.x; row < shape.rows; row += groups.x) {
    let place = places[row];
    if (place >= shape.storeRows) { continue; }
    for (var column = lane; column < shape.columns; column += LANES) {
      store[place * shape.columns + column] = source[row * shape.columns + column];
    }
  }
}
