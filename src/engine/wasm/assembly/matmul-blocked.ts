/**
 * Large products C[m,n] = Σ_k A·B of every layout, both operands copied into the order the innermost loop reads:
 * A in strips [k][5], B in panels [k][8] (matmul-panels.ts), so that a step of k is seven loads at constant offsets from
 * two pointers. 5 × 8 because ten accumulators, two vectors of B and one of A are what V8 keeps in registers.
 * Blocking: k in blocks of 384, columns in chunks of 192: a strip and a panel (20 KB) lie in L1, all of A's and B's
 * block (650 KB at 240 rows) in L2. Sum order: k ascending in one accumulator per output, as in matmul-panels.ts, so
 * bits do not depend on m, n or how the result is cut into parts.
 * Edges: the last rows and columns are padded with 0 and leave through a spill area of one tile.
 * A stored B (stored.ts) is decoded on its way into panels, a panel or a row of a chunk at a time, and then computed with as any.
 */
import { packRows, packTransposed, SPILL_BYTES } from "./matmul-panels";
import { decodeRow } from "./stored";
import { multiplyAdd } from "./vector";

const K_BLOCK: usize = 384;
const N_CHUNK: usize = 192;
const ROWS: usize = 5;
const STRIP_STEP: usize = 20; // bytes from one k to the next
const DECODED_BYTES: usize = 8 * K_BLOCK * 4; // of a stored B: the rows of one panel, or one row of a chunk

/** Bytes of workspace for `rows` rows of the result. */
export function blockedWorkspaceBytes(rows: usize): usize {
  return SPILL_BYTES + DECODED_BYTES + K_BLOCK * ((N_CHUNK << 2) + ((rows + ROWS - 1) / ROWS) * STRIP_STEP) + 128;
}

/** C[5, 8] (+)= Σ_k strip[k, 5]·panel[k, 8]. One step of k in the loop: with two in its body V8 runs out of registers. */
function tile(strip: usize, panel: usize, k: usize, c: usize, ldc: usize, add: bool): void {
  const c1 = c + ldc, c2 = c1 + ldc, c3 = c2 + ldc, c4 = c3 + ldc;
  const zero = f32x4.splat(0);
  let s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero;
  let s30 = zero, s31 = zero, s40 = zero, s41 = zero;
  if (add) {
    s00 = v128.load(c); s01 = v128.load(c, 16);
    s10 = v128.load(c1); s11 = v128.load(c1, 16);
    s20 = v128.load(c2); s21 = v128.load(c2, 16);
    s30 = v128.load(c3); s31 = v128.load(c3, 16);
    s40 = v128.load(c4); s41 = v128.load(c4, 16);
  }
  const end = panel + k * 32;
  for (; panel < end; panel += 32, strip += STRIP_STEP) {
    const y0 = v128.load(panel), y1 = v128.load(panel, 16);
    let x = v128.load32_splat(strip);
    s00 = multiplyAdd(x, y0, s00); s01 = multiplyAdd(x, y1, s01);
    x = v128.load32_splat(strip, 4);
    s10 = multiplyAdd(x, y0, s10); s11 = multiplyAdd(x, y1, s11);
    x = v128.load32_splat(strip, 8);
    s20 = multiplyAdd(x, y0, s20); s21 = multiplyAdd(x, y1, s21);
    x = v128.load32_splat(strip, 12);
    s30 = multiplyAdd(x, y0, s30); s31 = multiplyAdd(x, y1, s31);
    x = v128.load32_splat(strip, 16);
    s40 = multiplyAdd(x, y0, s40); s41 = multiplyAdd(x, y1, s41);
  }
  v128.store(c, s00); v128.store(c, s01, 16);
  v128.store(c1, s10); v128.store(c1, s11, 16);
  v128.store(c2, s20); v128.store(c2, s21, 16);
  v128.store(c3, s30); v128.store(c3, s31, 16);
  v128.store(c4, s40); v128.store(c4, s41, 16);
}

