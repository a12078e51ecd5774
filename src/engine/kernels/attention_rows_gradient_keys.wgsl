// dV[j] = Σ_i m · p[i, j] · dO[i], dK[j] = scale · Σ_i dS[i, j] · q[i] without workgroup memory: the formulas and shapes of
// attention_gradient_keys.wgsl, for software adapters, by the plan of attention_rows.wgsl.
//
// A thread owns four keys of one key head (y of the grid) and walks, for each head that reads it, over the rows of their
// sequences by eight: 4 × 8 scores and
// as many v·dO in named vec4s. Sums stand in the results themselves, which only this thread touches.
//
// Edges: Dh is a multiple of 4. Keys past the end are read as the last and not stored; rows of other sequences count 0; rows
// of an empty range get 0. Every order is fixed: same bits on every run.
//
// Plan: AttentionGradientLaunch     CPU twin: ../reference/attention.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
override LANES: u32 = 4u;

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
@group(0) @binding(6) var<storage, read> stats: array<vec2f>;
@group(0) @binding(7) var<storage, read> upstream: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> keySlopes: array<vec4f>;
@group(0) @binding(9) var<storage, read_write> valueSlopes: array<vec4f>;

// The rows that attend to a key.
fn rangeOf(key: u32) -> vec2u {
  let range = ranges[key];
  return vec2u(select(range.x, min(max(range.x, key), range.y), shape.causal == 1u), range.y);
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

// What four rows bring to the pairs of a key.
struct Rows {
  index: vec4u,
  logs: vec4f,
  deltas: vec4f,
}

fn rowsFrom(first: u32, head: u32) -> Rows {
  let row = vec4u(first) + vec4u(0u, 1u, 2u, 3u);
  let at = head * shape.rows + min(row, vec4u(shape.rows - 1u));
  let logs = vec4f(stats[at.x].x, stats[at.y].x, stats[at.z].x, stats[at.w].x);
  return Rows(row, logs, vec4f(stats[at.x].y, stats[at.y].y, stats[at.z].y, stats[at.w].y));
}

fn probabilitiesOf(products: vec4f, rows: Rows, range: vec2u) -> vec4f {
  let inside = (rows.index >= vec4u(range.x)) & (rows.index < vec4u(range.y));
  return select(vec4f(), exp(shape.scale * products - rows.logs), inside);
}

// Dropout's factor m.
fn factorsOf(key: u32, head: u32, row: vec4u) -> vec4f {
  if (shape.dropBelow == 0u) { return vec4f(1.0); }
  let bits = randomBits((head * shape.rows + row) * shape.rows + key);
  return select(vec4f(), vec4f(shape.keepFactor), bits >= vec4u(shape.dropBelow));
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) thread: vec3u) {
  let key = thread.x * 4u;
  let keyHead = thread.y;
  if (key >= shape.rows) { return; }
  let quads = shape.headSize >> 2u;
  let stride = shape.width >> 2u;
  let keyStride = shape.keyWidth >> 2u;
  let keyOffset = keyHead * quads;
  let last = shape.rows - 1u;
  let range0 = rangeOf(min(key, last));
  let range1 = rangeOf(min(key + 1u, last));
  let range2 = rangeOf(min(key + 2u, last));
  let range3 = rangeOf(min(key + 3u, last));
  var begin = 0xffffffffu;
  if (range0.x < range0.y) { begin = range0.x; }
  if (range1.x < range1.y) { begin = min(begin, range1.x); }
  if (range2.x < range2.y) { begin = min(begin, range2.x); }
  if (range3.x < range3.y) { begin = min(begin, range3.x); }
  let until = max(max(range0.y, range1.y), max(range2.y, range3.y));
  let key0 = min(key + 0u, last) * keyStride + keyOffset;
  let key1 = min(key + 1u, last) * keyStride + keyOffset;
  let key2 = min(key + 2u, last) * keyStride + keyOffset;
  let key3 = min(key + 3u, last) * keyStride + keyOffset;
  for (var d = 0u; d < quads; d++) {
    if (key + 0u < shape.rows) { keySlopes[key0 + d] = vec4f(); valueSlopes[key0 + d] = vec4f(); }
    if (key + 1u < shape.rows) { keySlopes[key1 + d] = vec4f(); valueSlopes[key1 + d] = vec4f(); }
    if (key + 2u < shape.rows) { keySlopes[key2 + d] = vec4f(); valueSlopes[key2 + d] = vec4f(); }
    if (key + 3u < shape.rows) { keySlopes[key3 + d] = vec4f(); valueSlopes[key3 + d] = vec4f(); }
  }
  for (var head = keyHead * shape.group; head < (keyHead + 1u) * shape.group; head++) {
    let offset = head * quads;
    for (var start = begin; start < until; start += 8u) {
      let row0 = min(start + 0u, last) * stride + offset;
      let row1 = min(start + 1u, last) * stride + offset;
      let row2 = min(start + 2u, last) * stride + offset;
      let row3 = min(start + 3u, last) * stride + offset;
      let row4 = min(start + 4u, last) * stride + offset;
      let row5 = min(start + 5u, last) * stride + offset;
      let row6 = min(start + 6u, last) * stride + offset;
      let row7 = min(start + 7u, last) * stride + offset;
      var s0a = vec4f();
      var s0b = vec4f();
      var s1a = vec4f();
      var s1b = vec4f();
      var s2a = vec4f();
      var s2b = vec4f();
      var s3a = vec4f();
      var s3b = vec4f();
      var t0a = vec4f();
      var t0b = vec4f();
      var t1a = vec4f();
      var t1b = vec4f();
      var t2a = vec4f();
      var t2b = vec4f();
      var t3a = vec4f();
      var t3b = vec4f();
      for (var d = 0u; d < quads; d++) {
        let k0 = keys[key0 + d];
        let k1 = keys[key1 + d];
        let k2 = keys[key2 + d];
        let k3 = keys[key3 + d];
        let q0 = queries[row0 + d];
        let q1 = queries[row1 + d];
        let q2 = queries[row2 + d];
        let q3 = queries[row3 + d];
        let q4 = queries[row4 + d];
        let q5 = queries[row5 + d];
        let q6 = queries[row6 + d];
        let q7 = queries[row7 + d];
        s0a += vec4f(dot(k0, q0), dot(k0, q1), dot(k0, q2), dot(k0, q3));
        s0b += vec4f(dot(k0, q4), dot(k0, q5), dot(k0, q6), dot(k0, q7));
        s1a += vec4f(dot(k1, q0), dot(k1, q1), dot(k1, q2), dot(k1, q3));
        s1b += vec4f(dot(k1, q4), dot(k1, q5), dot(k1, q6), dot(k1, q7));
        s2a += vec4f(dot(k2, q0), dot(k2, q1), dot(k2, q2), dot(k2, q3));
        s2b += vec4f(dot(k2, q4), dot(k2, q5), dot(k2, q6), dot(k2, q7));
        s3a += vec4f(dot(k3, q0), dot(k3, q1), dot(k3, q2), dot(k3, q3));
        s3b += vec4f(dot(k3, q4), dot(k3, q5), dot(k3, q6), dot(k3, q7));
        let v0 = values[key0 + d];
        let v1 = values[key1 + d];
        let v2 = values[key2 + d];
        let v3 = values[key3 + d];
        let o0 = upstream[row0 + d];
        let o1 = upstream[row1 + d];
        let o2 = upstream[row2 + d];
        let o3 = upstream[row3 + d];
        let o4 = upstream[row4 + d];
        let o5 = upstream[row5 + d];
        let o6 = upstream[row6 + d];
        let o7 = upstream[row7 + d];
        t0a += vec4f(dot(v0, o0), dot(v0, o1), dot(v0, o2), dot(v0, o3));
        t0b += vec4f(dot(v0, o4), dot(v0, o5), dot(v0, o6), dot(v0, o7));
        t1a += vec4f(dot(v1, o0), dot(v1, o1), dot(v1, o2), dot(v1, o3));
        t1b += vec4f(dot(v1, o4), dot(v1, o5), dot(v1, o6), dot(v1, o7));
        t2a += vec4f(dot(v2, o0), dot(v2, o1), dot(v2, o2), dot(v2, o3));
        t2b += vec4f(dot(v2, o4), dot(v2, o5), dot(v2, o6), dot(v2, o7));
        t3a += vec4f(dot(v3, o0), dot(v3, o1), dot(v3, o2), dot(v3, o3));
        t3b += vec4f(dot(v3, o4), dot(v3, o5), dot(v3, o6), dot(v3, o7));
      }
      let near = rowsFrom(start, head);
      let far = rowsFrom(start + 4u, head);
      s0a = probabilitiesOf(s0a, near, range0);
      s0b = probabilitiesOf(s0b, far, range0);
      s1a = probabilitiesOf(s1a, near, range1);
      s1b = probabilitiesOf(s1b, far, range1);
      s2a = probabilitiesOf(s2a, near, range2);
      s2b = probabilitiesOf(s2b, far, range2);
      s3a = probabilitiesOf(s3a, near, range3);
      s3b = probabilitiesOf(s3b, far, range3);
      let m0a = factorsOf(key + 0u, head, near.index);
      let m0b = factorsOf(key + 0u, head, far.index);
      let m1a = factorsOf(key + 1u, head, near.index);
      let m1b = factorsOf(key + 1u, head, far.index);
      let m2a = factorsOf(key + 2u, head, near.index);
      let m2b = factorsOf(key + 2u, head, far.index);
      let m3a = factorsOf(key + 3u, head, near.index);
      let m3b = factorsOf(key + 3u, head, far.index);
      t0a = shape.scale * s0a * (m0a * t0a - near.deltas);
      t0b = shape.scale * s0b * (m0b * t0b - far.deltas);
      t1a = shape.scale * s1a * (m1a * t1a - near.deltas);
      t1b = shape.scale * s1b * (m1b * t1b - far.deltas);
      t2a = shape.scale * s2a * (m2a * t2a - near.deltas);
      t2b = shape.scale * s2b * (m2b * t2b - far.deltas);
      t3a = shape.scale * s3a * (m3a * t3a - near.deltas);
      t3b = shape.scale * s3b * (m3b * t3b - far.deltas);
      s0a *= m0a;
      s0b *= m0b;
      s1a *= m1a;
      s1b *= m1b;
      s2a *= m2a;
      s2b *= m2b;
      s3a *= m3a;
      s3b *= m3b;
      for (var d = 0u; d < quads; d++) {
        let o0 = upstream[row0 + d];
        let o1 = upstream[row1 + d];
        let o2 = upstream[row2 + d];
        let o3 = upstream[row3 + d];
        let o4 = upstream[row4 + d];
        let o5 = upstream[row5 + d];
        let o6 = upstream[row6 + d];
        let o7 = upstream[row7 + d];
        let sum0 = s0a.x * o0 + s0a.y * o1 + s0a.z * o2 + s0a.w * o3 + s0b.x * o4 + s0b.y * o5 + s0b.z * o6 + s0b.w * o7;
        let sum1 = s1a.x * o0 + s1a.y * o1 + s1a.z * o2 + s1a.w * o3 + s1b.x * o4 + s1b.y * o5 + s1b.z * o6 + s1b.w * o7;
        let sum2 = s2a.x * o0 + s2a.y * o1 + s2a.z * o2 + s2a.w * o3 + s2b.x * o4 + s2b.y * o5 + s2b.z * o6 + s2b.w * o7;
        let sum3 = s3a.x * o0 + s3a.y * o1 + s3a.z * o2 + s3a.w * o3 + s3b.x * o4 + s3b.y * o5 + s3b.z * o6 + s3b.w * o7;
        if (key + 0u < shape.rows) { valueSlopes[key0 + d] += sum0; }
        if (key + 1u < shape.rows) { valueSlopes[key1 + d] += sum1; }
        if (key + 2u < shape.rows) { valueSlopes[key2 + d] += sum2; }
        if (key + 3u < shape.rows) { valueSlopes[key3 + d] += sum3; }
      }
      for (var d = 0u; d < quads; d++) {
        let q0 = queries[row0 + d];
        let q1 = queries[row1 + d];
        let q2 = queries[row2 + d];
        let q3 = queries[row3 + d];
        let q4 = queries[row4 + d];
        let q5 = queries[row5 + d];
        let q6 = queries[row6 + d];
        let q7 = queries[row7 + d];
        let sum0 = t0a.x * q0 + t0a.y * q1 + t0a.z * q2 + t0a.w * q3 + t0b.x * q4 + t0b.y * q5 + t0b.z * q6 + t0b.w * q7;
        let sum1 = t1a.x * q0 + t1a.y * q1 + t1a.z * q2 + t1a.w * q3 + t1b.x * q4 + t1b.y * q5 + t1b.z * q6 + t1b.w * q7;
        let sum2 = t2a.x * q0 + t2a.y * q1 + t2a.z * q2 + t2a.w * q3 + t2b.x * q4 + t2b.y * q5 + t2b.z * q6 + t2b.w * q7;
        let sum3 = t3a.x * q0 + t3a.y * q1 + t3a.z * q2 + t3a.w * q3 + t3b.x * q4 + t3b.y * q5 + t3b.z * q6 + t3b.w * q7;
        if (key + 0u < shape.rows) { keySlopes[key0 + d] += sum0; }
        if (key + 1u < shape.rows) { keySlopes[key1 + d] += sum1; }
        if (key + 2u < shape.rows) { keySlopes[key2 + d] += sum2; }
        if (key + 3u < shape.rows) { keySlopes[key3 + d] += sum3; }
      }
    }
  }
}
