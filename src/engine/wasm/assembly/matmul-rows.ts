/**
 * C[m,n] = Σ_k A[m,k]·B[n,k]   (layout NT: both operands run along k, the forward pass of a linear layer)
 *
 * Plan: no packing. A tile is 4 rows × 2 columns (2 × 4 for the last rows), 8 vector accumulators; each accumulator
 * holds four partial sums of one output, k ≡ 0, 1, 2, 3 (mod 4), folded at the end as (0+2)+(1+3), then the last
 * k mod 4 products are added one by one. Every output is summed in this order whatever tile it fell into, so the
 * bits do not depend on m, n or how rows are split between threads.
 * 4×2 and not 4×3: three more accumulators spill in V8 (16 vector registers), 45 against 26 GFLOP/s.
 * Blocking: rows of A in blocks of about 48 KB; four rows of B stay in L1 while the block passes by.
 * Edges: rows 4 → 2 → 1, columns 4 → 1. Strides are in bytes, so a view into a wider matrix works.
 */
import { decodeRow, dotStored, HALVES } from "./stored";
import { multiplyAdd, sumLanes } from "./vector";

const BLOCK_BYTES: usize = 49152;
const DEPTH: usize = 2048; // of a stored B along k: four rows of it as floats stay in L1

/** Bytes of workspace of `multiplyStoredRows`. */
export const STORED_WORKSPACE: usize = DEPTH * 16;

@inline
function finish(c: usize, sums: v128, a: usize, b: usize, from: usize, to: usize, add: bool): void {
  let sum = sumLanes(sums);
  for (; from < to; from += 4) sum += load<f32>(a + from) * load<f32>(b + from);
  store<f32>(c, add ? load<f32>(c) + sum : sum);
}

function tile4x2(a0: usize, lda: usize, b0: usize, ldb: usize, c: usize, ldc: usize, kb: usize, add: bool): void {
  const a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda, b1 = b0 + ldb;
  const zero = f32x4.splat(0);
  let s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero;
  const whole = kb & ~15;
  for (let i: usize = 0; i < whole; i += 16) {
    const y0 = v128.load(b0 + i), y1 = v128.load(b1 + i);
    let x = v128.load(a0 + i);
    s00 = multiplyAdd(x, y0, s00);
    s01 = multiplyAdd(x, y1, s01);
    x = v128.load(a1 + i);
    s10 = multiplyAdd(x, y0, s10);
    s11 = multiplyAdd(x, y1, s11);
    x = v128.load(a2 + i);
    s20 = multiplyAdd(x, y0, s20);
    s21 = multiplyAdd(x, y1, s21);
    x = v128.load(a3 + i);
    s30 = multiplyAdd(x, y0, s30);
    s31 = multiplyAdd(x, y1, s31);
  }
  finish(c, s00, a0, b0, whole, kb, add);
  finish(c + 4, s01, a0, b1, whole, kb, add);
  finish(c + ldc, s10, a1, b0, whole, kb, add);
  finish(c + ldc + 4, s11, a1, b1, whole, kb, add);
  c += 2 * ldc;
  finish(c, s20, a2, b0, whole, kb, add);
  finish(c + 4, s21, a2, b1, whole, kb, add);
  finish(c + ldc, s30, a3, b0, whole, kb, add);
  finish(c + ldc + 4, s31, a3, b1, whole, kb, add);
}

function tile2x4(a0: usize, lda: usize, b0: usize, ldb: usize, c: usize, ldc: usize, kb: usize, add: bool): void {
  const a1 = a0 + lda, b1 = b0 + ldb, b2 = b1 + ldb, b3 = b2 + ldb;
  const zero = f32x4.splat(0);
  let s00 = zero, s01 = zero, s02 = zero, s03 = zero, s10 = zero, s11 = zero, s12 = zero, s13 = zero;
  const whole = kb & ~15;
  for (let i: usize = 0; i < whole; i += 16) {
    const x0 = v128.load(a0 + i), x1 = v128.load(a1 + i);
    let y = v128.load(b0 + i);
    s00 = multiplyAdd(x0, y, s00);
    s10 = multiplyAdd(x1, y, s10);
    y = v128.load(b1 + i);
    s01 = multiplyAdd(x0, y, s01);
    s11 = multiplyAdd(x1, y, s11);
    y = v128.load(b2 + i);
    s02 = multiplyAdd(x0, y, s02);
    s12 = multiplyAdd(x1, y, s12);
    y = v128.load(b3 + i);
    s03 = multiplyAdd(x0, y, s03);
    s13 = multiplyAdd(x1, y, s13);
  }
  finish(c, s00, a0, b0, whole, kb, add);
  finish(c + 4, s01, a0, b1, whole, kb, add);
  finish(c + 8, s02, a0, b2, whole, kb, add);
  finish(c + 12, s03, a0, b3, whole, kb, add);
  c += ldc;
  finish(c, s10, a1, b0, whole, kb, add);
  finish(c + 4, s11, a1, b1, whole, kb, add);
  finish(c + 8, s12, a1, b2, whole, kb, add);
  finish(c + 12, s13, a1, b3, whole, kb, add);
}

