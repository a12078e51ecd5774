// out[row, column] = chain(source[row, column]): a chain of element-wise steps over a matrix [M, N].
//
// A thread takes four neighbours of one row, so a row of N values has ⌈N/4⌉ threads. The source may itself be repeated
// (a row vector, a column vector or one value). Threads stride over the grid, so any size fits.
//
// Edges: values past the end of a row are computed from whatever is read there and not stored.
//
// Plan: ElementwiseLaunch     CPU twin: ../reference/chain.ts     Test: tests/engine/kernels.gpu.test.ts
// Which arms of the chain the pipeline needs: bits of step kinds (plan.ts, in order) and of activations.
override KINDS: u32 = 0xfffu;
override ACTIVATIONS: u32 = 0x3ffu;
override OPERANDS: u32 = 4u; // operands bound

struct Shape {
  m: u32,
  n: u32,
  stepCount: u32,
  broadcast: u32, // of the source
  steps: array<Step, 8>,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(0) @binding(3) var<storage, read> operand0: array<u32>; // f32 bits, or u32
@group(0) @binding(4) var<storage, read> operand1: array<u32>;
@group(0) @binding(5) var<storage, read> operand2: array<u32>;
@group(0) @binding(6) var<storage, read> operand3: array<u32>;

fn sourceAt(row: u32, column: u32) -> vec4f {
  var index = 0u;
  if (shape.broadcast == 0u) { index = row * shape.n + column; }
  if (shape.broadcast == 1u) { index = column; }
  if (shape.broadcast == 2u) { index = row; }
  let stride = select(0u, 1u, shape.broadcast < 2u);
  return vec4f(source[index], source[index + stride], source[index + 2u * stride], source[index + 3u * stride]);
}

// Four operand values at [row, column …] as bits. broadcast: 0 full, 1 row vector, 2 column vector, 3 one value
fn operandAt(slot: u32, broadcast: u32, row: u32, column: u32) -> vec4u {
  var index = select(0u, row, broadcast == 2u);
  if (broadcast < 2u) { index = select(row * shape.n, 0u, broadcast == 1u) + column; }
  let i = vec4u(index) + select(vec4u(), vec4u(0u, 1u, 2u, 3u), broadcast < 2u);
  if (OPERANDS > 3u && slot == 3u) { return vec4u(operand3[i.x], operand3[i.y], operand3[i.z], operand3[i.w]); }
  if (OPERANDS > 2u && slot == 2u) { return vec4u(operand2[i.x], operand2[i.y], operand2[i.z], operand2[i.w]); }
  if (OPERANDS > 1u && slot == 1u) { return vec4u(operand1[i.x], operand1[i.y], operand1[i.z], operand1[i.w]); }
  return vec4u(operand0[i.x], operand0[i.y], operand0[i.z], operand0[i.w]);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let blocks = (shape.n + 3u) / 4u;
  for (var i = thread.x; i < shape.m * blocks; i += groups.x * 64u) {
    let row = i / blocks;
    let column = (i % blocks) * 4u;
    let value = chain(sourceAt(row, column), row, column);
    let at = row * shape.n + column;
    result[at] = value.x;
    if (column + 1u < shape.n) { result[at + 1u] = value.y; }
    if (column + 2u < shape.n) { result[at + 2u] = value.z; }
    if (column + 3u < shape.n) { result[at + 3u] = value.w; }
  }
}

// --- the chain: what happens to a value on its way out (the same text in five kernels; a test holds that) ---
struct Step {
  code: u32, // kind | slot << 8 | second slot << 12 | broadcast << 16
  choice: u32, // activation, or the bits below which dropout drops
  factor: f32, // scale, 1 / (1 - rate), or the largest norm
  seed: u32,
}

// Abramowitz & Stegun 7.1.26: |error| < 1.5e-7
fn erf4(x: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - poly * exp(-x * x));
}

// relu 0, tanh 1, sigmoid 2, leaky relu 3, gelu 4, exp 5, log 6, sqrt 7, softplus 8, silu 9
fn activated(choice: u32, x: vec4f) -> vec4f {
  if ((ACTIVATIONS & 2u) != 0u && choice == 1u) { return tanh(clamp(x, vec4f(-15.0), vec4f(15.0))); }
  if ((ACTIVATIONS & 4u) != 0u && choice == 2u) { return 1.0 / (1.0 + exp(-x)); }
  if ((ACTIVATIONS & 8u) != 0u && choice == 3u) { return select(0.01 * x, x, x > vec4f()); }
  if ((ACTIVATIONS & 16u) != 0u && choice == 4u) { return 0.5 * x * (1.0 + erf4(x * 0.70710678)); }
  if ((ACTIVATIONS & 32u) != 0u && choice == 5u) { return exp(x); }
  if ((ACTIVATIONS & 64u) != 0u && choice == 6u) { return log(x); }
  if ((ACTIVATIONS & 128u) != 0u && choice == 7u) { return sqrt(x); }
  if ((ACTIVATIONS & 256u) != 0u && choice == 8u) { return max(x, vec4f()) + log(1.0 + exp(-abs(x))); }
  if ((ACTIVATIONS & 512u) != 0u && choice == 9u) { return x / (1.0 + exp(-x)); }
  return max(x, vec4f());
}

