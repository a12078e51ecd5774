// Attention of few rows over stored keys and values: for each head and row i,
//   p = softmax over j in ranges[i] of scale · q[i]·k[j];   result[i] = Σ_j p[j] · v[j]
//   queries, result : [R, H·Dh]     keys, values : [P, G·Dh]     ranges : u32 [R, 2], half open rows of keys
//
// A workgroup takes one row of one head: 64 keys at a time, whose scores its lanes share; then the lanes share the columns of the
// result. Online softmax: when the largest score rises, what was summed fades (Dao 2023). Three arrays of workgroup memory, each
// written between barriers after all have read it: two barriers for 64 keys.
//
// Edges: any Dh up to 512; an empty range gives 0. Every order is fixed: same bits on every run.
//
// Plan: CachedAttentionLaunch     CPU twin: ../reference/cached-attention.ts     Test: tests/engine/kernels.gpu.test.ts
override LANES: u32 = 64u;

const KEYS = 64u; // at a time
const WIDEST = 512u;
const LEAST = -3e38;

struct Shape {
  rows: u32,
  heads: u32,
  headSize: u32,
  group: u32, // heads that read one of keys and values
  scale: f32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<f32>;
@group(0) @binding(4) var<storage, read> ranges: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> result: array<f32>;

var<workgroup> sums: array<f32, WIDEST>; // of one row: a lane touches its own columns alone
var<workgroup> scores: array<f32, KEYS>;
var<workgroup> shares: array<f32, KEYS>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let size = shape.headSize;
  let keyWidth = shape.heads / shape.group * size;
  let keyOffset = group.x / shape.group * size;
  for (var row = group.y; row < shape.rows; row += groups.y) {
    let range = ranges[row];
    let at = (row * shape.heads + group.x) * size;
    for (var column = lane; column < size; column += LANES) { sums[column] = 0.0; }
    var most = LEAST;
    var total = 0.0;
    for (var start = range.x; start < range.y; start += KEYS) {
      let count = min(KEYS, range.y - start);
      for (var key = lane; key < count; key += LANES) {
        let base = (start + key) * keyWidth + keyOffset;
        var score = 0.0;
        for (var d = 0u; d < size; d++) { score += queries[at + d] * keys[base + d]; }
        scores[key] = shape.scale * score;
      }
      workgroupBarrier();
      var peak = most;
      for (var key = 0u; key < count; key++) { peak = max(peak, scores[key]); }
      let fade = exp(most - peak);
      most = peak;
      for (var key = lane; key < count; key += LANES) { shares[key] = exp(scores[key] - peak); }
      workgroupBarrier();
      total *= fade;
      for (var key = 0u; key < count; key++) { total += shares[key]; }
      for (var column = lane; column < size; column += LANES) {
        var sum = sums[column] * fade;
        for (var key = 0u; key < count; key++) {
          sum += shares[key] * values[(start + key) * keyWidth + keyOffset + column];
        }
        sums[column] = sum;
      }
    }
    let factor = select(1.0 / total, 0.0, total == 0.0);
    for (var column = lane; column < size; column += LANES) { result[at + column] = sums[column] * factor; }
    workgroupBarrier(); // the next row's scores
  }
}
