// dV[j] = Σ_i m · p[i, j] · dO[i]     dK[j] = scale · Σ_i dS[i, j] · q[i]
//   p = exp(scale · q[i]·k[j] − logSumExp[i]);  dS = p · (m · dO[i]·v[j] − δ[i]);  m is dropout's factor (0 or 1/(1−rate))
//   over the rows i of the sequence that j is in: first_j ≤ i < end_j, (first_j, end_j) = ranges[j]; where causal, i ≥ j
//   and over the heads that read the key head
//   q, dO : [R, H·Dh]     k, v, dK, dV : [R, G·Dh], head h reads ⌊h·G/H⌋     ranges : u32 [R, 2]
//   stats : [H, R] of (logSumExp, δ), from attention_delta.wgsl
//
// attention_gradient_queries.wgsl turned on its side: one workgroup of 8 × 8 threads per tile of 32 keys (x), key head (y)
// and block of 32 columns of dK and dV (z). Query rows of each head that reads them go by in tiles of 32; a thread holds
// 4 × 4 pairs (keys y + 8a, rows x + 8b) and 4 × 4 sums of dV and of dK. One tile in workgroup memory is in turn keys, values, m · p and dS; query rows
// and upstream rows have one each, so all fits into WebGPU's default 16 KiB.
//
// Edges: any Dh (missing columns are 0), any R; rows of an empty range get 0. Barriers stand in uniform control flow. Every
// order is fixed: a key belongs to one workgroup, so there are no atomics and the bits are the same on every run.
//
// Plan: AttentionGradientLaunch     CPU twin: ../reference/attention.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
const TILE = 32u;
const PITCH = 9u;

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
@group(0) @binding(6) var<storage, read> stats: array<vec2f>;
@group(0) @binding(7) var<storage, read> upstream: array<f32>;
@group(0) @binding(8) var<storage, read_write> keySlopes: array<f32>;
@group(0) @binding(9) var<storage, read_write> valueSlopes: array<f32>;

var<workgroup> queryTile: array<vec4f, TILE * PITCH>;
var<workgroup> upstreamTile: array<vec4f, TILE * PITCH>;
// Keys, values, m · p, dS. Of the last two, vec4 x of key j is rows x, x + 8, x + 16, x + 24.
var<workgroup> keyTile: array<vec4f, TILE * PITCH>;

// Which of four columns from `column` on exist in a head.
fn present(column: u32) -> vec4<bool> {
  return vec4u(column) + vec4u(0u, 1u, 2u, 3u) < vec4u(shape.headSize);
}

// Where vec4 i of 256 of a tile lies in a matrix: eight threads a row.
fn placeOf(i: u32, first: u32, head: u32, chunk: u32) -> u32 {
  let row = min(first + (i >> 3u), shape.rows - 1u);
  return row * shape.width + head * shape.headSize + chunk * TILE + (i & 7u) * 4u;
}

// And in keys and values, of a key head.
fn keyPlaceOf(i: u32, first: u32, keyHead: u32, chunk: u32) -> u32 {
  let row = min(first + (i >> 3u), shape.rows - 1u);
  return row * shape.keyWidth + keyHead * shape.headSize + chunk * TILE + (i & 7u) * 4u;
}

// The rows that attend to a key.
fn rangeOf(key: u32) -> vec2u {
  let range = ranges[key];
  return vec2u(select(range.x, min(max(range.x, key), range.y), shape.causal == 1u), range.y);
}

fn stageQueries(first: u32, head: u32, chunk: u32, lane: u32) {
  for (var i = lane; i < 256u; i += 64u) {
    let at = placeOf(i, first, head, chunk);
    let value = vec4f(queries[at], queries[at + 1u], queries[at + 2u], queries[at + 3u]);
    queryTile[(i >> 3u) * PITCH + (i & 7u)] = select(vec4f(), value, present(chunk * TILE + (i & 7u) * 4u));
  }
}

fn stageUpstream(first: u32, head: u32, chunk: u32, lane: u32) {
  for (var i = lane; i < 256u; i += 64u) {
    let at = placeOf(i, first, head, chunk);
    let value = vec4f(upstream[at], upstream[at + 1u], upstream[at + 2u], upstream[at + 3u]);
    upstreamTile[(i >> 3u) * PITCH + (i & 7u)] = select(vec4f(), value, present(chunk * TILE + (i & 7u) * 4u));
  }
}

fn stageKeys(first: u32, keyHead: u32, chunk: u32, lane: u32) {
  for (var i = lane; i < 256u; i += 64u) {
    let at = keyPlaceOf(i, first, keyHead, chunk);
    let value = vec4f(keys[at], keys[at + 1u], keys[at + 2u], keys[at + 3u]);
    keyTile[(i >> 3u) * PITCH + (i & 7u)] = select(vec4f(), value, present(chunk * TILE + (i & 7u) * 4u));
  }
}

