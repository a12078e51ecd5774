// y = (x − mean) / √(variance + ε) · γ + β for each row of x : [M, N]   γ, β : [N]   (torch.nn.LayerNorm)
// Where not CENTRED (RMSNorm) the mean counts as 0 and there is no β.
// The variance is the biased one, taken around the mean in a second pass over the row: E[x²] − mean² would cancel.
//
// A workgroup takes DOWN rows at a time with ACROSS threads each: a thread reads every ACROSS-th value of its row, so
// neighbours read neighbours, and all threads of a row add the partial sums in one order. Nothing is kept for the
// backward pass: layer_norm_gradient.wgsl computes mean and variance again from x, which it reads anyway.
//
// Edges: M and N are free; rows past the end are computed on the last row and not stored. Barriers stand where all pass.
//
// Plan: LayerNormLaunch     CPU twin: ../reference/layer-norm.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
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
@group(0) @binding(3) var<storage, read> beta: array<f32>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

var<workgroup> partials: array<f32, ACROSS * DOWN>;

fn total(thread: vec3u, value: f32) -> f32 {
  workgroupBarrier(); // the last total has been read by all
  partials[thread.y * ACROSS + thread.x] = value;
  workgroupBarrier();
  var sum = 0.0;
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
    var sum = 0.0;
    if (CENTRED == 1u) {
      for (var i = thread.x; i < width; i += ACROSS) { sum += source[start + i]; }
      sum = total(thread, sum);
    }
    let mean = sum / count;
    var squares = 0.0;
    for (var i = thread.x; i < width; i += ACROSS) {
      let centred = source[start + i] - mean;
      squares += centred * centred;
    }
    let scale = inverseSqrt(total(thread, squares) / count + shape.epsilon);
    if (row < shape.rows) {
      for (var i = thread.x; i < width; i += ACROSS) {
        let unit = (source[start + i] - mean) * scale;
        if (CENTRED == 1u) { result[start + i] = unit * gamma[i] + beta[i]; } else { result[start + i] = unit * gamma[i]; }
      }
    }
  }
}