// f' from f's result y; of gelu, log, softplus and silu from the argument
fn activationSlope(choice: u32, y: vec4f) -> vec4f {
  if ((ACTIVATIONS & 2u) != 0u && choice == 1u) { return 1.0 - y * y; }
  if ((ACTIVATIONS & 4u) != 0u && choice == 2u) { return y * (1.0 - y); }
  if ((ACTIVATIONS & 8u) != 0u && choice == 3u) { return select(vec4f(0.01), vec4f(1.0), y > vec4f()); }
  if ((ACTIVATIONS & 16u) != 0u && choice == 4u) {
    return 0.5 * (1.0 + erf4(y * 0.70710678)) + y * 0.39894228 * exp(-0.5 * y * y);
  }
  if ((ACTIVATIONS & 32u) != 0u && choice == 5u) { return y; }
  if ((ACTIVATIONS & 64u) != 0u && choice == 6u) { return 1.0 / y; }
  if ((ACTIVATIONS & 128u) != 0u && choice == 7u) { return 0.5 / y; }
  if ((ACTIVATIONS & 256u) != 0u && choice == 8u) { return 1.0 / (1.0 + exp(-y)); }
  if ((ACTIVATIONS & 512u) != 0u && choice == 9u) { return (1.0 + y - y / (1.0 + exp(-y))) / (1.0 + exp(-y)); }
  return select(vec4f(), vec4f(1.0), y > vec4f());
}

// pcg3d (Jarzynski & Olano 2020), first result, for four neighbouring elements; the twin is random.ts
fn randomBits(element: u32, counter: u32, seed: u32) -> vec4u {
  var x = (vec4u(element) + vec4u(0u, 1u, 2u, 3u)) * 1664525u + 1013904223u;
  var y = vec4u(counter * 1664525u + 1013904223u);
  var z = vec4u(seed * 1664525u + 1013904223u);
  x += y * z;
  y += z * x;
  z += x * y;
  x ^= x >> vec4u(16u);
  y ^= y >> vec4u(16u);
  z ^= z >> vec4u(16u);
  return x + y * z;
}

// All steps applied to the four values at [row, column …].
fn chain(start: vec4f, row: u32, column: u32) -> vec4f {
  var value = start;
  for (var s = 0u; s < shape.stepCount; s++) {
    let step = shape.steps[s];
    let kind = step.code & 255u;
    var bits = vec4u();
    var matrix = vec4u(); // read first, by the one kind that has two operands
    if ((KINDS & 0xf7eu) != 0u && kind != 0u && kind != 7u) {
      for (var o = select(1u, 0u, kind == 9u); o < 2u; o++) {
        matrix = bits;
        let slot = (step.code >> select(12u, 8u, o == 1u)) & 15u;
        bits = operandAt(slot, select(0u, step.code >> 16u, o == 1u), row, column);
      }
    }
    let operand = bitcast<vec4f>(bits);
    if ((KINDS & 1u) != 0u && kind == 0u) { value *= step.factor; }
    if ((KINDS & 2u) != 0u && kind == 1u) { value += operand; }
    if ((KINDS & 4u) != 0u && kind == 2u) { value *= operand; }
    if ((KINDS & 8u) != 0u && kind == 3u) { value -= operand; }
    if ((KINDS & 16u) != 0u && kind == 4u) { value = operand - value; }
    if ((KINDS & 32u) != 0u && kind == 5u) { value /= operand; }
    if ((KINDS & 64u) != 0u && kind == 6u) { value = operand / value; }
    if ((KINDS & 128u) != 0u && kind == 7u) { value = activated(step.choice, value); }
    if ((KINDS & 256u) != 0u && kind == 8u) { value *= activationSlope(step.choice, operand); }
    if ((KINDS & 512u) != 0u && kind == 9u) { value -= operand * bitcast<vec4f>(matrix); }
    if ((KINDS & 1024u) != 0u && kind == 10u) {
      let keeps = randomBits(row * shape.n + column, bits.x, step.seed) >= vec4u(step.choice);
      value = select(vec4f(), value * step.factor, keeps);
    }
    if ((KINDS & 2048u) != 0u && kind == 11u) { value *= min(1.0, step.factor / (operand.x + 1e-6)); }
  }
  return value;
}
// --- end of the chain ---
