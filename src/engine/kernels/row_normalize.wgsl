// y = x / max(‖x‖, 1e-12) for each row of x : [M, N]   (torch.nn.functional.normalize)
//
// One workgroup of LANES threads takes a row at a time: each thread sums every LANES-th square, all add the partial
// sums in one order, then write what they read. Workgroups stride over the rows, so any M fits.
//
// Edges: N need not be a multiple of LANES. A row of zeros stays zeros.
//
// Plan: RowNormalizeLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/kernels.gpu.test.ts
override LANES: u32 = 64u;

const SMALLEST_NORM = 1e-12;

struct Shape {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

var<workgroup> partials: array<f32, LANES>;

fn total(lane: u32, value: f32) -> f32 {
  workgroupBarrier(); // the last total has been read by all
  partials[lane] = value;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < LANES; i++) { sum += partials[i]; }
  return sum;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var row = group.x; row < shape.rows; row += groups.x) {
    let start = row * shape.columns;
    var squares = 0.0;
    for (var i = lane; i < shape.columns; i += LANES) { squares += source[start + i] * source[start + i]; }
    let norm = max(sqrt(total(lane, squares)), SMALLEST_NORM);
    for (var i = lane; i < shape.columns; i += LANES) { result[start + i] = source[start + i] / norm; }
  }
}
