// result[at + …] = finish(scale · factor · Σ source · times)   source, times : [M, N], up to four sums in one dispatch
//   over all → 1 value     over the columns of each row → M values     over the rows of each column → N values
// times and factor (one value) are optional; finish is √ for a norm from partial sums of squares.
//
// One reduction per workgroup row (y). A sum over all is made by one workgroup: each of its LANES threads sums every
// LANES-th element, then thread 0 adds the partial sums in one order. A row or a column belongs to one thread.
// Columns of many rows are cut into parts of partRows rows; a second dispatch adds the parts [part, N].
//
// Edges: threads stride over the grid, so any size fits. The barrier stands where all threads pass.
//
// Plan: ReduceLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/kernels.gpu.test.ts
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
  partRows: u32, // columns in parts of this many rows, one a workgroup layer (z); 0: all at once
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

// Where the sum of one item starts, how far apart its values lie, how many there are.
fn spanOf(reduction: Reduction, item: u32, part: u32) -> vec3u {
  if (reduction.axis == OVER_ALL) {
    let size = reduction.rows * reduction.columns;
    return vec3u(item, LANES, (size + LANES - 1u - item) / LANES);
  }
  if (reduction.axis == OVER_ROWS) { return vec3u(item * reduction.columns, 1u, reduction.columns); }
  let first = part * reduction.partRows;
  let rows = select(min(reduction.partRows, reduction.rows - first), reduction.rows, reduction.partRows == 0u);
  return vec3u(first * reduction.columns + item, reduction.columns, rows);
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let reduction = reductions[group.y];
  let source = reduction.slots & 255u;
  let times = (reduction.slots >> 8u) & 255u;
  let factor = (reduction.slots >> 16u) & 255u;
  var scale = reduction.scale;
  if (factor != NONE) { scale *= valueAt(factor, 0u); }
  var items = select(reduction.columns, reduction.rows, reduction.axis == OVER_ROWS);
  if (reduction.axis == OVER_ALL) { items = LANES; }
  for (var item = group.x * LANES + lane; item < items; item += groups.x * LANES) {
    let span = spanOf(reduction, item, group.z);
    var sum = 0.0;
    for (var i = 0u; i < span.z; i++) {
      var value = valueAt(source, span.x + i * span.y);
      if (times != NONE) { value *= valueAt(times, span.x + i * span.y); }
      sum += value;
    }
    if (reduction.axis == OVER_ALL) {
      partials[item] = sum;
    } else {
      result[reduction.at + group.z * reduction.columns + item] = select(sum * scale, sqrt(sum * scale), reduction.root == 1u);
    }
  }
  workgroupBarrier();
  if (reduction.axis == OVER_ALL && group.x == 0u && lane == 0u) {
    var sum = 0.0;
    for (var i = 0u; i < LANES; i++) { sum += partials[i]; }
    result[reduction.at] = select(sum * scale, sqrt(sum * scale), reduction.root == 1u);
  }
}