/** The same where the result has fewer than 5 rows or 8 columns left. */
function edgeTile(
  strip: usize, panel: usize, k: usize, c: usize, ldc: usize, rows: usize, columns: usize, add: bool, spill: usize,
): void {
  const bytes = columns << 2;
  if (add) for (let r: usize = 0; r < rows; r++) memory.copy(spill + r * 32, c + r * ldc, bytes);
  tile(strip, panel, k, spill, 32, add);
  for (let r: usize = 0; r < rows; r++) memory.copy(c + r * ldc, spill + r * 32, bytes);
}

/** Rows of A, each along k, into strips. */
function packStrips(a: usize, lda: usize, rows: usize, k: usize, strips: usize): void {
  const whole = k & ~3;
  for (let row: usize = 0; row < rows; row += ROWS, a += ROWS * lda, strips += k * STRIP_STEP) {
    const present = min<usize>(ROWS, rows - row);
    if (present < ROWS) {
      memory.fill(strips, 0, k * STRIP_STEP);
      for (let r: usize = 0; r < present; r++) {
        for (let i: usize = 0; i < k; i++) {
          store<f32>(strips + i * STRIP_STEP + (r << 2), load<f32>(a + r * lda + (i << 2)));
        }
      }
      continue;
    }
    const a1 = a + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda;
    let target = strips;
    for (let i: usize = 0; i < whole << 2; i += 16, target += 4 * STRIP_STEP) {
      const x0 = v128.load(a + i), x1 = v128.load(a1 + i), x2 = v128.load(a2 + i), x3 = v128.load(a3 + i);
      const x4 = v128.load(a4 + i);
      const p = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), q = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
      const s = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7), t = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
      v128.store(target, v128.shuffle<f32>(p, q, 0, 1, 4, 5));
      v128.store_lane<f32>(target, x4, 0, 16);
      v128.store(target, v128.shuffle<f32>(p, q, 2, 3, 6, 7), 20);
      v128.store_lane<f32>(target, x4, 1, 36);
      v128.store(target, v128.shuffle<f32>(s, t, 0, 1, 4, 5), 40);
      v128.store_lane<f32>(target, x4, 2, 56);
      v128.store(target, v128.shuffle<f32>(s, t, 2, 3, 6, 7), 60);
      v128.store_lane<f32>(target, x4, 3, 76);
    }
    for (let i = whole << 2; i < k << 2; i += 4, target += STRIP_STEP) {
      store<f32>(target, load<f32>(a + i));
      store<f32>(target, load<f32>(a1 + i), 4);
      store<f32>(target, load<f32>(a2 + i), 8);
      store<f32>(target, load<f32>(a3 + i), 12);
      store<f32>(target, load<f32>(a4 + i), 16);
    }
  }
}

/** Columns of A[k, ·] into strips, row by row of A. */
function packStripsTransposed(a: usize, lda: usize, rows: usize, k: usize, strips: usize): void {
  const stripBytes = k * STRIP_STEP;
  for (let i: usize = 0; i < k; i++, a += lda, strips += STRIP_STEP) {
    let target = strips;
    let row: usize = 0;
    for (; row + ROWS <= rows; row += ROWS, target += stripBytes) {
      const source = a + (row << 2);
      v128.store(target, v128.load(source));
      store<f32>(target, load<f32>(source, 16), 16);
    }
    for (let r: usize = 0; row + r < rows; r++) store<f32>(target + (r << 2), load<f32>(a + ((row + r) << 2)));
    if (row < rows) for (let r = rows - row; r < ROWS; r++) store<f32>(target + (r << 2), 0);
  }
}

/** The panels of `packTransposed` from a stored B [rowsOfB, k]: its rows firstColumn to firstColumn + columns, along k from k0. */
function decodeTransposed(
  type: u32, b: usize, rowsOfB: usize, strideB: usize, firstColumn: usize, columns: usize, k0: usize, k: usize,
  panels: usize, decoded: usize,
): void {
  const length = (k + 31) & ~31;
  for (let column: usize = 0; column < columns; column += 8, panels += k * 32) {
    const present = min<usize>(8, columns - column);
    for (let j: usize = 0; j < present; j++) {
      decodeRow(type, b, rowsOfB, strideB, firstColumn + column + j, k0, k, decoded + ((j * length) << 2));
    }
    packTransposed(decoded, length << 2, present, k, panels);
  }
}

