// Attention of packed sequences, one head at a time (Dao 2023, FlashAttention-2), for row i of head h:
//   p[j] = softmax over first_i ≤ j < end_i of scale · q[i]·k[j]        (first_i, end_i) = ranges[i]
//   result[i] = Σ_j dropped(p[j]) · v[j]          logSumExp[h, i] = log Σ_j exp(scale · q[i]·k[j])
//   where causal, end_i is at most i + 1
//   q, result : [R, H·Dh]     k, v : [R, G·Dh], head h reads ⌊h·G/H⌋     ranges : u32 [R, 2]
//   logSumExp : [H, R], all that the backward pass needs
//
// One workgroup of 8 × 8 threads per tile of 32 rows (x), head (y) and block of 32 columns of the result (z; one block up
// to Dh = 32). Keys go by in tiles of 32, from the first to the last that any row of the tile attends to, so no work is
// done for pairs of far sequences and no padding is needed between near ones. A thread holds 4 × 4 scores (rows y + 8a,
// keys x + 8b) and 4 × 4 results in named vec4s. Online softmax: when a tile raises a row's largest score, what was
// summed fades. Tiles lie in workgroup memory with 9 vec4s a row, so that eight threads reading eight rows meet no bank
// twice; the probabilities overwrite the keys. Tiles, partial sums: 14.5 KiB, inside WebGPU's default 16.
//
// Dropout keeps pair (i, j) by random.ts at element (h·R + i)·R + j. Every order is fixed: same bits on every run.
//
// Edges: any Dh (missing columns are 0), any R; rows of an empty range get 0. Barriers stand in uniform control flow: the
// ends of the loop come from `ranges`, which is read only.
//
// Plan: AttentionLaunch     CPU twin: ../reference/attention.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
const TILE = 32u;
const PITCH = 9u;
const LEAST = -3e38;

