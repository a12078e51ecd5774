// result[at + …] = finish(scale · factor · Σ source · times)   source, times : [M, N], up to four sums in one dispatch
//   over all → 1 value     over the columns of each row → M values     over the rows of each column → N values
// times and factor (one value) are optional; finish is √ for a norm from partial sums of squares.
//
// One reduction per workgroup row (y). A sum over all is made by one workgroup: each of its LANES threads sums every
// LANES-th element, then all threads add the partial sums in one order. A row or a column belongs to one thread.
//
// Edges: threads stride over the grid, so any size fits. Barriers stand in control flow that is uniform, because the
// axis comes from a uniform buffer.
//
// Plan: ReduceLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/reductions.gpu.test.ts
override LANES: u32 = 64u;

const NONE = 255u;
const OVER_ALL = 0u;
const OVER_ROWS = 1u;

struct Reduction {
  axis: u32, // 0 all, 1 rows, 2 columns
  rows: u32,
  columns: u32,
  slots: u32, // source | times << 8 | factor << 16; 255: none
  scale: f32,
  root: u32,
  at: u32, // first element written
  spare: u32,
}

@group(0) @binding(0) var<uniform> reductions: array<Reduction, 4>;
@group(0) @binding(1) var<storage, read> source0: array<f32>;
@group(0) @binding(2) var<storage, read> source1: array<f32>;
@group(0) @binding(3) var<storage, read> source2: array<f32>;
@group(0) @binding(4) var<storage, read> source3: array<f32>;
@group(0) @binding(5) var<storage, read> source4: array<f32>;
@group(0) @binding(6) var<storage, read_write> result: array<f32>;

var<workgroup> partials: array<f32, LANES>;

fn valueAt(slot: u32, index: u32) -> f32 {
  if (slot == 0u) { return source0[index]; }
  if (slot == 1u) { return source1[index]; }
  if (slot == 2u) { return source2[index]; }
  if (slot == 3u) { return source3[index]; }
  return source4[index];
}

// Σ of `count` products from `start`, `stride` apart
fn sumOf(reduction: Reduction, start: u32, stride: u32, count: u32) -> f32 {
  let source = reduction.slots & 255u;
  let times = (reduction.slots >> 8u) & 255u;
  var sum = 0.0;
  if (times == NONE) {
    for (var i = 0u; i < count; i++) { sum += valueAt(source, start + i * stride); }
    return sum;
  }
  for (var i = 0u; i < count; i++) {
    sum += valueAt(source, start + i * stride) * valueAt(times, start + i * stride);
  }
  return sum;
}

fn finished(reduction: Reduction, sum: f32) -> f32 {
  let factor = (reduction.slots >> 16u) & 255u;
  var value = sum * reduction.scale;
  if (factor != NONE) { value *= valueAt(factor, 0u); }
  return select(value, sqrt(value), reduction.root == 1u);
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let reduction = reductions[group.y];
  let first = group.x * LANES + lane;
  if (reduction.axis == OVER_ALL) {
    if (group.x > 0u) { return; }
    let size = reduction.rows * reduction.columns;
    partials[lane] = sumOf(reduction, lane, LANES, (size + LANES - 1u - lane) / LANES);
    workgroupBarrier();
    var sum = 0.0;
    for (var i = 0u; i < LANES; i++) { sum += partials[i]; }
    if (lane == 0u) { result[reduction.at] = finished(reduction, sum); }
    return;
  }
  if (reduction.axis == OVER_ROWS) {
    for (var row = first; row < reduction.rows; row += groups.x * LANES) {
      let sum = sumOf(reduction, row * reduction.columns, 1u, reduction.columns);
      result[reduction.at + row] = finished(reduction, sum);
    }
    return;
  }
  for (var column = first; column < reduction.columns; column += groups.x * LANES) {
    let sum = sumOf(reduction, column, reduction.columns, reduction.rows);
    result[reduction.at + column] = finished(reduction, sum);
  }
}
