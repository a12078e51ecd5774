// C = chain(A · B) for row-major f32 matrices.   A : [M, K]   B : [K, N]   C : [M, N]
//
// Registers only, as matmul_nt.wgsl: a thread holds ROWS × 4·BLOCKS sums and walks along K by four: a vec4 of each of
// its rows of A, and four rows of B.
//
// Needs N and all strides to be multiples of 4. K may be anything where the padding of A's rows holds zeros: a row of
// B past the end is the last one again, times 0. Rows of C past the edge are clamped when read and not stored.
//
// Plan: MatmulLaunch, layout NN     CPU twin: ../reference/launches.ts     Test: tests/engine/kernels.gpu.test.ts
override ROWS: u32 = 8u; // rows of the result in one thread: 1 to 8
override BLOCKS: u32 = 2u; // columns in one thread, in fours: 1 or 2
// Which arms of the chain the pipeline needs: bits of step kinds (plan.ts, in order) and of activations.
override KINDS: u32 = 0xfffu;
override ACTIVATIONS: u32 = 0x3ffu;
override OPERANDS: u32 = 4u; // operands bound
override STORED: u32 = 0u; // what B is stored in (stored.ts): 0 f32, 1 f16, 2 q8, 3 q4; sums are f32 all the same
override WIDTH: u32 = 8u; // threads of a workgroup, across
override HEIGHT: u32 = 4u; // and down

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
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4u>; // f32 bits, or as STORED says
@group(0) @binding(3) var<storage, read_write> result: array<vec4f>;
@group(0) @binding(4) var<storage, read> operand0: array<vec4u>; // f32 bits, or u32
@group(0) @binding(5) var<storage, read> operand1: array<vec4u>;
@group(0) @binding(6) var<storage, read> operand2: array<vec4u>;
@group(0) @binding(7) var<storage, read> operand3: array<vec4u>;

// Four neighbours of B, decoded: that needs no feature of the device, only shifts.
fn blockB(index: u32) -> vec4f {
  if (STORED == 0u) { return bitcast<vec4f>(b[index]); }
  if (STORED == 1u) {
    let words = b[index >> 1u];
    let pair = select(words.xy, words.zw, (index & 1u) == 1u);
    return vec4f(unpack2x16float(pair.x), unpack2x16float(pair.y));
  }
  let scale = unpack2x16float(wordB(shape.scales + (index >> 4u)))[(index >> 3u) & 1u];
  if (STORED == 2u) { return scale * vec4f(vec4i(vec4u(wordB(index)) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u)); }
  let nibbles = vec4u(wordB(index >> 1u) >> ((index & 1u) << 4u)) >> vec4u(0u, 4u, 8u, 12u);
  return scale * (vec4f(nibbles & vec4u(15u)) - 8.0);
}

fn wordB(index: u32) -> u32 {
  return b[index >> 2u][index & 3u];
}

// What every sum is multiplied by: read once a thread, where a step of the chain would be read once a value.
fn commonFactor() -> f32 {
  if (shape.factorSlot == 255u) { return shape.factor; }
  return shape.factor * bitcast<f32>(blockOf(shape.factorSlot, 0u).x);
}

fn blockOf(slot: u32, index: u32) -> vec4u {
  if (OPERANDS > 3u && slot == 3u) { return operand3[index]; }
  if (OPERANDS > 2u && slot == 2u) { return operand2[index]; }
  if (OPERANDS > 1u && slot == 1u) { return operand1[index]; }
  return operand0[index];
}

// Four operand values at [row, column …] as bits. broadcast: 0 full, 1 row vector, 2 column vector, 3 one value
fn operandAt(slot: u32, broadcast: u32, row: u32, column: u32) -> vec4u {
  var index = select(0u, row, broadcast == 2u);
  if (broadcast < 2u) { index = select(row * shape.n, 0u, broadcast == 1u) + column; }
  let bits = blockOf(slot, index >> 2u);
  return select(bits, vec4u(bits[index & 3u]), broadcast >= 2u);
}

// The chain over what this thread has stored: in a loop over memory, so that its code stands in the pipeline once.
fn chainStored(row: u32, block: u32, blocks: u32, stride: u32) {
  let rows = min(ROWS, shape.m - row);
  for (var r = 0u; r < rows; r++) {
    for (var c = 0u; c < blocks; c++) {
      let at = (row + r) * stride + block + c;
      result[at] = chain(result[at], row + r, (block + c) * 4u);
    }
  }
}