function tile1x4(a: usize, b0: usize, ldb: usize, c: usize, kb: usize, add: bool): void {
  const b1 = b0 + ldb, b2 = b1 + ldb, b3 = b2 + ldb;
  const zero = f32x4.splat(0);
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  const whole = kb & ~15;
  for (let i: usize = 0; i < whole; i += 16) {
    const x = v128.load(a + i);
    s0 = multiplyAdd(x, v128.load(b0 + i), s0);
    s1 = multiplyAdd(x, v128.load(b1 + i), s1);
    s2 = multiplyAdd(x, v128.load(b2 + i), s2);
    s3 = multiplyAdd(x, v128.load(b3 + i), s3);
  }
  finish(c, s0, a, b0, whole, kb, add);
  finish(c + 4, s1, a, b1, whole, kb, add);
  finish(c + 8, s2, a, b2, whole, kb, add);
  finish(c + 12, s3, a, b3, whole, kb, add);
}

function tile1x1(a: usize, b: usize, c: usize, kb: usize, add: bool): void {
  let sums = f32x4.splat(0);
  const whole = kb & ~15;
  for (let i: usize = 0; i < whole; i += 16) sums = multiplyAdd(v128.load(a + i), v128.load(b + i), sums);
  finish(c, sums, a, b, whole, kb, add);
}

/** One block of A's rows against four rows of B. */
@inline
function strip4(a: usize, lda: usize, rows: usize, b: usize, ldb: usize, c: usize, ldc: usize, kb: usize, add: bool): void {
  for (; rows >= 4; rows -= 4, a += 4 * lda, c += 4 * ldc) {
    tile4x2(a, lda, b, ldb, c, ldc, kb, add);
    tile4x2(a, lda, b + 2 * ldb, ldb, c + 8, ldc, kb, add);
  }
  if (rows & 2) {
    tile2x4(a, lda, b, ldb, c, ldc, kb, add);
    a += 2 * lda;
    c += 2 * ldc;
  }
  if (rows & 1) tile1x4(a, b, ldb, c, kb, add);
}

/**
 * C (+)= A·Bᵀ. `a` [m,k], `b` [n,k], `c` [m,n]; strides and the length `kb` of a row in bytes; `add` accumulates into C
 * instead of overwriting it.
 */
export function multiplyRows(
  a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize, m: usize, n: usize, kb: usize, add: bool,
): void {
  const block = max<usize>(4, (BLOCK_BYTES / max<usize>(kb, 16)) & ~3);
  for (let row: usize = 0; row < m; row += block) {
    const rows = min(block, m - row);
    const aBlock = a + row * lda, cBlock = c + row * ldc;
    let column: usize = 0;
    for (; column + 4 <= n; column += 4) {
      strip4(aBlock, lda, rows, b + column * ldb, ldb, cBlock + (column << 2), ldc, kb, add);
    }
    for (; column < n; column++) {
      for (let i: usize = 0; i < rows; i++) {
        tile1x1(aBlock + i * lda, b + column * ldb, cBlock + i * ldc + (column << 2), kb, add);
      }
    }
  }
}

/**
 * C = A·Bᵀ for few rows of A, B stored in fewer bits (stored.ts): [rowsOfB, k] with `strideB` elements from row to row, of which
 * rows firstColumn to firstColumn + n count. Four rows of B at a time are decoded, along k by DEPTH, and met by all rows of A; a
 * single row of A meets Q8 and Q4 in registers.
 * Other strides in bytes. Workspace: STORED_WORKSPACE.
 */
export function multiplyStoredRows(
  typeB: u32, a: usize, lda: usize, b: usize, rowsOfB: usize, strideB: usize, firstColumn: usize, c: usize, ldc: usize,
  m: usize, n: usize, k: usize, workspace: usize,
): void {
  if (m === 1 && typeB !== HALVES) {
    for (let column: usize = 0; column < n; column++) {
      const product = dotStored(typeB, b, rowsOfB, strideB, firstColumn + column, a, k, workspace);
      store<f32>(c + (column << 2), product);
    }
    return;
  }
  const length = min<usize>(DEPTH, (k + 31) & ~31) << 2; // bytes of a decoded row
  for (let column: usize = 0; column < n; column += 4, c += 16) {
    const columns = min<usize>(4, n - column);
    for (let k0: usize = 0; k0 < k; k0 += DEPTH) {
      const depth = min<usize>(DEPTH, k - k0);
      for (let j: usize = 0; j < columns; j++) {
        decodeRow(typeB, b, rowsOfB, strideB, firstColumn + column + j, k0, depth, workspace + j * length);
      }
      multiplyRows(a + (k0 << 2), lda, workspace, length, c, ldc, m, columns, depth << 2, k0 > 0);
    }
  }
}