/** The panels of `packRows` from a stored B [rowsOfB, n]: its columns firstColumn to firstColumn + columns, rows from k0. */
function decodeRows(
  type: u32, b: usize, rowsOfB: usize, strideB: usize, firstColumn: usize, columns: usize, k0: usize, k: usize,
  panels: usize, decoded: usize,
): void {
  const panelBytes = k * 32;
  for (let column = columns; column < ((columns + 7) & ~7); column++) store<f32>(decoded + (column << 2), 0);
  for (let row: usize = 0; row < k; row++) {
    decodeRow(type, b, rowsOfB, strideB, k0 + row, firstColumn, columns, decoded);
    let target = panels + row * 32;
    for (let column: usize = 0; column < columns; column += 8, target += panelBytes) {
      v128.store(target, v128.load(decoded + (column << 2)));
      v128.store(target, v128.load(decoded + (column << 2), 16), 16);
    }
  }
}

/**
 * C = A·B. `transposedA`: A is [k, m], else [m, k]; `transposedB`: B is [n, k], else [k, n]. Strides in bytes; m at most
 * what `blockedWorkspaceBytes` was asked for. A stored B (`typeB` not 0) is given whole, its stride in elements, with the first
 * of the columns of the result that are wanted, a multiple of 32.
 */
export function multiplyBlocked(
  a: usize, lda: usize, transposedA: bool, b: usize, ldb: usize, transposedB: bool, c: usize, ldc: usize, m: usize,
  n: usize, k: usize, typeB: u32, rowsOfB: usize, firstColumn: usize, workspace: usize,
): void {
  const decoded = workspace + SPILL_BYTES;
  const panels = decoded + DECODED_BYTES;
  const strips = (panels + K_BLOCK * (N_CHUNK << 2) + 63) & ~63;
  for (let k0: usize = 0; k0 < k; k0 += K_BLOCK) {
    const depth = min(K_BLOCK, k - k0);
    const add = k0 > 0;
    if (transposedA) packStripsTransposed(a + k0 * lda, lda, m, depth, strips);
    else packStrips(a + (k0 << 2), lda, m, depth, strips);
    for (let n0: usize = 0; n0 < n; n0 += N_CHUNK) {
      const columns = min(N_CHUNK, n - n0);
      if (typeB && transposedB) {
        decodeTransposed(typeB, b, rowsOfB, ldb, firstColumn + n0, columns, k0, depth, panels, decoded);
      } else if (typeB) decodeRows(typeB, b, rowsOfB, ldb, firstColumn + n0, columns, k0, depth, panels, decoded);
      else if (transposedB) packTransposed(b + n0 * ldb + (k0 << 2), ldb, columns, depth, panels);
      else packRows(b + k0 * ldb + (n0 << 2), ldb, depth, columns, panels);
      multiplyBlock(strips, panels, depth, c + (n0 << 2), ldc, m, columns, add, workspace);
    }
  }
}

/** One block: all strips of A against the panels of a chunk of B. */
function multiplyBlock(
  strips: usize, panels: usize, k: usize, c: usize, ldc: usize, m: usize, n: usize, add: bool, spill: usize,
): void {
  for (let row: usize = 0; row < m; row += ROWS, strips += k * STRIP_STEP, c += ROWS * ldc) {
    const rows = min(ROWS, m - row);
    let panel = panels, target = c;
    for (let column: usize = 0; column < n; column += 8, panel += k * 32, target += 32) {
      const columns = min<usize>(8, n - column);
      if (rows === ROWS && columns === 8) tile(strips, panel, k, target, ldc, add);
      else edgeTile(strips, panel, k, target, ldc, rows, columns, add, spill);
    }
  }
}
