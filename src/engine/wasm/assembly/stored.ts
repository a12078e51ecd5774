/**
 * Matrices kept in fewer than 32 bits a value, decoded row by row as they are read (src/engine/stored.ts says how they lie):
 *   HALVES   x = half                                     Q8   x = q·d, a byte      Q4   x = (q − 8)·d, a nibble
 * A matrix is its address, its rows and `stride`, the elements from row to row; rows of Q8 and Q4 are whole blocks of 32, whose
 * scales d (halves) follow all values.
 *
 * Plan: 32 values at a time, integers widened from 8 to 16 to 32 bits and converted. A half becomes a float by its bits: those
 * of exponent and fraction moved into place are the number times 2^−112, subnormals included; multiplying is exact.
 * Edges: Q8 and Q4 begin at a block and write whole blocks (up to 31 values more than asked for); HALVES write what was asked.
 */
import { multiplyAdd, sumLanes } from "./vector";

export const HALVES: u32 = 1;
export const Q8: u32 = 2;

const TO_FLOAT: f32 = 5.192296858534827628530496329220096e33; // 2^112

@inline
function halfAt(pointer: usize): f32 {
  const bits = <u32>load<u16>(pointer);
  return copysign(reinterpret<f32>((bits & 0x7fff) << 13) * TO_FLOAT, reinterpret<f32>(bits << 16));
}

function decodeHalves(source: usize, count: usize, target: usize): void {
  const factor = f32x4.splat(TO_FLOAT), magnitude = i32x4.splat(0x7fff), sign = i32x4.splat(0x8000);
  let index: usize = 0;
  for (; index + 4 <= count; index += 4) {
    const bits = i32x4.extend_low_i16x8_u(v128.load64_zero(source + (index << 1)));
    const size = f32x4.mul(i32x4.shl(v128.and(bits, magnitude), 13), factor);
    v128.store(target + (index << 2), v128.or(size, i32x4.shl(v128.and(bits, sign), 16)));
  }
  for (; index < count; index++) store<f32>(target + (index << 2), halfAt(source + (index << 1)));
}

/** 16 bytes as floats times `scale`. */
@inline
function widened(bytes: v128, scale: v128, target: usize): void {
  const low = i16x8.extend_low_i8x16_s(bytes), high = i16x8.extend_high_i8x16_s(bytes);
  v128.store(target, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(low)), scale));
  v128.store(target, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(low)), scale), 16);
  v128.store(target, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(high)), scale), 32);
  v128.store(target, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(high)), scale), 48);
}

/** A block's sixteen bytes of nibbles in two vectors of bytes in −8…7: `low` holds even places, `high` odd ones. */
@inline
function firstNibbles(low: v128, high: v128): v128 {
  return v128.shuffle<i8>(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

@inline
function lastNibbles(low: v128, high: v128): v128 {
  return v128.shuffle<i8>(low, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** `count` values of row `row` from column `from` on as floats at `target`. */
export function decodeRow(
  type: u32, matrix: usize, rows: usize, stride: usize, row: usize, from: usize, count: usize, target: usize,
): void {
  const first = row * stride + from;
  if (type === HALVES) return decodeHalves(matrix + (first << 1), count, target);
  const bytes = type === Q8 ? rows * stride : (rows * stride) >> 1; // before the scales
  let scales = matrix + bytes + (first >> 5 << 1);
  let source = matrix + (type === Q8 ? first : first >> 1);
  for (const end = target + (count << 2); target < end; target += 128, scales += 2) {
    const scale = f32x4.splat(halfAt(scales));
    if (type === Q8) {
      widened(v128.load(source), scale, target);
      widened(v128.load(source, 16), scale, target + 64);
      source += 32;
    } else {
      const packed = v128.load(source), eight = i8x16.splat(8);
      const low = i8x16.sub(v128.and(packed, i8x16.splat(15)), eight);
      const high = i8x16.sub(i8x16.shr_u(packed, 4), eight);
      widened(firstNibbles(low, high), scale, target);
      widened(lastNibbles(low, high), scale, target + 64);
      source += 16;
    }
  }
}

/** sum + Σ x·q over sixteen bytes q. */
@inline
function met(bytes: v128, x: usize, sum: v128): v128 {
  const low = i16x8.extend_low_i8x16_s(bytes), high = i16x8.extend_high_i8x16_s(bytes);
  sum = multiplyAdd(v128.load(x), f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(low)), sum);
  sum = multiplyAdd(v128.load(x, 16), f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(low)), sum);
  sum = multiplyAdd(v128.load(x, 32), f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(high)), sum);
  return multiplyAdd(v128.load(x, 48), f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(high)), sum);
}

/**
 * x · row `row` of a Q8 or Q4 matrix over the first `count` columns, decoded in registers: Σ over blocks of d·Σ x·q. The last block,
 * where it is no whole one, is decoded into `workspace` (32 floats).
 */
export function dotStored(
  type: u32, matrix: usize, rows: usize, stride: usize, row: usize, x: usize, count: usize, workspace: usize,
): f32 {
  const first = row * stride;
  const bytes = type === Q8 ? rows * stride : (rows * stride) >> 1; // before the scales
  let scales = matrix + bytes + (first >> 5 << 1);
  let source = matrix + (type === Q8 ? first : first >> 1);
  const zero = f32x4.splat(0), whole = count & ~31;
  let sum = zero;
  for (const end = x + (whole << 2); x < end; x += 128, scales += 2) {
    let block: v128;
    if (type === Q8) {
      block = met(v128.load(source, 16), x + 64, met(v128.load(source), x, zero));
      source += 32;
    } else {
      const packed = v128.load(source), eight = i8x16.splat(8);
      const low = i8x16.sub(v128.and(packed, i8x16.splat(15)), eight);
      const high = i8x16.sub(i8x16.shr_u(packed, 4), eight);
      block = met(lastNibbles(low, high), x + 64, met(firstNibbles(low, high), x, zero));
      source += 16;
    }
    sum = multiplyAdd(block, f32x4.splat(halfAt(scales)), sum);
  }
  let total = sumLanes(sum);
  if (whole === count) return total;
  decodeRow(type, matrix, rows, stride, row, whole, count - whole, workspace);
  for (let i: usize = 0; i < (count - whole) << 2; i += 4) total += load<f32>(x + i) * load<f32>(workspace + i);
  return total;
}

/** out[r, :] = table[min(indices[r], tableRows − 1), :] of a stored table. Workspace: a row, and a block more. */
export function gatherStored(
  type: u32, table: usize, tableRows: usize, stride: usize, indices: usize, out: usize, rows: usize, columns: usize,
  workspace: usize,
): void {
  const last = <u32>tableRows - 1, bytes = columns << 2;
  for (let row: usize = 0; row < rows; row++, out += bytes) {
    const index = <usize>min(load<u32>(indices + (row << 2)), last);
    decodeRow(type, table, tableRows, stride, index, 0, columns, workspace);
    memory.copy(out, workspace, bytes);
  }
}
