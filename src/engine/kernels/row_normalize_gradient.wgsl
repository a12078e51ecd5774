// dX = (dY − ŷ·(ŷ·dY)) / ‖x‖, ŷ = x / ‖x‖, for each row of x, dY : [M, N]: the gradient of row_normalize.wgsl.
// Where ‖x‖ ≤ 1e-12 the norm counts as the constant 1e-12: dX = dY · 1e12.
//
// One workgroup of LANES threads takes a row at a time; sums as in row_normalize.wgsl. Any M and N.
//
// Plan: RowNormalizeGradientLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/kernels.gpu.test.ts
override LANES: u32 = 64u;

const SMALLEST_NORM = 1e-12;

struct Shape {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> upstream: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

var<workgroup> partials: array<vec2f, LANES>;

fn total(lane: u32, value: vec2f) -> vec2f {
  workgroupBarrier(); // the last total has been read by all
  partials[lane] = value;
  workgroupBarrier();
  var sum = vec2f();
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
    var sums = vec2f(); // x·x and x·dY
    for (var i = lane; i < shape.columns; i += LANES) {
      let x = source[start + i];
      sums += x * vec2f(x, upstream[start + i]);
    }
    sums = total(lane, sums);
    let norm = sqrt(sums.x);
    var along = 0.0;
    if (norm > SMALLEST_NORM) { along = sums.y / sums.x; }
    for (var i = lane; i < shape.columns; i += LANES) {
      result[start + i] = (upstream[start + i] - source[start + i] * along) / max(norm, SMALLEST_NORM);
    }
  }
}