@compute @workgroup_size(WIDTH, HEIGHT)
fn main(@builtin(global_invocation_id) thread: vec3u) {
  let row = thread.y * ROWS;
  let block = thread.x * BLOCKS;
  if (row >= shape.m || block * 4u >= shape.n) { return; }
  var c00 = vec4f(); var c01 = vec4f();
  var c10 = vec4f(); var c11 = vec4f();
  var c20 = vec4f(); var c21 = vec4f();
  var c30 = vec4f(); var c31 = vec4f();
  var c40 = vec4f(); var c41 = vec4f();
  var c50 = vec4f(); var c51 = vec4f();
  var c60 = vec4f(); var c61 = vec4f();
  var c70 = vec4f(); var c71 = vec4f();
  let depth = (shape.k + 3u) >> 2u;
  let strideA = shape.strideA >> 2u;
  let strideB = shape.strideB >> 2u;
  let lastRow = shape.m - 1u;
  let lastK = shape.k - 1u;
  let block1 = min(block + 1u, (shape.n >> 2u) - 1u);
  let row0 = min(row + 0u, lastRow) * strideA;
  let row1 = min(row + 1u, lastRow) * strideA;
  let row2 = min(row + 2u, lastRow) * strideA;
  let row3 = min(row + 3u, lastRow) * strideA;
  let row4 = min(row + 4u, lastRow) * strideA;
  let row5 = min(row + 5u, lastRow) * strideA;
  let row6 = min(row + 6u, lastRow) * strideA;
  let row7 = min(row + 7u, lastRow) * strideA;
  for (var k = 0u; k < depth; k++) {
    let a0 = a[row0 + k];
    var a1 = vec4f();
    if (ROWS > 1u) { a1 = a[row1 + k]; }
    var a2 = vec4f();
    if (ROWS > 2u) { a2 = a[row2 + k]; }
    var a3 = vec4f();
    if (ROWS > 3u) { a3 = a[row3 + k]; }
    var a4 = vec4f();
    if (ROWS > 4u) { a4 = a[row4 + k]; }
    var a5 = vec4f();
    if (ROWS > 5u) { a5 = a[row5 + k]; }
    var a6 = vec4f();
    if (ROWS > 6u) { a6 = a[row6 + k]; }
    var a7 = vec4f();
    if (ROWS > 7u) { a7 = a[row7 + k]; }
    let k0 = min((k << 2u), lastK) * strideB;
    let b0 = blockB(k0 + block);
    let k1 = min((k << 2u) + 1u, lastK) * strideB;
    let b1 = blockB(k1 + block);
    let k2 = min((k << 2u) + 2u, lastK) * strideB;
    let b2 = blockB(k2 + block);
    let k3 = min((k << 2u) + 3u, lastK) * strideB;
    let b3 = blockB(k3 + block);
    c00 += a0.x * b0 + a0.y * b1 + a0.z * b2 + a0.w * b3;
    if (ROWS > 1u) { c10 += a1.x * b0 + a1.y * b1 + a1.z * b2 + a1.w * b3; }
    if (ROWS > 2u) { c20 += a2.x * b0 + a2.y * b1 + a2.z * b2 + a2.w * b3; }
    if (ROWS > 3u) { c30 += a3.x * b0 + a3.y * b1 + a3.z * b2 + a3.w * b3; }
    if (ROWS > 4u) { c40 += a4.x * b0 + a4.y * b1 + a4.z * b2 + a4.w * b3; }
    if (ROWS > 5u) { c50 += a5.x * b0 + a5.y * b1 + a5.z * b2 + a5.w * b3; }
    if (ROWS > 6u) { c60 += a6.x * b0 + a6.y * b1 + a6.z * b2 + a6.w * b3; }
    if (ROWS > 7u) { c70 += a7.x * b0 + a7.y * b1 + a7.z * b2 + a7.w * b3; }
    if (BLOCKS > 1u) {
      let d0 = blockB(k0 + block1);
      let d1 = blockB(k1 + block1);
      let d2 = blockB(k2 + block1);
      let d3 = blockB(k3 + block1);
      c01 += a0.x * d0 + a0.y * d1 + a0.z * d2 + a0.w * d3;
      if (ROWS > 1u) { c11 += a1.x * d0 + a1.y * d1 + a1.z * d2 + a1.w * d3; }
      if (ROWS > 2u) { c21 += a2.x * d0 + a2.y * d1 + a2.z * d2 + a2.w * d3; }
      if (ROWS > 3u) { c31 += a3.x * d0 + a3.y * d1 + a3.z * d2 + a3.w * d3; }
      if (ROWS > 4u) { c41 += a4.x * d0 + a4.y * d1 + a4.z * d2 + a4.w * d3; }
      if (ROWS > 5u) { c51 += a5.x * d0 + a5.y * d1 + a5.z * d2 + a5.w * d3; }
      if (ROWS > 6u) { c61 += a6.x * d0 + a6.y * d1 + a6.z * d2 + a6.w * d3; }
      if (ROWS > 7u) { c71 += a7.x * d0 + a7.y * d1 + a7.z * d2 + a7.w * d3; }
    }
  }
  let factor = commonFactor();
  let stride = shape.strideOut >> 2u;
  let second = BLOCKS > 1u && block + 1u < stride;
  var at = row * stride + block;
  result[at] = factor * c00;
  if (second) { result[at + 1u] = factor * c01; }
  if (ROWS > 1u && row + 1u < shape.m) {
    at += stride;
    result[at] = factor * c10;
    if (second) { result[at + 1u] = factor * c11; }
  }
  if (ROWS > 2u && row + 2u < shape.m) {
    at += stride;
    result[at] = factor * c20;
    if (second) { result[at + 1u] = factor * c21; }
  }
  if (ROWS > 3u && row + 3u < shape.m) {
    at += stride;
    result[at] = factor * c30;
    if (second) { result[at + 1u] = factor * c31; }
  }
  if (ROWS > 4u && row + 4u < shape.m) {
    at += stride;
    result[at] = factor * c40;
    if (second) { result[at + 1u] = factor * c41; }
  }
  if (ROWS > 5u && row + 5u < shape.m) {
    at += stride;
    result[at] = factor * c50;
    if (second) { result[at + 1u] = factor * c51; }
  }
  if (ROWS > 6u && row + 6u < shape.m) {
    at += stride;
    result[at] = factor * c60;
    if (second) { result[at + 1u] = factor * c61; }
  }
  if (ROWS > 7u && row + 7u < shape.m) {
    at += stride;
    result[at] = factor * c70;
    if (second) { result[at + 1u] = factor * c71; }
  }
  if (KINDS != 0u && shape.stepCount > 0u) { chainStored(row, block, select(1u, 2u, second), stride); }
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