struct Shape {
  rows: u32,
  width: u32, // H · Dh
  headSize: u32,
  chunks: u32, // of 32 columns in a head
  scale: f32,
  dropBelow: u32, // random bits below which a pair is dropped; 0: no dropout
  keepFactor: f32, // 1 / (1 - rate)
  seed: u32,
  saves: u32, // logSumExp is wanted
  keyWidth: u32, // G · Dh
  group: u32, // heads that read one of keys and values
  causal: u32, // 1: row i attends to no key after i
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> counter: vec4u; // x
@group(0) @binding(2) var<storage, read> queries: array<f32>;
@group(0) @binding(3) var<storage, read> keys: array<f32>;
@group(0) @binding(4) var<storage, read> values: array<f32>;
@group(0) @binding(5) var<storage, read> ranges: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> result: array<f32>;
@group(0) @binding(7) var<storage, read_write> logSumExp: array<f32>;

var<workgroup> queryTile: array<vec4f, TILE * PITCH>;
var<workgroup> keyTile: array<vec4f, TILE * PITCH>; // then the probabilities: vec4 x of row r is keys x, x + 8, x + 16, x + 24
var<workgroup> valueTile: array<vec4f, TILE * PITCH>;
var<workgroup> shares: array<vec4f, 64>; // of the eight threads of four rows

// Which of four columns from `column` on exist in a head.
fn present(column: u32) -> vec4<bool> {
  return vec4u(column) + vec4u(0u, 1u, 2u, 3u) < vec4u(shape.headSize);
}

// The tiles from row `first`, columns 32·chunk of the head: four of 256 vec4s a thread, eight threads a row.
fn stageQueries(first: u32, head: u32, chunk: u32, lane: u32) {
  for (var i = lane; i < 256u; i += 64u) {
    let column = chunk * TILE + (i & 7u) * 4u;
    let at = min(first + (i >> 3u), shape.rows - 1u) * shape.width + head * shape.headSize + column;
    let value = vec4f(queries[at], queries[at + 1u], queries[at + 2u], queries[at + 3u]);
    queryTile[(i >> 3u) * PITCH + (i & 7u)] = select(vec4f(), value, present(column));
  }
}

fn stageKeys(first: u32, head: u32, chunk: u32, lane: u32) {
  for (var i = lane; i < 256u; i += 64u) {
    let column = chunk * TILE + (i & 7u) * 4u;
    let at = min(first + (i >> 3u), shape.rows - 1u) * shape.keyWidth + head / shape.group * shape.headSize + column;
    let value = vec4f(keys[at], keys[at + 1u], keys[at + 2u], keys[at + 3u]);
    keyTile[(i >> 3u) * PITCH + (i & 7u)] = select(vec4f(), value, present(column));
  }
}

fn stageValues(first: u32, head: u32, chunk: u32, lane: u32) {
  for (var i = lane; i < 256u; i += 64u) {
    let column = chunk * TILE + (i & 7u) * 4u;
    let at = min(first + (i >> 3u), shape.rows - 1u) * shape.keyWidth + head / shape.group * shape.headSize + column;
    let value = vec4f(values[at], values[at + 1u], values[at + 2u], values[at + 3u]);
    valueTile[(i >> 3u) * PITCH + (i & 7u)] = select(vec4f(), value, present(column));
  }
}

// pcg3d, first result, for four elements; the twin is random.ts
fn randomBits(element: vec4u) -> vec4u {
  var x = element * 1664525u + 1013904223u;
  var y = vec4u(counter.x * 1664525u + 1013904223u);
  var z = vec4u(shape.seed * 1664525u + 1013904223u);
  x += y * z;
  y += z * x;
  z += x * y;
  x ^= x >> vec4u(16u);
  y ^= y >> vec4u(16u);
  z ^= z >> vec4u(16u);
  return x + y * z;
}

// The keys that a row attends to.
fn rangeOf(row: u32) -> vec2u {
  let range = ranges[row];
  return vec2u(range.x, select(range.y, min(range.y, row + 1u), shape.causal == 1u));
}

fn largestOf(value: vec4f) -> f32 {
  return max(max(value.x, value.y), max(value.z, value.w));
}

// The scores of one row, and LEAST for keys outside its range.
fn scoresOf(products: vec4f, tileKeys: vec4u, first: u32, end: u32) -> vec4f {
  return select(vec4f(LEAST), shape.scale * products, (tileKeys >= vec4u(first)) & (tileKeys < vec4u(end)));
}

fn exponentials(scores: vec4f, peak: f32) -> vec4f {
  return select(vec4f(), exp(scores - peak), scores > vec4f(LEAST));
}

fn dropped(probabilities: vec4f, row: u32, head: u32, tileKeys: vec4u) -> vec4f {
  if (shape.dropBelow == 0u) { return probabilities; }
  let bits = randomBits((head * shape.rows + row) * shape.rows + tileKeys);
  return select(vec4f(), probabilities * shape.keepFactor, bits >= vec4u(shape.dropBelow));
}

fn store(row: u32, column: u32, head: u32, sums: vec4f, total: f32) {
  if (row >= shape.rows) { return; }
  let at = row * shape.width + head * shape.headSize + column;
  let value = select(sums / total, vec4f(), total == 0.0);
  if (column < shape.headSize) { result[at] = value.x; }
  if (column + 1u < shape.headSize) { result[at + 1u] = value.y; }
  if (column + 2u < shape.headSize) { result[at + 2u] = value.z; }
  if (column + 3u < shape.headSize) { result[at + 3u] = value.w; }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let x = lane & 7u;
  let y = lane >> 3u;
  let top = group.x * TILE;
  let head = group.y;
  let lastRow = shape.rows - 1u;
  var begin = 0xffffffffu;
  var until = 0u;
  for (var row = top; row < min(top + TILE, shape.rows); row++) {
    let range = rangeOf(row);
    if (range.x < range.y) {
      begin = min(begin, range.x);
      until = max(until, range.y);
    }
  }
  let row = vec4u(top + y) + vec4u(0u, 8u, 16u, 24u);
  let range0 = rangeOf(min(row.x, lastRow));
  let range1 = rangeOf(min(row.y, lastRow));
  let range2 = rangeOf(min(row.z, lastRow));
  let range3 = rangeOf(min(row.w, lastRow));
  var most = vec4f(LEAST);
  var total = vec4f(); // this thread's share
  var r0 = vec4f();
  var r1 = vec4f();
  var r2 = vec4f();
  var r3 = vec4f();
  for (var start = begin; start < until; start += TILE) {
    var s0 = vec4f();
    var s1 = vec4f();
    var s2 = vec4f();
    var s3 = vec4f();
    for (var chunk = 0u; chunk < shape.chunks; chunk++) {
      workgroupBarrier(); // the tiles have been read by all
      if (start == begin || shape.chunks > 1u) { stageQueries(top, head, chunk, lane); }
      stageKeys(start, head, chunk, lane);
      if (chunk == group.z) { stageValues(start, head, chunk, lane); }
      workgroupBarrier();
      for (var d = 0u; d < 8u; d++) {
        let q0 = queryTile[y * PITCH + d];
        let q1 = queryTile[(y + 8u) * PITCH + d];
        let q2 = queryTile[(y + 16u) * PITCH + d];
        let q3 = queryTile[(y + 24u) * PITCH + d];
        let k0 = keyTile[x * PITCH + d];
        let k1 = keyTile[(x + 8u) * PITCH + d];
        let k2 = keyTile[(x + 16u) * PITCH + d];
        let k3 = keyTile[(x + 24u) * PITCH + d];
        s0 += vec4f(dot(q0, k0), dot(q0, k1), dot(q0, k2), dot(q0, k3));
        s1 += vec4f(dot(q1, k0), dot(q1, k1), dot(q1, k2), dot(q1, k3));
        s2 += vec4f(dot(q2, k0), dot(q2, k1), dot(q2, k2), dot(q2, k3));
        s3 += vec4f(dot(q3, k0), dot(q3, k1), dot(q3, k2), dot(q3, k3));
      }
    }
    let key = vec4u(start + x) + vec4u(0u, 8u, 16u, 24u);
    s0 = scoresOf(s0, key, range0.x, range0.y);
    s1 = scoresOf(s1, key, range1.x, range1.y);
    s2 = scoresOf(s2, key, range2.x, range2.y);
    s3 = scoresOf(s3, key, range3.x, range3.y);
    shares[lane] = vec4f(largestOf(s0), largestOf(s1), largestOf(s2), largestOf(s3));
    workgroupBarrier(); // and the keys have been read by all
    var peak = most;
    for (var i = 0u; i < 8u; i++) { peak = max(peak, shares[y * 8u + i]); }
    let fade = exp(most - peak);
    most = peak;
    s0 = exponentials(s0, peak.x);
    s1 = exponentials(s1, peak.y);
    s2 = exponentials(s2, peak.z);
    s3 = exponentials(s3, peak.w);
    const ones = vec4f(1.0);
    total = total * fade + vec4f(dot(s0, ones), dot(s1, ones), dot(s2, ones), dot(s3, ones));
    keyTile[y * PITCH + x] = dropped(s0, row.x, head, key);
    keyTile[(y + 8u) * PITCH + x] = dropped(s1, row.y, head, key);
    keyTile[(y + 16u) * PITCH + x] = dropped(s2, row.z, head, key);
    keyTile[(y + 24u) * PITCH + x] = dropped(s3, row.w, head, key);
    r0 *= fade.x;
    r1 *= fade.y;
    r2 *= fade.z;
    r3 *= fade.w;
    workgroupBarrier();
    for (var i = 0u; i < 8u; i++) {
      let v0 = valueTile[i * PITCH + x];
      let v1 = valueTile[(i + 8u) * PITCH + x];
      let v2 = valueTile[(i + 16u) * PITCH + x];
      let v3 = valueTile[(i + 24u) * PITCH + x];
      let p0 = keyTile[y * PITCH + i];
      let p1 = keyTile[(y + 8u) * PITCH + i];
      let p2 = keyTile[(y + 16u) * PITCH + i];
      let p3 = keyTile[(y + 24u) * PITCH + i];
      r0 += p0.x * v0 + p0.y * v1 + p0.z * v2 + p0.w * v3;
      r1 += p1.x * v0 + p1.y * v1 + p1.z * v2 + p1.w * v3;
      r2 += p2.x * v0 + p2.y * v1 + p2.z * v2 + p2.w * v3;
      r3 += p3.x * v0 + p3.y * v1 + p3.z * v2 + p3.w * v3;
    }
  }
  shares[lane] = total; // last read two barriers ago
  workgroupBarrier();
  var sum = vec4f();
  for (var i = 0u; i < 8u; i++) { sum += shares[y * 8u + i]; }
  let column = group.z * TILE + x * 4u;
  store(row.x, column, head, r0, sum.x);
  store(row.y, column, head, r1, sum.y);
  store(row.z, column, head, r2, sum.z);
  store(row.w, column, head, r3, sum.w);
  if (shape.saves == 0u || group.z > 0u || x > 0u) { return; }
  let logs = select(most + log(sum), vec4f(), sum == vec4f());
  let at = head * shape.rows + row;
  if (row.x < shape.rows) { logSumExp[at.x] = logs.x; }
  if (row.y < shape.rows) { logSumExp[at.y] = logs.y; }
  if (row.z < shape.rows) { logSumExp[at.z] = logs.z; }
  if (row.w < shape.rows) { logSumExp[at.w] = logs.w; }
}
