// partials[p] = Σ source² over elements [p · chunk, (p + 1) · chunk): the global gradient norm, to be finished by
// adamw.wgsl or reduce.wgsl.
//
// One workgroup of LANES threads per chunk, vec4 by vec4, every thread its share; then one thread adds the partial
// sums. All orders are fixed, so a norm is the same on every run of one device.
//
// Edges: an arena larger than a binding goes in pieces of whole chunks, `first` being the piece's. The last chunk may be short. chunk and the arena are multiples of 4; what lies between parameters is 0.
//
// Plan: SumSquaresLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/kernels.gpu.test.ts
override LANES: u32 = 64u;

struct Shape {
  elements: u32,
  chunk: u32,
  first: u32, // chunk of the arena that is the first here
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

var<workgroup> sums: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let end = min((group.x + 1u) * shape.chunk, shape.elements) / 4u;
  var squares = vec4f();
  for (var i = group.x * shape.chunk / 4u + lane; i < end; i += LANES) {
    let value = source[i];
    squares += value * value;
  }
  sums[lane] = dot(squares, vec4f(1.0));
  workgroupBarrier();
  if (lane > 0u) { return; }
  var sum = 0.0;
  for (var i = 0u; i < LANES; i++) { sum += sums[i]; }
  partials[shape.first + group.x] = sum;
}
