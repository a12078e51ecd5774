/**
 * Four f32 lanes: the one multiply-add, partial loads and stores for row ends, horizontal sums.
 *
 * multiplyAdd(a, b, c) = a·b + c: two roundings in the plain build, usually one (a hardware FMA) in the relaxed build.
 * The two builds therefore differ in the last bits, and a run records which one it used.
 */

/** a·b + c in every lane. */
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/** The first `count` (1 to 3) floats at `pointer`, the other lanes 0; reads nothing past them. */
@inline
export function loadPartial(pointer: usize, count: u32): v128 {
  let value = v128.load32_zero(pointer);
  if (count > 1) value = v128.load_lane<f32>(pointer, value, 1, 4);
  if (count > 2) value = v128.load_lane<f32>(pointer, value, 2, 8);
  return value;
}

/** Stores the first `count` (1 to 3) lanes; writes nothing past them. */
@inline
export function storePartial(pointer: usize, value: v128, count: u32): void {
  v128.store_lane<f32>(pointer, value, 0);
  if (count > 1) v128.store_lane<f32>(pointer, value, 1, 4);
  if (count > 2) v128.store_lane<f32>(pointer, value, 2, 8);
}

/** (l0 + l2) + (l1 + l3): one fixed order for every kernel. */
@inline
export function sumLanes(value: v128): f32 {
  const pairs = f32x4.add(value, v128.shuffle<f32>(value, value, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** The largest lane; NaN if any lane is NaN. */
@inline
export function maxLanes(value: v128): f32 {
  const pairs = f32x4.max(value, v128.shuffle<f32>(value, value, 2, 3, 0, 1));
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

/** A compile-time row count for generic tiles: offsetof<RowsN>() is the constant N. */
@unmanaged export class Rows1 { a: u8 = 0; }
@unmanaged export class Rows2 extends Rows1 { b: u8 = 0; }
@unmanaged export class Rows3 extends Rows2 { c: u8 = 0; }
@unmanaged export class Rows4 extends Rows3 { d: u8 = 0; }
@unmanaged export class Rows5 extends Rows4 { e: u8 = 0; }

/** All lanes before `count` (0 to 4) set, the others 0. */
@inline
export function lanesBefore(count: u32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
}
