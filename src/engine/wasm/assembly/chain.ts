/**
 * out[row, column] = stepₙ(… step₁(source[row, column]))   (elementwise launches, and what follows a matmul)
 *
 * Plan: a strip of up to 256 values is copied into workspace (1 KB, stays in L1), every step runs over the strip, and
 * the strip is stored. Source, operands and result may be the same memory at the same position, because a strip is
 * read in full before it is written. Where no operand is the result's memory the strip is the result itself. A step is eight words in memory, written once by src/engine/backends/cpu-chain.ts:
 *   0 operation  1 broadcast of the operand  2 operand address  3 row stride of the operand in bytes (full)
 *   4 a constant (f32)  5 second address, or dropout's threshold  6 dropout's seed  7 unused
 * Edges: the last 1 to 3 values of a row are computed as a whole vector (loads may run past a row's end, never past
 * memory, whose last page is kept free) and stored lane by lane.
 */
import { exp, gelu, geluGradient, logOfFour, sigmoid, softplus, tanh } from "./functions";
import { dropoutFactors } from "./random";
import { multiplyAdd, storePartial } from "./vector";

const STRIP: usize = 256;
const STEP_BYTES: usize = 32;

const FULL: u32 = 0;
const ROW: u32 = 1;
const COLUMN: u32 = 2;
const SCALAR: u32 = 3;

const ADD: u32 = 0;
const MULTIPLY: u32 = 1;
const SUBTRACT: u32 = 2;
const SUBTRACT_FROM: u32 = 3;
const DIVIDE: u32 = 4;
const DIVIDE_INTO: u32 = 5;
const SCALE: u32 = 6;
const SUBTRACT_SCALED_ROWS: u32 = 7;
const DROPOUT: u32 = 8;
const CLIP: u32 = 9;
const ACTIVATION: u32 = 16; // + the code of src/engine/activation.ts
const ACTIVATION_GRADIENT: u32 = 32; // the same order

const RELU: u32 = 0;
const TANH: u32 = 1;
const SIGMOID: u32 = 2;
const LEAKY_RELU: u32 = 3;
const GELU: u32 = 4;
const EXP: u32 = 5;
const LOG: u32 = 6;
const SQRT: u32 = 7;
const SOFTPLUS: u32 = 8;
const SILU: u32 = 9;

@inline
function combine(operation: u32, v: v128, o: v128): v128 {
  if (operation === ADD) return f32x4.add(v, o);
  if (operation === MULTIPLY) return f32x4.mul(v, o);
  if (operation === SUBTRACT) return f32x4.sub(v, o);
  if (operation === SUBTRACT_FROM) return f32x4.sub(o, v);
  if (operation === DIVIDE) return f32x4.div(v, o);
  return f32x4.div(o, v);
}

@inline
function activate(activation: u32, v: v128): v128 {
  if (activation === RELU) return f32x4.max(v, f32x4.splat(0));
  if (activation === TANH) return tanh(v);
  if (activation === SIGMOID) return sigmoid(v);
  if (activation === LEAKY_RELU) {
    return v128.bitselect(v, f32x4.mul(v, f32x4.splat(0.01)), f32x4.gt(v, f32x4.splat(0)));
  }
  if (activation === GELU) return gelu(v);
  if (activation === EXP) return exp(v);
  if (activation === LOG) return logOfFour(v);
  if (activation === SQRT) return f32x4.sqrt(v);
  if (activation === SOFTPLUS) return softplus(v);
  return f32x4.mul(v, sigmoid(v));
}

/** v·f′ from f's result y (gelu, log, softplus, silu: from the argument). */
@inline
function activationGradient(activation: u32, v: v128, y: v128): v128 {
  const zero = f32x4.splat(0), one = f32x4.splat(1);
  if (activation === RELU) return v128.and(v, f32x4.gt(y, zero));
  if (activation === TANH) return f32x4.mul(v, f32x4.sub(one, f32x4.mul(y, y)));
  if (activation === SIGMOID) return f32x4.mul(v, f32x4.mul(y, f32x4.sub(one, y)));
  if (activation === LEAKY_RELU) return v128.bitselect(v, f32x4.mul(v, f32x4.splat(0.01)), f32x4.gt(y, zero));
  if (activation === GELU) return f32x4.mul(v, geluGradient(y));
  if (activation === EXP) return f32x4.mul(v, y);
  if (activation === LOG) return f32x4.div(v, y);
  if (activation === SQRT) return f32x4.div(f32x4.mul(v, f32x4.splat(0.5)), y);
  const gate = sigmoid(y);
  if (activation === SOFTPLUS) return f32x4.mul(v, gate);
  return f32x4.mul(v, f32x4.mul(gate, multiplyAdd(y, f32x4.sub(one, gate), one)));
}

