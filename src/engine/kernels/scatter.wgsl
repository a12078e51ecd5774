// result[t, :] = Σ_{r : indices[r] = t} source[r, :]   source : [B, D]   indices : u32 [B]   result : [T, D]
//
// The gradient of a gather. A thread owns one element of the result and walks over all indices in order, so the sum
// has one order and needs no atomics: T · D · B comparisons, meant for tables of thousands of rows and small batches.
//
// Edges: an index past the table counts as its last row, as in gather.wgsl. Threads stride over the grid.
//
// Plan: ScatterLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/kernels.gpu.test.ts
struct Shape {
  rows: u32,
  tableRows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = thread.x; i < shape.tableRows * shape.columns; i += groups.x * 64u) {
    let row = i / shape.columns;
    let column = i % shape.columns;
    var sum = 0.0;
    for (var r = 0u; r < shape.rows; r++) {
      if (min(indices[r], shape.tableRows - 1u) == row) { sum += source[r * shape.columns + column]; }
    }
    result[i] = sum;
  }
}
