// dQ[i] = scale · Σ_j dS[i, j] · k[j]     dS = p · (m · dO[i]·v[j] − δ[i])     p = exp(scale · q[i]·k[j] − logSumExp[i])
//   for first_i ≤ j < end_i, (first_i, end_i) = ranges[i]; m is dropout's factor (0 or 1/(1−rate); 1 without dropout)
//   where causal, end_i is at most i + 1
//   q, dO, dQ : [R, H·Dh]     k, v : [R, G·Dh], head h reads ⌊h·G/H⌋     ranges : u32 [R, 2]
//   stats : [H, R] of (logSumExp, δ), from attention_delta.wgsl
//
// The plan of attention.wgsl: one workgroup of 8 × 8 threads per tile of 32 query rows (x), head (y) and block of 32
// columns of dQ (z). For each tile of 32 keys the scores and dO·vᵀ are made again, 4 × 4 a thread (rows y + 8a, keys
// x + 8b); dS goes through the place of the values in workgroup memory and is multiplied with the keys, which stay.
// Query rows and upstream rows take turns in one tile, which keeps all within WebGPU's default 16 KiB.
//
// Edges: any Dh (missing columns are 0), any R; rows of an empty range get 0. Barriers stand in uniform control flow. Every
// order is fixed: no atomics, same bits on every run.
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
@group(0) @binding(8) var<storage, read_write> result: array<f32>;

var<workgroup> rowTile: array<vec4f, TILE * PITCH>; // queries, then upstream
var<workgroup> keyTile: array<vec4f, TILE * PITCH>;
var<workgroup> valueTile: array<vec4f, TILE * PITCH>; // then dS: vec4 x of row r is keys x, x + 8, x + 16, x + 24

// Which of four columns from `column` on exist in a head.
fn present(column: u32) -> vec4<bool> {
  return vec4u(column) + vec4u(0u, 1u, 2u, 3u) < vec4u(shape.headSize);
}

// Where vec4 i of 256 of a tile lies in a matrix: eight threads a row.
fn placeOf(i: u32, first: u32, head: u32, chunk: u32) -> u32 {
  let row = min(first + (i >> 3u), shape.rows - 1u);
  return row * shape.width + head * shape.headSize + chunk * TILE + (i & 7u) * 4u;
}

// And in keys and values.
fn keyPlaceOf(i: u32, first: u32, head: u32, chunk: u32) -> u32 {
  let row = min(first + (i >> 3u), shape.rows - 1u);
  return row * shape.keyWidth + head / shape.group * shape.headSize + chunk * TILE + (i & 7u) * 4u;
}

fn stageQueries(first: u32, head: u32, chunk: u32, lane: u32) {
  for (var i = lane; i < 256u; i += 64u) {
    let at = placeOf(i, first, head, chunk);
    let value = vec4f(queries[at], queries[at + 1u], queries[at + 2u], queries[at + 3u]);
    rowTile[(i >> 3u) * PITCH + (i & 7u)] = select(vec4f(), value, present(chunk * TILE + (i & 7u) * 4u));
  }
}

fn stageUpstream(first: u32, head: u32, chunk: u32, lane: u32) {
  for (var i = lane; i < 256u; i += 64u) {
    let at = placeOf(i, first, head, chunk);
    let value = vec4f(upstream[at], upstream[at + 1u], upstream[at + 2u], upstream[at + 3u]);
    rowTile[(i >> 3u) * PITCH + (i & 7u)] = select(vec4f(), value, present(chunk * TILE + (i & 7u) * 4u));
  }
}

fn stageKeys(first: u32, head: u32, chunk: u32, lane: u32) {
  for (var i = lane; i < 256u; i += 64u) {
    let at = keyPlaceOf(i, first, head, chunk);
    let value = vec4f(keys[at], keys[at + 1u], keys[at + 2u], keys[at + 3u]);
    keyTile[(i >> 3u) * PITCH + (i & 7u)] = select(vec4f(), value, present(chunk * TILE + (i & 7u) * 4u));
  }
}

fn stageValues(first: u32, head: u32, chunk: u32, lane: u32) {
  for (var i = lane; i < 256u; i += 64u) {
    let at = keyPlaceOf(i, first, head, chunk);
    let value = vec4f(values[at], values[at + 1u], values[at + 2u], values[at + 3u]);
    valueTile[(i >> 3u) * PITCH + (i & 7u)] = select(vec4f(), value, present(chunk * TILE + (i & 7u) * 4u));
  }
}

