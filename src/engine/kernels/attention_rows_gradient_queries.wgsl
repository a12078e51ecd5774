// dQ[i] = scale · Σ_j dS[i, j] · k[j] without workgroup memory: the formulas and shapes of attention_gradient_queries.wgsl, for
// software adapters, by the plan of attention_rows.wgsl.
//
// A thread owns four rows of one head (y of the grid) and walks over their keys by eight: 4 × 8 scores and as many dO·v in
// named vec4s. Sums stand in the result itself, which only this thread touches.
//
// Edges: Dh is a multiple of 4. Rows past the end are read as the last and not stored; keys outside a row's range count 0;
// rows of an empty range get 0. Every order is fixed: same bits on every run.
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
@group(0) @binding(8) var<storage, read_write> result: array<vec4f>;

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
fn slopesOf(products: vec4f, towards: vec4f, row: u32, head: u32, key: vec4u, range: vec2u) -> vec4f {
  let stat = stats[head * shape.rows + min(row, shape.rows - 1u)];
  var kept = towards;
  if (shape.dropBelow > 0u) {
    let bits = randomBits((head * shape.rows + row) * shape.rows + key);
    kept = select(vec4f(), kept * shape.keepFactor, bits >= vec4u(shape.dropBelow));
  }
  let slopes = exp(shape.scale * products - stat.x) * (kept - stat.y);
  return select(vec4f(), slopes, (key >= vec4u(range.x)) & (key < vec4u(range.y)));
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
    var t0a = vec4f();
    var t0b = vec4f();
    var t1a = vec4f();
    var t1b = vec4f();
    var t2a = vec4f();
    var t2b = vec4f();
    var t3a = vec4f();
    var t3b = vec4f();
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
      let o0 = upstream[row0 + d];
      let o1 = upstream[row1 + d];
      let o2 = upstream[row2 + d];
      let o3 = upstream[row3 + d];
      let v0 = values[key0 + d];
      let v1 = values[key1 + d];
      let v2 = values[key2 + d];
      let v3 = values[key3 + d];
      let v4 = values[key4 + d];
      let v5 = values[key5 + d];
      let v6 = values[key6 + d];
      let v7 = values[key7 + d];
      t0a += vec4f(dot(o0, v0), dot(o0, v1), dot(o0, v2), dot(o0, v3));
      t0b += vec4f(dot(o0, v4), dot(o0, v5), dot(o0, v6), dot(o0, v7));
      t1a += vec4f(dot(o1, v0), dot(o1, v1), dot(o1, v2), dot(o1, v3));
      t1b += vec4f(dot(o1, v4), dot(o1, v5), dot(o1, v6), dot(o1, v7));
      t2a += vec4f(dot(o2, v0), dot(o2, v1), dot(o2, v2), dot(o2, v3));
      t2b += vec4f(dot(o2, v4), dot(o2, v5), dot(o2, v6), dot(o2, v7));
      t3a += vec4f(dot(o3, v0), dot(o3, v1), dot(o3, v2), dot(o3, v3));
      t3b += vec4f(dot(o3, v4), dot(o3, v5), dot(o3, v6), dot(o3, v7));
    }
    let near = vec4u(start) + vec4u(0u, 1u, 2u, 3u);
    let far = near + 4u;
    s0a = shape.scale * slopesOf(s0a, t0a, row + 0u, head, near, range0);
    s0b = shape.scale * slopesOf(s0b, t0b, row + 0u, head, far, range0);
    s1a = shape.scale * slopesOf(s1a, t1a, row + 1u, head, near, range1);
    s1b = shape.scale * slopesOf(s1b, t1b, row + 1u, head, far, range1);
    s2a = shape.scale * slopesOf(s2a, t2a, row + 2u, head, near, range2);
    s2b = shape.scale * slopesOf(s2b, t2b, row + 2u, head, far, range2);
    s3a = shape.scale * slopesOf(s3a, t3a, row + 3u, head, near, range3);
    s3b = shape.scale * slopesOf(s3b, t3b, row + 3u, head, far, range3);
    for (var d = 0u; d < quads; d++) {
      let k0 = keys[key0 + d];
      let k1 = keys[key1 + d];
      let k2 = keys[key2 + d];
      let k3 = keys[key3 + d];
      let k4 = keys[key4 + d];
      let k5 = keys[key5 + d];
      let k6 = keys[key6 + d];
      let k7 = keys[key7 + d];
      let sum0 = s0a.x * k0 + s0a.y * k1 + s0a.z * k2 + s0a.w * k3 + s0b.x * k4 + s0b.y * k5 + s0b.z * k6 + s0b.w * k7;
      let sum1 = s1a.x * k0 + s1a.y * k1 + s1a.z * k2 + s1a.w * k3 + s1b.x * k4 + s1b.y * k5 + s1b.z * k6 + s1b.w * k7;
      let sum2 = s2a.x * k0 + s2a.y * k1 + s2a.z * k2 + s2a.w * k3 + s2b.x * k4 + s2b.y * k5 + s2b.z * k6 + s2b.w * k7;
      let sum3 = s3a.x * k0 + s3a.y * k1 + s3a.z * k2 + s3a.w * k3 + s3b.x * k4 + s3b.y * k5 + s3b.z * k6 + s3b.w * k7;
      if (row + 0u < shape.rows) { result[row0 + d] += sum0; }
      if (row + 1u < shape.rows) { result[row1 + d] += sum1; }
      if (row + 2u < shape.rows) { result[row2 + d] += sum2; }
      if (row + 3u < shape.rows) { result[row3 + d] += sum3; }
    }
  }
}