@inline
function combineStrip(operation: u32, strip: usize, bytes: usize, operand: usize, spread: bool): void {
  if (spread) {
    const o = v128.load32_splat(operand);
    for (let i: usize = 0; i < bytes; i += 16) v128.store(strip + i, combine(operation, v128.load(strip + i), o));
  } else {
    for (let i: usize = 0; i < bytes; i += 16) {
      v128.store(strip + i, combine(operation, v128.load(strip + i), v128.load(operand + i)));
    }
  }
}

@inline
function activateStrip(activation: u32, strip: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(strip + i, activate(activation, v128.load(strip + i)));
}

@inline
function gradientStrip(activation: u32, strip: usize, bytes: usize, saved: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(strip + i, activationGradient(activation, v128.load(strip + i), v128.load(saved + i)));
  }
}

function scaleStrip(strip: usize, bytes: usize, factor: f32): void {
  const f = f32x4.splat(factor);
  for (let i: usize = 0; i < bytes; i += 16) v128.store(strip + i, f32x4.mul(v128.load(strip + i), f));
}

function subtractScaledStrip(strip: usize, bytes: usize, matrix: usize, factor: f32): void {
  const f = f32x4.splat(-factor);
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(strip + i, multiplyAdd(f, v128.load(matrix + i), v128.load(strip + i)));
  }
}

function dropoutStrip(strip: usize, bytes: usize, kept: f32, threshold: u32, counter: u32, seed: u32, element: u32): void {
  for (let i: usize = 0; i < bytes; i += 16, element += 4) {
    const factors = dropoutFactors(element, counter, seed, threshold, kept);
    // selected, not multiplied: what is dropped becomes 0 also where it was not finite
    const value = f32x4.mul(v128.load(strip + i), factors);
    v128.store(strip + i, v128.and(value, f32x4.ne(factors, f32x4.splat(0))));
  }
}

/** Where the operand of a step begins for the value at [row, column]. */
@inline
function operandAt(broadcast: u32, base: usize, strideBytes: usize, row: usize, column: usize): usize {
  if (broadcast === FULL) return base + row * strideBytes + (column << 2);
  if (broadcast === ROW) return base + (column << 2);
  if (broadcast === COLUMN) return base + (row << 2);
  return base;
}

