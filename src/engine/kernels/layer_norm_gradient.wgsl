// dX = (g − mean(g) − x̂ · mean(g · x̂)) · s for each row, with g = dY · γ, x̂ = (x − mean) · s, s = 1/√(variance + ε)
// Where not CENTRED (RMSNorm) both means of x and of g count as 0.
//   x, dY, dX : [M, N]     γ : [N]     mean and variance of x's row, computed again as in layer_norm.wgsl
//
// A workgroup takes DOWN rows at a time with ACROSS threads each: a thread reads every ACROSS-th value of its row, and
// all threads of a row add the partial sums in one order.
//
// Edges: M and N are free; rows past the end are computed on the last row and not stored. Barriers stand where all pass.
//
// Plan: LayerNormGradientLaunch     CPU twin: ../reference/layer-norm.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
override ACROSS: u32 = 16u;
override DOWN: u32 = 4u;
override CENTRED: u32 = 1u;

struct Shape {
  rows: u32,
  columns: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> gamma: array<f32>;
@group(0) @binding(3) var<storage, read> upstream: array<f32>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

var<workgroup> partials: array<vec2f, ACROSS * DOWN>;

fn total(thread: vec3u, value: vec2f) -> vec2f {
  workgroupBarrier(); // the last total has been read by all
  partials[thread.y * ACROSS + thread.x] = value;
  workgroupBarrier();
  var sum = vec2f();
  for (var i = 0u; i < ACROSS; i++) { sum += partials[thread.y * ACROSS + i]; }
  return sum;
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) thread: vec3u,
) {
  let width = shape.columns;
  let count = f32(width);
  for (var top = group.x * DOWN; top < shape.rows; top += groups.x * DOWN) {
    let row = top + thread.y;
    let start = min(row, shape.rows - 1u) * width;
    var sums = vec2f(); // of x and of g
    if (CENTRED == 1u) {
      for (var i = thread.x; i < width; i += ACROSS) {
        sums += vec2f(source[start + i], upstream[start + i] * gamma[i]);
      }
      sums = total(thread, sums);
    }
    let means = sums / count;
    var products = vec2f(); // squares, and g · (x − mean)
    for (var i = thread.x; i < width; i += ACROSS) {
      let centred = source[start + i] - means.x;
      products += centred * vec2f(centred, upstream[start + i] * gamma[i]);
    }
    let found = total(thread, products) / count;
    let scale = inverseSqrt(found.x + shape.epsilon);
    let along = found.y * scale * scale; // mean(g · x̂) · s: what a centred value is multiplied by
    if (row < shape.rows) {
      for (var i = thread.x; i < width; i += ACROSS) {
        let centred = source[start + i] - means.x;
        result[start + i] = (upstream[start + i] * gamma[i] - means.y - centred * along) * scale;
      }
    }
  }
}
