// Softmax cross-entropy of each row i of logits : [B, N], forward and gradient in one pass.
//   s[j]  = scale · inverse · logits[i, j]        inverse = 1 / max(‖query i‖, 1e-12), or 1 without queries
//   p     = softmax of s over the kept columns and the positives;  t = 1/P at the P positives, or targets[i, j]
//   loss[i]            = logsumexp(s) − Σ t·s
//   coefficients[i, j] = scale · inverse · (p − t) / B         0 where not kept, and in the padding up to `stride`
//   beta[i]            = inverse² · Σ s · (p − t) / B          so dQuery = coefficients · documents − beta · query
// Kept: columnGroups[j] is neither 0xffffffff nor the row's group. Positives (default: column i) always take part, as do
// columns with a target above 0 where there are targets : f32 [B, N], whose rows sum to 1 or 0.
//
// One workgroup of LANES threads takes a row at a time, a thread every LANES-th column, in four passes: norm, largest
// score, sum of exponentials, results. A positive is visited after the columns, by the thread that owns its column, so
// no result is written by two threads. All passes share one text, which keeps the pipeline small. With queries this is the middle of the three launches of mnrl (ops/mnrl.ts).
//
// Edges: N and LANES are free; a row without positives or targets gives zeros; barriers stand in uniform control flow.
//
// Plan: SoftmaxRowsLaunch     CPU twin: ../reference/softmax-rows.ts     Test: tests/engine/kernels.gpu.test.ts
override LANES: u32 = 64u;

const SMALLEST_NORM = 1e-12;
const NO_COLUMN = 0xffffffffu;
const EXCLUDED = 0xffffffffu;
const LEAST = -3.4e38;
const SOFT = 0xffffffffu;

// The passes over a row.
const NORM = 0u;
const LARGEST = 1u;
const SUM = 2u;
const RESULTS = 3u;