// The keys that a row attends to.
fn rangeOf(row: u32) -> vec2u {
  let range = ranges[row];
  return vec2u(range.x, select(range.y, min(range.y, row + 1u), shape.causal == 1u));
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

// dS of one row and four keys from q·k and dO·v.
fn slopesOf(products: vec4f, towards: vec4f, row: u32, head: u32, key: vec4u) -> vec4f {
  if (row >= shape.rows) { return vec4f(); }
  let range = rangeOf(row);
  let stat = stats[head * shape.rows + row];
  var kept = towards;
  if (shape.dropBelow > 0u) {
    let bits = randomBits((head * shape.rows + row) * shape.rows + key);
    kept = select(vec4f(), kept * shape.keepFactor, bits >= vec4u(shape.dropBelow));
  }
  let slopes = exp(shape.scale * products - stat.x) * (kept - stat.y);
  return select(vec4f(), slopes, (key >= vec4u(range.x)) & (key < vec4u(range.y)));
}

fn store(row: u32, column: u32, head: u32, sums: vec4f) {
  if (row >= shape.rows) { return; }
  let at = row * shape.width + head * shape.headSize + column;
  let value = shape.scale * sums;
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
  var g0 = vec4f();
  var g1 = vec4f();
  var g2 = vec4f();
  var g3 = vec4f();
  for (var start = begin; start < until; start += TILE) {
    var s0 = vec4f(); // q·k
    var s1 = vec4f();
    var s2 = vec4f();
    var s3 = vec4f();
    var t0 = vec4f(); // dO·v
    var t1 = vec4f();
    var t2 = vec4f();
    var t3 = vec4f();
    for (var chunk = 0u; chunk < shape.chunks; chunk++) {
      workgroupBarrier(); // the tiles have been read by all
      stageQueries(top, head, chunk, lane);
      stageKeys(start, head, chunk, lane);
      workgroupBarrier();
      for (var d = 0u; d < 8u; d++) {
        let q0 = rowTile[y * PITCH + d];
        let q1 = rowTile[(y + 8u) * PITCH + d];
        let q2 = rowTile[(y + 16u) * PITCH + d];
        let q3 = rowTile[(y + 24u) * PITCH + d];
        let k0 = keyTile[x * PITCH + d];
        let k1 = keyTile[(x + 8u) * PITCH + d];
        let k2 = keyTile[(x + 16u) * PITCH + d];
        let k3 = keyTile[(x + 24u) * PITCH + d];
        s0 += vec4f(dot(q0, k0), dot(q0, k1), dot(q0, k2), dot(q0, k3));
        s1 += vec4f(dot(q1, k0), dot(q1, k1), dot(q1, k2), dot(q1, k3));
        s2 += vec4f(dot(q2, k0), dot(q2, k1), dot(q2, k2), dot(q2, k3));
        s3 += vec4f(dot(q3, k0), dot(q3, k1), dot(q3, k2), dot(q3, k3));
      }
      workgroupBarrier();
      stageUpstream(top, head, chunk, lane);
      stageValues(start, head, chunk, lane);
      workgroupBarrier();
      for (var d = 0u; d < 8u; d++) {
        let o0 = rowTile[y * PITCH + d];
        let o1 = rowTile[(y + 8u) * PITCH + d];
        let o2 = rowTile[(y + 16u) * PITCH + d];
        let o3 = rowTile[(y + 24u) * PITCH + d];
        let v0 = valueTile[x * PITCH + d];
        let v1 = valueTile[(x + 8u) * PITCH + d];
        let v2 = valueTile[(x + 16u) * PITCH + d];
        let v3 = valueTile[(x + 24u) * PITCH + d];
        t0 += vec4f(dot(o0, v0), dot(o0, v1), dot(o0, v2), dot(o0, v3));
        t1 += vec4f(dot(o1, v0), dot(o1, v1), dot(o1, v2), dot(o1, v3));
        t2 += vec4f(dot(o2, v0), dot(o2, v1), dot(o2, v2), dot(o2, v3));
        t3 += vec4f(dot(o3, v0), dot(o3, v1), dot(o3, v2), dot(o3, v3));
      }
    }
    workgroupBarrier(); // the values have been read by all
    let key = vec4u(start + x) + vec4u(0u, 8u, 16u, 24u);
    valueTile[y * PITCH + x] = slopesOf(s0, t0, row.x, head, key);
    valueTile[(y + 8u) * PITCH + x] = slopesOf(s1, t1, row.y, head, key);
    valueTile[(y + 16u) * PITCH + x] = slopesOf(s2, t2, row.z, head, key);
    valueTile[(y + 24u) * PITCH + x] = slopesOf(s3, t3, row.w, head, key);
    if (shape.chunks > 1u) { stageKeys(start, head, group.z, lane); }
    workgroupBarrier();
    for (var i = 0u; i < 8u; i++) {
      let k0 = keyTile[i * PITCH + x];
      let k1 = keyTile[(i + 8u) * PITCH + x];
      let k2 = keyTile[(i + 16u) * PITCH + x];
      let k3 = keyTile[(i + 24u) * PITCH + x];
      let e0 = valueTile[y * PITCH + i];
      let e1 = valueTile[(y + 8u) * PITCH + i];
      let e2 = valueTile[(y + 16u) * PITCH + i];
      let e3 = valueTile[(y + 24u) * PITCH + i];
      g0 += e0.x * k0 + e0.y * k1 + e0.z * k2 + e0.w * k3;
      g1 += e1.x * k0 + e1.y * k1 + e1.z * k2 + e1.w * k3;
      g2 += e2.x * k0 + e2.y * k1 + e2.z * k2 + e2.w * k3;
      g3 += e3.x * k0 + e3.y * k1 + e3.z * k2 + e3.w * k3;
    }
  }
  let column = group.z * TILE + x * 4u;
  store(row.x, column, head, g0);
  store(row.y, column, head, g1);
  store(row.z, column, head, g2);
  store(row.w, column, head, g3);
}