fn stageValues(first: u32, keyHead: u32, chunk: u32, lane: u32) {
  for (var i = lane; i < 256u; i += 64u) {
    let at = keyPlaceOf(i, first, keyHead, chunk);
    let value = vec4f(values[at], values[at + 1u], values[at + 2u], values[at + 3u]);
    keyTile[(i >> 3u) * PITCH + (i & 7u)] = select(vec4f(), value, present(chunk * TILE + (i & 7u) * 4u));
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

// What pairs of one key and four rows come to.
struct Pairs {
  probabilities: vec4f, // m · p
  slopes: vec4f, // dS
}

fn pairsOf(products: vec4f, towards: vec4f, key: u32, head: u32, row: vec4u, logs: vec4f, deltas: vec4f) -> Pairs {
  let range = rangeOf(min(key, shape.rows - 1u));
  var factor = vec4f(1.0);
  if (shape.dropBelow > 0u) {
    let bits = randomBits((head * shape.rows + row) * shape.rows + key);
    factor = select(vec4f(), vec4f(shape.keepFactor), bits >= vec4u(shape.dropBelow));
  }
  let inside = (row >= vec4u(range.x)) & (row < vec4u(range.y));
  let p = select(vec4f(), exp(shape.scale * products - logs), inside);
  return Pairs(factor * p, p * (factor * towards - deltas));
}

fn storeKey(key: u32, column: u32, keyHead: u32, sums: vec4f) {
  if (key >= shape.rows) { return; }
  let at = key * shape.keyWidth + keyHead * shape.headSize + column;
  let value = shape.scale * sums;
  if (column < shape.headSize) { keySlopes[at] = value.x; }
  if (column + 1u < shape.headSize) { keySlopes[at + 1u] = value.y; }
  if (column + 2u < shape.headSize) { keySlopes[at + 2u] = value.z; }
  if (column + 3u < shape.headSize) { keySlopes[at + 3u] = value.w; }
}

fn storeValue(key: u32, column: u32, keyHead: u32, value: vec4f) {
  if (key >= shape.rows) { return; }
  let at = key * shape.keyWidth + keyHead * shape.headSize + column;
  if (column < shape.headSize) { valueSlopes[at] = value.x; }
  if (column + 1u < shape.headSize) { valueSlopes[at + 1u] = value.y; }
  if (column + 2u < shape.headSize) { valueSlopes[at + 2u] = value.z; }
  if (column + 3u < shape.headSize) { valueSlopes[at + 3u] = value.w; }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let x = lane & 7u;
  let y = lane >> 3u;
  let top = group.x * TILE;
  let keyHead = group.y;
  var begin = 0xffffffffu;
  var until = 0u;
  for (var key = top; key < min(top + TILE, shape.rows); key++) {
    let range = rangeOf(key);
    if (range.x < range.y) {
      begin = min(begin, range.x);
      until = max(until, range.y);
    }
  }
  let key = vec4u(top + y) + vec4u(0u, 8u, 16u, 24u);
  let last = shape.rows - 1u;
  var v0 = vec4f(); // dV
  var v1 = vec4f();
  var v2 = vec4f();
  var v3 = vec4f();
  var g0 = vec4f(); // dK
  var g1 = vec4f();
  var g2 = vec4f();
  var g3 = vec4f();
  for (var head = keyHead * shape.group; head < (keyHead + 1u) * shape.group; head++) {
    for (var start = begin; start < until; start += TILE) {
      var s0 = vec4f(); // k·q
      var s1 = vec4f();
      var s2 = vec4f();
      var s3 = vec4f();
      var t0 = vec4f(); // v·dO
      var t1 = vec4f();
      var t2 = vec4f();
      var t3 = vec4f();
      for (var chunk = 0u; chunk < shape.chunks; chunk++) {
        workgroupBarrier(); // the tiles have been read by all
        stageKeys(top, keyHead, chunk, lane);
        stageQueries(start, head, chunk, lane);
        stageUpstream(start, head, chunk, lane);
        workgroupBarrier();
        for (var d = 0u; d < 8u; d++) {
          let k0 = keyTile[y * PITCH + d];
          let k1 = keyTile[(y + 8u) * PITCH + d];
          let k2 = keyTile[(y + 16u) * PITCH + d];
          let k3 = keyTile[(y + 24u) * PITCH + d];
          let q0 = queryTile[x * PITCH + d];
          let q1 = queryTile[(x + 8u) * PITCH + d];
          let q2 = queryTile[(x + 16u) * PITCH + d];
          let q3 = queryTile[(x + 24u) * PITCH + d];
          s0 += vec4f(dot(k0, q0), dot(k0, q1), dot(k0, q2), dot(k0, q3));
          s1 += vec4f(dot(k1, q0), dot(k1, q1), dot(k1, q2), dot(k1, q3));
          s2 += vec4f(dot(k2, q0), dot(k2, q1), dot(k2, q2), dot(k2, q3));
          s3 += vec4f(dot(k3, q0), dot(k3, q1), dot(k3, q2), dot(k3, q3));
        }
        workgroupBarrier();
        stageValues(top, keyHead, chunk, lane);
        workgroupBarrier();
        for (var d = 0u; d < 8u; d++) {
          let w0 = keyTile[y * PITCH + d];
          let w1 = keyTile[(y + 8u) * PITCH + d];
          let w2 = keyTile[(y + 16u) * PITCH + d];
          let w3 = keyTile[(y + 24u) * PITCH + d];
          let o0 = upstreamTile[x * PITCH + d];
          let o1 = upstreamTile[(x + 8u) * PITCH + d];
          let o2 = upstreamTile[(x + 16u) * PITCH + d];
          let o3 = upstreamTile[(x + 24u) * PITCH + d];
          t0 += vec4f(dot(w0, o0), dot(w0, o1), dot(w0, o2), dot(w0, o3));
          t1 += vec4f(dot(w1, o0), dot(w1, o1), dot(w1, o2), dot(w1, o3));
          t2 += vec4f(dot(w2, o0), dot(w2, o1), dot(w2, o2), dot(w2, o3));
          t3 += vec4f(dot(w3, o0), dot(w3, o1), dot(w3, o2), dot(w3, o3));
        }
      }
      let row = vec4u(start + x) + vec4u(0u, 8u, 16u, 24u);
      let at = head * shape.rows + min(row, vec4u(last));
      let logs = vec4f(stats[at.x].x, stats[at.y].x, stats[at.z].x, stats[at.w].x);
      let deltas = vec4f(stats[at.x].y, stats[at.y].y, stats[at.z].y, stats[at.w].y);
      let p0 = pairsOf(s0, t0, key.x, head, row, logs, deltas);
      let p1 = pairsOf(s1, t1, key.y, head, row, logs, deltas);
      let p2 = pairsOf(s2, t2, key.z, head, row, logs, deltas);
      let p3 = pairsOf(s3, t3, key.w, head, row, logs, deltas);
      workgroupBarrier(); // the values have been read by all
      keyTile[y * PITCH + x] = p0.probabilities;
      keyTile[(y + 8u) * PITCH + x] = p1.probabilities;
      keyTile[(y + 16u) * PITCH + x] = p2.probabilities;
      keyTile[(y + 24u) * PITCH + x] = p3.probabilities;
      if (shape.chunks > 1u) {
        stageQueries(start, head, group.z, lane);
        stageUpstream(start, head, group.z, lane);
      }
      workgroupBarrier();
      for (var i = 0u; i < 8u; i++) {
        let o0 = upstreamTile[i * PITCH + x];
        let o1 = upstreamTile[(i + 8u) * PITCH + x];
        let o2 = upstreamTile[(i + 16u) * PITCH + x];
        let o3 = upstreamTile[(i + 24u) * PITCH + x];
        let e0 = keyTile[y * PITCH + i];
        let e1 = keyTile[(y + 8u) * PITCH + i];
        let e2 = keyTile[(y + 16u) * PITCH + i];
        let e3 = keyTile[(y + 24u) * PITCH + i];
        v0 += e0.x * o0 + e0.y * o1 + e0.z * o2 + e0.w * o3;
        v1 += e1.x * o0 + e1.y * o1 + e1.z * o2 + e1.w * o3;
        v2 += e2.x * o0 + e2.y * o1 + e2.z * o2 + e2.w * o3;
        v3 += e3.x * o0 + e3.y * o1 + e3.z * o2 + e3.w * o3;
      }
      workgroupBarrier();
      keyTile[y * PITCH + x] = p0.slopes;
      keyTile[(y + 8u) * PITCH + x] = p1.slopes;
      keyTile[(y + 16u) * PITCH + x] = p2.slopes;
      keyTile[(y + 24u) * PITCH + x] = p3.slopes;
      workgroupBarrier();
      for (var i = 0u; i < 8u; i++) {
        let q0 = queryTile[i * PITCH + x];
        let q1 = queryTile[(i + 8u) * PITCH + x];
        let q2 = queryTile[(i + 16u) * PITCH + x];
        let q3 = queryTile[(i + 24u) * PITCH + x];
        let e0 = keyTile[y * PITCH + i];
        let e1 = keyTile[(y + 8u) * PITCH + i];
        let e2 = keyTile[(y + 16u) * PITCH + i];
        let e3 = keyTile[(y + 24u) * PITCH + i];
        g0 += e0.x * q0 + e0.y * q1 + e0.z * q2 + e0.w * q3;
        g1 += e1.x * q0 + e1.y * q1 + e1.z * q2 + e1.w * q3;
        g2 += e2.x * q0 + e2.y * q1 + e2.z * q2 + e2.w * q3;
        g3 += e3.x * q0 + e3.y * q1 + e3.z * q2 + e3.w * q3;
      }
    }
  }
  let column = group.z * TILE + x * 4u;
  storeValue(key.x, column, keyHead, v0);
  storeValue(key.y, column, keyHead, v1);
  storeValue(key.z, column, keyHead, v2);
  storeValue(key.w, column, keyHead, v3);
  storeKey(key.x, column, keyHead, g0);
  storeKey(key.y, column, keyHead, g1);
  storeKey(key.z, column, keyHead, g2);
  storeKey(key.w, column, keyHead, g3);
}
