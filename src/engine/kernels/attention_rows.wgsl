// Attention of packed sequences without workgroup memory: the formulas, shapes and dropout of attention.wgsl, for software
// adapters, where barriers and tiles cost more than they save (6 times there) and are slow to compile.
//
// A thread owns four rows of one head (y of the grid) and walks over their keys by eight: 4 × 8 scores in named vec4s,
// 12 loads for 128 products. Online softmax: when a row's largest score rises, what was summed fades. Sums of values do
// not fit into registers for any Dh, so they stand in the result itself, which only this thread touches.
//
// Edges: Dh is a multiple of 4 (attention.wgsl takes the rest). Rows past the end are read as the last and not stored; keys
// outside a row's range count 0; rows of an empty range get 0. Every order is fixed: same bits on every run.
//
// Plan: AttentionLaunch     CPU twin: ../reference/attention.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
override LANES: u32 = 4u;

const LEAST = -3e38;

struct Shape {
  rows: u32,
  width: u32, // H · Dh
  headSize: u32,
  chunks: u32, // not used here
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
@group(0) @binding(2) var<storage, read> queries: array<vec4f>;
@group(0) @binding(3) var<storage, read> keys: array<vec4f>;
@group(0) @binding(4) var<storage, read> values: array<vec4f>;
@group(0) @binding(5) var<storage, read> ranges: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> result: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> logSumExp: array<f32>;

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

fn largestOf(a: vec4f, b: vec4f) -> f32 {
  let both = max(a, b);
  return max(max(both.x, both.y), max(both.z, both.w));
}

fn sumOf(a: vec4f, b: vec4f) -> f32 {
  return dot(a + b, vec4f(1.0));
}

// Scores, and LEAST for keys outside the row's range.
fn scoresOf(products: vec4f, key: vec4u, range: vec2u) -> vec4f {
  return select(vec4f(LEAST), shape.scale * products, (key >= vec4u(range.x)) & (key < vec4u(range.y)));
}

fn exponentials(scores: vec4f, peak: f32) -> vec4f {
  return select(vec4f(), exp(scores - peak), scores > vec4f(LEAST));
}

fn dropped(probabilities: vec4f, row: u32, head: u32, key: vec4u) -> vec4f {
  if (shape.dropBelow == 0u) { return probabilities; }
  let bits = randomBits((head * shape.rows + row) * shape.rows + key);
  return select(vec4f(), probabilities * shape.keepFactor, bits >= vec4u(shape.dropBelow));
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) thread: vec3u) {
  let row = thread.x * 4u;
  let head = thread.y;
  if (row >= shape.rows) { return; }
  let quads = shape.headSize >> 2u;
  let stride = shape.width >> 2u;
  let offset = head * quads;
  let keyStride = shape.keyWidth >> 2u;
  let keyOffset = head / shape.group * quads;
  let last = shape.rows - 1u;
  let range0 = rangeOf(min(row, last));
  let range1 = rangeOf(min(row + 1u, last));
  let range2 = rangeOf(min(row + 2u, last));
  let range3 = rangeOf(min(row + 3u, last));
  var begin = 0xffffffffu;
  if (range0.x < range0.y) { begin = range0.x; }
  if (range1.x < range1.y) { begin = min(begin, range1.x); }
  if (range2.x < range2.y) { begin = min(begin, range2.x); }
  if (range3.x < range3.y) { begin = min(begin, range3.x); }
  let until = max(max(range0.y, range1.y), max(range2.y, range3.y));
  let row0 = min(row + 0u, last) * stride + offset;
  let row1 = min(row + 1u, last) * stride + offset;
  let row2 = min(row + 2u, last) * stride + offset;
  let row3 = min(row + 3u, last) * stride + offset;
  var most = vec4f(LEAST);
  var total = vec4f();
  for (var d = 0u; d < quads; d++) {
    if (row + 0u < shape.rows) { result[row0 + d] = vec4f(); }
    if (row + 1u < shape.rows) { result[row1 + d] = vec4f(); }
    if (row + 2u < shape.rows) { result[row2 + d] = vec4f(); }
    if (row + 3u < shape.rows) { result[row3 + d] = vec4f(); }
  }
  for (var start = begin; start < until; start += 8u) {
    let key0 = min(start + 0u, last) * keyStride + keyOffset;
    let key1 = min(start + 1u, last) * keyStride + keyOffset;
    let key2 = min(start + 2u, last) * keyStride + keyOffset;
    let key3 = min(start + 3u, last) * keyStride + keyOffset;
    let key4 = min(start + 4u, last) * keyStride + keyOffset;
    let key5 = min(start + 5u, last) * keyStride + keyOffset;
    let key6 = min(start + 6u, last) * keyStride + keyOffset;
    let key7 = min(start + 7u, last) * keyStride + keyOffset;
    var s0a = vec4f();
    var s0b = vec4f();
    var s1a = vec4f();
    var s1b = vec4f();
    var s2a = vec4f();
    var s2b = vec4f();
    var s3a = vec4f();
    var s3b = vec4f();
    for (var d = 0u; d < quads; d++) {
      let q0 = queries[row0 + d];
      let q1 = queries[row1 + d];
      let q2 = queries[row2 + d];
      let q3 = queries[row3 + d];
      let k0 = keys[key0 + d];
      let k1 = keys[key1 + d];
      let k2 = keys[key2 + d];
      let k3 = keys[key3 + d];
      let k4 = keys[key4 + d];
      let k5 = keys[key5 + d];
      let k6 = keys[key6 + d];
      let k7 = keys[key7 + d];
      s0a += vec4f(dot(q0, k0), dot(q0, k1), dot(q0, k2), dot(q0, k3));
      s0b += vec4f(dot(q0, k4), dot(q0, k5), dot(q0, k6), dot(q0, k7));
      s1a += vec4f(dot(q1, k0), dot(q1, k1), dot(q1, k2), dot(q1, k3));
      s1b += vec4f(dot(q1, k4), dot(q1, k5), dot(q1, k6), dot(q1, k7));
      s2a += vec4f(dot(q2, k0), dot(q2, k1), dot(q2, k2), dot(q2, k3));
      s2b += vec4f(dot(q2, k4), dot(q2, k5), dot(q2, k6), dot(q2, k7));
      s3a += vec4f(dot(q3, k0), dot(q3, k1), dot(q3, k2), dot(q3, k3));
      s3b += vec4f(dot(q3, k4), dot(q3, k5), dot(q3, k6), dot(q3, k7));
    }
    let near = vec4u(start) + vec4u(0u, 1u, 2u, 3u);
    let far = near + 4u;
    s0a = scoresOf(s0a, near, range0);
    s0b = scoresOf(s0b, far, range0);
    s1a = scoresOf(s1a, near, range1);
    s1b = scoresOf(s1b, far, range1);
    s2a = scoresOf(s2a, near, range2);
    s2b = scoresOf(s2b, far, range2);
    s3a = scoresOf(s3a, near, range3);
    s3b = scoresOf(s3b, far, range3);
    let peak = max(most, vec4f(largestOf(s0a, s0b), largestOf(s1a, s1b), largestOf(s2a, s2b), largestOf(s3a, s3b)));
    let fade = exp(most - peak);
    most = peak;
    s0a = exponentials(s0a, peak.x);
    s0b = exponentials(s0b, peak.x);
    s1a = exponentials(s1a, peak.y);
    s1b = exponentials(s1b, peak.y);
    s2a = exponentials(s2a, peak.z);
    s2b = exponentials(s2b, peak.z);
    s3a = exponentials(s3a, peak.w);
    s3b = exponentials(s3b, peak.w);
    total = total * fade + vec4f(sumOf(s0a, s0b), sumOf(s1a, s1b), sumOf(s2a, s2b), sumOf(s3a, s3b));
    s0a = dropped(s0a, row + 0u, head, near);
    s0b = dropped(s0b, row + 0u, head, far);
    s1a = dropped(s1a, row + 1u, head, near);
    s1b = dropped(s1b, row + 1u, head, far);
    s2a = dropped(s2a, row + 2u, head, near);
    s2b = dropped(s2b, row + 2u, head, far);
    s3a = dropped(s3a, row + 3u, head, near);
    s3b = dropped(s3b, row + 3u, head, far);
    for (var d = 0u; d < quads; d++) {
      let v0 = values[key0 + d];
      let v1 = values[key1 + d];
      let v2 = values[key2 + d];
      let v3 = values[key3 + d];
      let v4 = values[key4 + d];
      let v5 = values[key5 + d];
      let v6 = values[key6 + d];
      let v7 = values[key7 + d];
      let sum0 = s0a.x * v0 + s0a.y * v1 + s0a.z * v2 + s0a.w * v3 + s0b.x * v4 + s0b.y * v5 + s0b.z * v6 + s0b.w * v7;
      let sum1 = s1a.x * v0 + s1a.y * v1 + s1a.z * v2 + s1a.w * v3 + s1b.x * v4 + s1b.y * v5 + s1b.z * v6 + s1b.w * v7;
      let sum2 = s2a.x * v0 + s2a.y * v1 + s2a.z * v2 + s2a.w * v3 + s2b.x * v4 + s2b.y * v5 + s2b.z * v6 + s2b.w * v7;
      let sum3 = s3a.x * v0 + s3a.y * v1 + s3a.z * v2 + s3a.w * v3 + s3b.x * v4 + s3b.y * v5 + s3b.z * v6 + s3b.w * v7;
      if (row + 0u < shape.rows) { result[row0 + d] = result[row0 + d] * fade.x + sum0; }
      if (row + 1u < shape.rows) { result[row1 + d] = result[row1 + d] * fade.y + sum1; }
      if (row + 2u < shape.rows) { result[row2 + d] = result[row2 + d] * fade.z + sum2; }
      if (row + 3u < shape.rows) { result[row3 + d] = result[row3 + d] * fade.w + sum3; }
    }
  }
  let scale = select(1.0 / total, vec4f(), total == vec4f());
  for (var d = 0u; d < quads; d++) {
    if (row + 0u < shape.rows) { result[row0 + d] *= scale.x; }
    if (row + 1u < shape.rows) { result[row1 + d] *= scale.y; }
    if (row + 2u < shape.rows) { result[row2 + d] *= scale.z; }
    if (row + 3u < shape.rows) { result[row3 + d] *= scale.w; }
  }
  if (shape.saves == 0u) { return; }
  let logs = select(most + log(total), vec4f(), total == vec4f());
  let at = head * shape.rows + row;
  if (row + 0u < shape.rows) { logSumExp[at + 0u] = logs.x; }
  if (row + 1u < shape.rows) { logSumExp[at + 1u] = logs.y; }
  if (row + 2u < shape.rows) { logSumExp[at + 2u] = logs.z; }
  if (row + 3u < shape.rows) { logSumExp[at + 3u] = logs.w; }
}