struct Shape {
  rows: u32,
  columns: u32,
  stride: u32,
  width: u32, // of a query; 0: no queries
  perRow: u32, // positives of a row; 0: column i; SOFT: targets
  grouped: u32,
  wantsGradient: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> queries: array<f32>;
@group(0) @binding(3) var<storage, read> positives: array<u32>; // or targets, as bits
@group(0) @binding(4) var<storage, read> rowGroups: array<u32>;
@group(0) @binding(5) var<storage, read> columnGroups: array<u32>;
@group(0) @binding(6) var<storage, read_write> loss: array<f32>;
@group(0) @binding(7) var<storage, read_write> coefficients: array<f32>;
@group(0) @binding(8) var<storage, read_write> beta: array<f32>;

var<workgroup> partials: array<vec2f, LANES>;

struct Combined {
  sum: vec2f,
  largest: f32,
}

// Σ and max of what the threads hold, in one order.
fn combined(lane: u32, value: vec2f) -> Combined {
  workgroupBarrier(); // the last partials have been read by all
  partials[lane] = value;
  workgroupBarrier();
  var result = Combined(vec2f(), LEAST);
  for (var i = 0u; i < LANES; i++) {
    result.sum += partials[i];
    result.largest = max(result.largest, partials[i].x);
  }
  return result;
}

fn targetAt(row: u32, column: u32) -> f32 {
  return bitcast<f32>(positives[row * shape.columns + column]);
}

// With targets: 1 if the row has any.
fn positiveCount(row: u32) -> u32 {
  if (shape.perRow == 0u) { return 1u; }
  if (shape.perRow == SOFT) {
    for (var column = 0u; column < shape.columns; column++) {
      if (targetAt(row, column) > 0.0) { return 1u; }
    }
    return 0u;
  }
  var count = 0u;
  for (var p = 0u; p < shape.perRow; p++) {
    if (positives[row * shape.perRow + p] == NO_COLUMN) { break; }
    count++;
  }
  return count;
}

fn kept(group: u32, column: u32) -> bool {
  if (shape.grouped == 0u) { return true; }
  let other = columnGroups[column];
  return other != EXCLUDED && other != group;
}

// What a row has found out so far.
struct Row {
  index: u32,
  group: u32,
  positives: u32,
  factor: f32, // scale · inverse
  most: f32, // largest score
  exponentials: f32,
}

// One item (a column, or a positive) in one pass. The result is added to, or for the first pass maximised over.
fn visit(row: Row, scan: u32, column: u32, positive: bool) -> vec2f {
  var share = select(0.0, 1.0 / f32(row.positives), positive);
  if (shape.perRow == SOFT) { share = targetAt(row.index, column); }
  let keeps = kept(row.group, column) || (shape.perRow == SOFT && share > 0.0);
  let at = row.index * shape.stride + column;
  let score = row.factor * logits[at];
  if (scan == LARGEST) { return vec2f(select(LEAST, score, positive || keeps), 0.0); }
  let exponential = exp(score - row.most);
  let part = select(0.0, exponential, positive != keeps); // a positive that is kept has been counted as a column
  if (scan == SUM) { return vec2f(part, share * score); }
  let probability = select(0.0, exponential / row.exponentials, positive || keeps);
  let error = (probability - share) / f32(shape.rows);
  coefficients[at] = row.factor * error;
  return vec2f((part / row.exponentials - share) * score / f32(shape.rows), 0.0);
}

// This thread's part of one pass over the columns and then the positives that it owns.
fn scanRow(row: Row, scan: u32, lane: u32) -> vec2f {
  var result = vec2f(select(0.0, LEAST, scan == LARGEST), 0.0);
  let visits = shape.columns + select(row.positives, 0u, shape.perRow == SOFT);
  for (var i = select(lane, shape.columns, lane >= shape.columns); i < visits; ) {
    let positive = i >= shape.columns;
    var column = i;
    if (positive) {
      column = row.index;
      if (shape.perRow > 0u) { column = positives[row.index * shape.perRow + i - shape.columns]; }
    }
    if (!positive || column % LANES == lane) {
      let found = visit(row, scan, column, positive);
      if (scan == LARGEST) { result.x = max(result.x, found.x); } else { result += found; }
    }
    // Columns are LANES apart; every thread then looks at every positive.
    i = select(i + 1u, select(i + LANES, shape.columns, i + LANES >= shape.columns), !positive);
  }
  return result;
}

fn squares(row: u32, lane: u32) -> f32 {
  var sum = 0.0;
  for (var i = lane; i < shape.width; i += LANES) {
    let value = queries[row * shape.width + i];
    sum += value * value;
  }
  return sum;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var index = workgroup.x; index < shape.rows; index += workgroups.x) {
    var row = Row(index, 0u, positiveCount(index), shape.scale, 0.0, 1.0);
    if (shape.grouped == 1u) { row.group = rowGroups[index]; }
    var norm = 1.0;
    for (var scan = NORM; scan <= RESULTS; scan++) {
      var part = vec2f();
      if (scan == NORM) {
        part.x = squares(index, lane);
      } else if (row.positives > 0u && (scan != RESULTS || shape.wantsGradient == 1u)) {
        part = scanRow(row, scan, lane);
      }
      let found = combined(lane, part);
      if (scan == NORM && shape.width > 0u) {
        norm = sqrt(found.sum.x);
        row.factor = shape.scale / max(norm, SMALLEST_NORM);
      }
      if (scan == LARGEST) { row.most = found.largest; }
      if (scan == SUM) {
        row.exponentials = found.sum.x;
        let value = row.most + log(found.sum.x) - found.sum.y;
        if (lane == 0u) { loss[index] = select(0.0, value, row.positives > 0u); }
      }
      if (scan == RESULTS && lane == 0u && shape.wantsGradient == 1u && shape.width > 0u) {
        beta[index] = select(0.0, found.sum.x / (norm * norm), norm > SMALLEST_NORM);
      }
    }
    if (shape.wantsGradient == 1u) {
      let first = select(shape.columns, 0u, row.positives == 0u); // padding, or a row without positives
      for (var j = first + lane; j < shape.stride; j += LANES) { coefficients[index * shape.stride + j] = 0.0; }
    }
  }
}
