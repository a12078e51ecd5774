// Softmax cross-entropy of each row i of logits : [B, N], forward and gradient in one pass.
//   s[j]  = scale · inverse · logits[i, j]        inverse = 1 / max(‖query i‖, 1e-12), or 1 without queries
//   p     = softmax of s over the kept columns and the positives;  t = 1/P at the P positives
//   loss[i]            = logsumexp(s) − Σ t·s
//   coefficients[i, j] = scale · inverse · (p − t) / B         0 where not kept, and in the padding up to `stride`
//   beta[i]            = inverse² · Σ s · (p − t) / B          so dQuery = coefficients · documents − beta · query
// Kept: columnGroups[j] is neither 0xffffffff nor the row's group. Positives (default: column i) always take part.
//
// One workgroup of LANES threads takes a row at a time, a thread every LANES-th column, in three passes: largest score,
// sum of exponentials, results. The positives of a column are handled by the thread that owns the column, so no
// result is written twice by two threads. With queries this is the middle of the three launches of mnrl (ops/mnrl.ts).
//
// Edges: N and LANES are free; a row without positives gives zeros; barriers stand in uniform control flow.
//
// Plan: SoftmaxRowsLaunch     CPU twin: ../reference/softmax-rows.ts     Test: tests/engine/softmax.gpu.test.ts
override LANES: u32 = 64u;

const SMALLEST_NORM = 1e-12;
const NO_COLUMN = 0xffffffffu;
const EXCLUDED = 0xffffffffu;
const LEAST = -3.4e38;

struct Shape {
  rows: u32,
  columns: u32,
  stride: u32,
  width: u32, // of a query; 0: no queries
  perRow: u32, // positives of a row; 0: column i
  grouped: u32,
  wantsGradient: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> queries: array<f32>;
@group(0) @binding(3) var<storage, read> positives: array<u32>;
@group(0) @binding(4) var<storage, read> rowGroups: array<u32>;
@group(0) @binding(5) var<storage, read> columnGroups: array<u32>;
@group(0) @binding(6) var<storage, read_write> loss: array<f32>;
@group(0) @binding(7) var<storage, read_write> coefficients: array<f32>;
@group(0) @binding(8) var<storage, read_write> beta: array<f32>;

var<workgroup> partials: array<vec2f, LANES>;

fn total(lane: u32, value: vec2f) -> vec2f {
  workgroupBarrier(); // the last partials have been read by all
  partials[lane] = value;
  workgroupBarrier();
  var sum = vec2f();
  for (var i = 0u; i < LANES; i++) { sum += partials[i]; }
  return sum;
}

fn largest(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  partials[lane] = vec2f(value);
  workgroupBarrier();
  var most = LEAST;
  for (var i = 0u; i < LANES; i++) { most = max(most, partials[i].x); }
  return most;
}

fn positiveCount(row: u32) -> u32 {
  if (shape.perRow == 0u) { return 1u; }
  for (var p = 0u; p < shape.perRow; p++) {
    if (positives[row * shape.perRow + p] == NO_COLUMN) { return p; }
  }
  return shape.perRow;
}

fn positiveAt(row: u32, p: u32) -> u32 {
  if (shape.perRow == 0u) { return row; }
  return positives[row * shape.perRow + p];
}

fn kept(row: u32, column: u32) -> bool {
  if (shape.grouped == 0u) { return true; }
  let group = columnGroups[column];
  return group != EXCLUDED && group != rowGroups[row];
}

fn queryNorm(row: u32, lane: u32) -> f32 {
  if (shape.width == 0u) { return 1.0; }
  var squares = 0.0;
  for (var i = lane; i < shape.width; i += LANES) {
    let value = queries[row * shape.width + i];
    squares += value * value;
  }
  return sqrt(total(lane, vec2f(squares)).x);
}

fn largestScore(row: u32, lane: u32, count: u32, factor: f32) -> f32 {
  var most = LEAST;
  for (var j = lane; j < shape.columns; j += LANES) {
    if (kept(row, j)) { most = max(most, factor * logits[row * shape.stride + j]); }
  }
  for (var p = lane; p < count; p += LANES) {
    most = max(most, factor * logits[row * shape.stride + positiveAt(row, p)]);
  }
  return largest(lane, most);
}

// Σ exp(s − most) over all that takes part, and Σ t·s
fn sums(row: u32, lane: u32, count: u32, factor: f32, most: f32) -> vec2f {
  var sum = vec2f();
  for (var j = lane; j < shape.columns; j += LANES) {
    if (kept(row, j)) { sum.x += exp(factor * logits[row * shape.stride + j] - most); }
  }
  for (var p = lane; p < count; p += LANES) {
    let column = positiveAt(row, p);
    let score = factor * logits[row * shape.stride + column];
    if (!kept(row, column)) { sum.x += exp(score - most); }
    sum.y += score / f32(count);
  }
  return total(lane, sum);
}

// Writes the coefficients of a row; returns this thread's part of Σ s·(p − t).
fn writeCoefficients(row: u32, lane: u32, count: u32, factor: f32, most: f32, exponentials: f32) -> f32 {
  let start = row * shape.stride;
  let share = 1.0 / f32(shape.rows);
  var weighted = 0.0;
  for (var j = lane; j < shape.stride; j += LANES) {
    var error = 0.0;
    if (j < shape.columns && count > 0u && kept(row, j)) {
      let score = factor * logits[start + j];
      error = exp(score - most) / exponentials;
      weighted += error * score;
    }
    coefficients[start + j] = factor * error * share;
  }
  for (var p = 0u; p < count; p++) {
    let column = positiveAt(row, p);
    if (column % LANES == lane) {
      let score = factor * logits[start + column];
      let probability = exp(score - most) / exponentials;
      let target_ = 1.0 / f32(count);
      coefficients[start + column] = factor * (probability - target_) * share;
      weighted += select(probability - target_, -target_, kept(row, column)) * score;
    }
  }
  return weighted * share;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var row = group.x; row < shape.rows; row += groups.x) {
    let norm = queryNorm(row, lane);
    let factor = shape.scale / max(norm, SMALLEST_NORM);
    let count = positiveCount(row);
    let most = largestScore(row, lane, count, factor);
    let both = sums(row, lane, count, factor, most);
    if (lane == 0u) { loss[row] = select(0.0, most + log(both.x) - both.y, count > 0u); }
    if (shape.wantsGradient == 1u) {
      let weighted = total(lane, vec2f(writeCoefficients(row, lane, count, factor, most, both.x))).x;
      if (lane == 0u && shape.width > 0u) {
        beta[row] = select(0.0, weighted / (norm * norm), norm > SMALLEST_NORM);
      }
    }
  }
}
