// partials[p, c] = Σ source[r, c] · times[r, c] over the rows p·partRows ≤ r < (p+1)·partRows     source, times : [M, N]
//
// The first stage of sums down tall columns (gradients of biases over all tokens of a batch); reduce.wgsl adds the parts
// and finishes. A thread takes four columns of one part (z of the grid), so neighbours read neighbouring vec4s.
//
// Needs N to be a multiple of 4 (reduce.wgsl takes the rest). times is optional. Edges: the last part may be short.
//
// Plan: ReduceLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
override LANES: u32 = 64u;

struct Shape {
  rows: u32,
  quads: u32, // columns / 4
  partRows: u32,
  hasTimes: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<vec4f>;
@group(0) @binding(2) var<storage, read> times: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let quads = shape.quads;
  let quad = group.x * LANES + lane;
  if (quad >= quads) { return; }
  let first = group.z * shape.partRows;
  let end = min(first + shape.partRows, shape.rows) * quads + quad;
  var sum = vec4f();
  if (shape.hasTimes == 0u) {
    for (var at = first * quads + quad; at < end; at += quads) { sum += source[at]; }
  } else {
    for (var at = first * quads + quad; at < end; at += quads) { sum += source[at] * times[at]; }
  }
  partials[group.z * quads + quad] = sum;
}