function applyStep(step: usize, strip: usize, bytes: usize, row: usize, column: usize, columns: usize): void {
  const operation = load<u32>(step), broadcast = load<u32>(step, 4);
  const operand = operandAt(broadcast, load<usize>(step, 8), load<usize>(step, 12), row, column);
  const spread = broadcast >= COLUMN;
  switch (operation) {
    case ADD: combineStrip(ADD, strip, bytes, operand, spread); break;
    case MULTIPLY: combineStrip(MULTIPLY, strip, bytes, operand, spread); break;
    case SUBTRACT: combineStrip(SUBTRACT, strip, bytes, operand, spread); break;
    case SUBTRACT_FROM: combineStrip(SUBTRACT_FROM, strip, bytes, operand, spread); break;
    case DIVIDE: combineStrip(DIVIDE, strip, bytes, operand, spread); break;
    case DIVIDE_INTO: combineStrip(DIVIDE_INTO, strip, bytes, operand, spread); break;
    case SCALE: scaleStrip(strip, bytes, load<f32>(step, 16)); break;
    case SUBTRACT_SCALED_ROWS:
      subtractScaledStrip(strip, bytes, operand, load<f32>(load<usize>(step, 20) + (row << 2)));
      break;
    case DROPOUT:
      dropoutStrip(
        strip, bytes, load<f32>(step, 16), load<u32>(step, 20), load<u32>(load<usize>(step, 8)), load<u32>(step, 24),
        <u32>(row * columns + column),
      );
      break;
    case CLIP:
      scaleStrip(strip, bytes, min<f32>(1, load<f32>(step, 16) / (load<f32>(load<usize>(step, 8)) + 1e-6)));
      break;
    case ACTIVATION + RELU: activateStrip(RELU, strip, bytes); break;
    case ACTIVATION + TANH: activateStrip(TANH, strip, bytes); break;
    case ACTIVATION + SIGMOID: activateStrip(SIGMOID, strip, bytes); break;
    case ACTIVATION + LEAKY_RELU: activateStrip(LEAKY_RELU, strip, bytes); break;
    case ACTIVATION + GELU: activateStrip(GELU, strip, bytes); break;
    case ACTIVATION + EXP: activateStrip(EXP, strip, bytes); break;
    case ACTIVATION + LOG: activateStrip(LOG, strip, bytes); break;
    case ACTIVATION + SQRT: activateStrip(SQRT, strip, bytes); break;
    case ACTIVATION + SOFTPLUS: activateStrip(SOFTPLUS, strip, bytes); break;
    case ACTIVATION + SILU: activateStrip(SILU, strip, bytes); break;
    case ACTIVATION_GRADIENT + RELU: gradientStrip(RELU, strip, bytes, operand); break;
    case ACTIVATION_GRADIENT + TANH: gradientStrip(TANH, strip, bytes, operand); break;
    case ACTIVATION_GRADIENT + SIGMOID: gradientStrip(SIGMOID, strip, bytes, operand); break;
    case ACTIVATION_GRADIENT + LEAKY_RELU: gradientStrip(LEAKY_RELU, strip, bytes, operand); break;
    case ACTIVATION_GRADIENT + GELU: gradientStrip(GELU, strip, bytes, operand); break;
    case ACTIVATION_GRADIENT + EXP: gradientStrip(EXP, strip, bytes, operand); break;
    case ACTIVATION_GRADIENT + LOG: gradientStrip(LOG, strip, bytes, operand); break;
    case ACTIVATION_GRADIENT + SQRT: gradientStrip(SQRT, strip, bytes, operand); break;
    case ACTIVATION_GRADIENT + SOFTPLUS: gradientStrip(SOFTPLUS, strip, bytes, operand); break;
    default: gradientStrip(SILU, strip, bytes, operand);
  }
}

@inline
function loadStrip(strip: usize, source: usize, bytes: usize, spread: bool): void {
  if (spread) {
    const value = v128.load32_splat(source);
    for (let i: usize = 0; i < bytes; i += 16) v128.store(strip + i, value);
  } else {
    for (let i: usize = 0; i < bytes; i += 16) v128.store(strip + i, v128.load(source + i));
  }
}

/**
 * Runs `count` steps (at `steps`) over rows [firstRow, endRow) and columns [firstColumn, endColumn) of a result with
 * `columns` columns; parts may be computed by different threads. Strides are in floats; the source is broadcast like
 * an operand, and all addresses are those of row 0, column 0. `firstColumn` is a multiple of 4.
 * Workspace: 1 KB, unused where `direct`: no operand shares memory with the result and columns are a multiple of 4, so
 * the steps work on the result itself.
 */
export function runChain(
  firstRow: usize, endRow: usize, firstColumn: usize, endColumn: usize, columns: usize, source: usize,
  sourceBroadcast: u32, sourceStride: usize, out: usize, outStride: usize, steps: usize, count: usize, direct: bool,
  workspace: usize,
): void {
  for (let row = firstRow; row < endRow; row++) {
    for (let column = firstColumn; column < endColumn; column += STRIP) {
      const length = min(STRIP, endColumn - column);
      const bytes = ((length + 3) & ~3) << 2;
      const from = operandAt(sourceBroadcast, source, sourceStride << 2, row, column);
      const to = out + ((row * outStride + column) << 2);
      const strip = direct ? to : workspace;
      if (strip !== from) loadStrip(strip, from, bytes, sourceBroadcast >= COLUMN);
      for (let step: usize = 0; step < count; step++) {
        applyStep(steps + step * STEP_BYTES, strip, bytes, row, column, columns);
      }
      if (strip === to) continue;
      const whole = (length & ~3) << 2;
      for (let i: usize = 0; i < whole; i += 16) v128.store(to + i, v128.load(strip + i));
      if (length & 3) storePartial(to + whole, v128.load(strip + whole), <u32>length & 3);
    }
  }
}
