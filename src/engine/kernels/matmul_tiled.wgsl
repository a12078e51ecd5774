// C = chain(A · B) in any layout, for row-major f32 matrices of any size.
//   NT: A [M, K], B [N, K]     NN: A [M, K], B [K, N]     TN: A [K, M], B [K, N]     TT: A [K, M], B [N, K]
//
// One workgroup of SIDE × SIDE threads computes one TILE × TILE block of C, TILE = 4·SIDE: 32 × 32 for small grids, 64 ×
// 64 for large ones. Along K it walks DEPTH at a time: the threads copy a slab of A and of B into workgroup memory, then
// each multiplies 4 × 4 sums held in named vec4 accumulators. Slabs lie k by k, so that four neighbours are one vec4.
//
// Edges: what lies outside A or B is loaded as 0, so M, N and K need not be multiples of anything. No thread returns
// before the last barrier: WGSL requires uniform control flow there. Elements are loaded one by one, so any stride fits.
//
// Plan: MatmulLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/kernels.gpu.test.ts
override SIDE: u32 = 8u;
override DEPTH: u32 = 16u;
override STORED: u32 = 0u; // what B is stored in (stored.ts): 0 f32, 1 f16, 2 q8, 3 q4; sums are f32 all the same
// Which arms of the chain the pipeline needs: bits of step kinds (plan.ts, in order) and of activations.
override KINDS: u32 = 0xfffu;
override ACTIVATIONS: u32 = 0x3ffu;
override OPERANDS: u32 = 4u; // operands bound

struct Shape {
  m: u32,
  n: u32,
  k: u32,
  strideA: u32, // elements between rows, as are the other strides
  strideB: u32,
  strideOut: u32,
  stepCount: u32,
  arrangement: u32, // 0 NT, 1 NN, 2 TN, 3 TT
  factor: f32, // of every sum, before the chain
  factorSlot: u32, // operand that holds one more such factor; 255: none
  scales: u32, // of a q8 or q4 B: the word where they begin
  spare1: u32,
  steps: array<Step, 8>,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<u32>; // f32 bits, or as STORED says
@group(0) @binding(3) var<storage, read_write> result: array<f32>;
@group(0) @binding(4) var<storage, read> operand0: array<u32>; // f32 bits, or u32
@group(0) @binding(5) var<storage, read> operand1: array<u32>;
@group(0) @binding(6) var<storage, read> operand2: array<u32>;
@group(0) @binding(7) var<storage, read> operand3: array<u32>;

var<workgroup> slabA: array<vec4f, SIDE * DEPTH>; // [k][row / 4]
var<workgroup> slabB: array<vec4f, SIDE * DEPTH>; // [k][column / 4]

fn valueA(row: u32, k: u32) -> f32 {
  if (row >= shape.m || k >= shape.k) { return 0.0; }
  return a[select(row * shape.strideA + k, k * shape.strideA + row, shape.arrangement >= 2u)];
}

fn valueB(column: u32, k: u32) -> f32 {
  if (column >= shape.n || k >= shape.k) { return 0.0; }
  let across = shape.arrangement == 1u || shape.arrangement == 2u;
  let index = select(column * shape.strideB + k, k * shape.strideB + column, across);
  if (STORED == 0u) { return bitcast<f32>(b[index]); }
  if (STORED == 1u) { return unpack2x16float(b[index >> 1u])[index & 1u]; }
  let scale = unpack2x16float(b[shape.scales + (index >> 6u)])[(index >> 5u) & 1u];
  if (STORED == 2u) { return scale * f32(i32(b[index >> 2u] << (24u - ((index & 3u) << 3u))) >> 24u); }
  return scale * (f32((b[index >> 3u] >> ((index & 7u) << 2u)) & 15u) - 8.0);
}

fn store(row: u32, column: u32, sums: vec4f) {
  if (row >= shape.m || column >= shape.n) { return; }
  var factor = shape.factor;
  if (shape.factorSlot != 255u) { factor *= bitcast<f32>(operandAt(shape.factorSlot, 3u, row, column).x); }
  let value = chain(factor * sums, row, column);
  let at = row * shape.strideOut + column;
  result[at] = value.x;
  if (column + 1u < shape.n) { result[at + 1u] = value.y; }
  if (column + 2u < shape.n) { result[at + 2u] = value.z; }
  if (column + 3u < shape.n) { result[at + 3u] = value.w; }
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

@compute @workgroup_size(SIDE, SIDE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) thread: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let top = group.y * SIDE * 4u;
  let left = group.x * SIDE * 4u;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  for (var start = 0u; start < shape.k; start += DEPTH) {
    for (var i = index; i < SIDE * DEPTH; i += SIDE * SIDE) {
      let k = start + i / SIDE;
      let row = top + (i % SIDE) * 4u;
      let column = left + (i % SIDE) * 4u;
      slabA[i] = vec4f(valueA(row, k), valueA(row + 1u, k), valueA(row + 2u, k), valueA(row + 3u, k));
      slabB[i] = vec4f(valueB(column, k), valueB(column + 1u, k), valueB(column + 2u, k), valueB(column + 3u, k));
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let rows = slabA[k * SIDE + thread.y];
      let columns = slabB[k * SIDE + thread.x];
      c0 += rows.x * columns;
      c1 += rows.y * columns;
      c2 += rows.z * columns;
      c3 += rows.w * columns;
    }
    workgroupBarrier();
  }
  let row = top + thread.y * 4u;
  let column = left + thread.x * 4u;
  store(row, column, c0);
  store(row + 1u, column, c1);
  store(row + 2u, column, c2);
  store(row + 3u, column, c3);
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
