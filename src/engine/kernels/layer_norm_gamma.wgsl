// partials[p, c] = Σ dY[r, c] · x̂[r, c] over the rows p·BLOCK ≤ r < (p+1)·BLOCK     x, dY : [M, N]
//   x̂ = (x − mean) / √(variance + ε) for each row, as in layer_norm.wgsl (the mean counts as 0 where not CENTRED).  dγ is the sum of the partials over p, which
//   reduce.wgsl makes; where one block holds all rows, the partials are dγ.
//
// One workgroup of LANES threads takes BLOCK rows: first all threads together find mean and scale of one row after the
// other and keep them in workgroup memory; then each thread walks down its columns (every LANES-th) through the rows of
// the block, so neighbours read neighbours. Both orders are fixed: no atomics, the same bits on every run.
//
// Edges: M and N are free, the last block may be short. Barriers stand in uniform control flow.
//
// Plan: LayerNormGammaLaunch     CPU twin: ../reference/layer-norm.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
override LANES: u32 = 64u;
override BLOCK: u32 = 32u;
override CENTRED: u32 = 1u;

struct Shape {
  rows: u32,
  columns: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> upstream: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

var<workgroup> sums: array<f32, LANES>;
var<workgroup> norms: array<vec2f, BLOCK>; // mean and scale of each row

fn total(lane: u32, value: f32) -> f32 {
  workgroupBarrier(); // the last total has been read by all
  sums[lane] = value;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < LANES; i++) { sum += sums[i]; }
  return sum;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let width = shape.columns;
  let count = f32(width);
  let first = group.x * BLOCK;
  let rows = min(BLOCK, shape.rows - first);
  for (var row = 0u; row < rows; row++) {
    let start = (first + row) * width;
    var sum = 0.0;
    if (CENTRED == 1u) {
      for (var i = lane; i < width; i += LANES) { sum += source[start + i]; }
      sum = total(lane, sum);
    }
    let mean = sum / count;
    var squares = 0.0;
    for (var i = lane; i < width; i += LANES) {
      let centred = source[start + i] - mean;
      squares += centred * centred;
    }
    let scale = inverseSqrt(total(lane, squares) / count + shape.epsilon);
    if (lane == 0u) { norms[row] = vec2f(mean, scale); }
  }
  workgroupBarrier();
  for (var column = lane; column < width; column += LANES) {
    var sum = 0.0;
    for (var row = 0u; row < rows; row++) {
      let at = (first + row) * width + column;
      sum += upstream[at] * (source[at] - norms[row].x) * norms[row].y;
    }
    partials[group.x * width + column] = sum;
  }
}
