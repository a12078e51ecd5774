/**
 * NN: C[m,n] = Σ_k A[m,k]·B[k,n]   (gradient to a layer's input)
 * TN: C[m,n] = Σ_k A[k,m]·B[k,n]   (gradient to a weight; k is the batch, so it is short)
 *
 * Plan: B is copied into panels of 8 columns, [k][8], so that the inner loop reads it in one stream however wide B is
 * (a stride of 4 KB would put every row into the same cache set). A tile is 5 rows × 8 columns: 10 vector
 * accumulators, 2 loads of B and 5 broadcasts of A per k. More rows spill in V8's plain build. 5 divides the batch of
 * 10. NN reads A in place, five rows side by side. TN would walk down A's columns, again with the stride of a row, so
 * five columns at a time are copied to [k][5] first.
 * Blocking: k in blocks of 1024 (C is read back for the second), panels for about 32 K floats at a time (L2).
 * Sum order: k ascending in one accumulator per output; the same for every tile, so bits do not depend on m, n or
 * how rows and columns are split between threads.
 * Edges: rows 1 to 4 by narrower tiles of the same code; columns by panels padded with 0 and a 5 × 8 spill area.
 */
import { multiplyAdd, Rows1, Rows2, Rows3, Rows4, Rows5 } from "./vector";

const K_BLOCK: usize = 1024;
const PANEL_FLOATS: usize = 32768;
const WIDTH: usize = 8;
export const SPILL_BYTES: usize = 192; // one 5 × 8 tile, up to a cache line
const STRIP_BYTES: usize = K_BLOCK * 20; // five columns of A

/** Bytes of workspace for matmulNN and matmulTN, whatever the shape. */
export const PANEL_WORKSPACE: usize = (PANEL_FLOATS << 2) + SPILL_BYTES + STRIP_BYTES;

/** One tile: C[R,8] (+)= Σ_k A[r,k]·panel[k,8], with R = offsetof<R>() rows known to the compiler. */
function tile<R>(
  a0: usize,
  rowStride: usize,
  kStride: usize,
  k: usize,
  panel: usize,
  c: usize,
  ldc: usize,
  add: bool,
): void {
  const a1 = a0 + rowStride,
    a2 = a1 + rowStride,
    a3 = a2 + rowStride,
    a4 = a3 + rowStride;
  const zero = f32x4.splat(0);
  let s00 = zero,
    s01 = zero,
    s10 = zero,
    s11 = zero,
    s20 = zero,
    s21 = zero;
  let s30 = zero,
    s31 = zero,
    s40 = zero,
    s41 = zero;
  if (add) {
    let row = c;
    s00 = v128.load(row);
    s01 = v128.load(row, 16);
    if (offsetof<R>() > 1) {
      row += ldc;
      s10 = v128.load(row);
      s11 = v128.load(row, 16);
    }
    if (offsetof<R>() > 2) {
      row += ldc;
      s20 = v128.load(row);
      s21 = v128.load(row, 16);
    }
    if (offsetof<R>() > 3) {
      row += ldc;
      s30 = v128.load(row);
      s31 = v128.load(row, 16);
    }
    if (offsetof<R>() > 4) {
      row += ldc;
      s40 = v128.load(row);
      s41 = v128.load(row, 16);
    }
  }
  const end = panel + k * 32;
  for (let i: usize = 0; panel < end; panel += 32, i += kStride) {
    const y0 = v128.load(panel),
      y1 = v128.load(panel, 16);
    let x = v128.load32_splat(a0 + i);
    s00 = multiplyAdd(x, y0, s00);
    s01 = multiplyAdd(x, y1, s01);
    if (offsetof<R>() > 1) {
      x = v128.load32_splat(a1 + i);
      s10 = multiplyAdd(x, y0, s10);
      s11 = multiplyAdd(x, y1, s11);
    }
    if (offsetof<R>() > 2) {
      x = v128.load32_splat(a2 + i);
      s20 = multiplyAdd(x, y0, s20);
      s21 = multiplyAdd(x, y1, s21);
    }
    if (offsetof<R>() > 3) {
      x = v128.load32_splat(a3 + i);
      s30 = multiplyAdd(x, y0, s30);
      s31 = multiplyAdd(x, y1, s31);
    }
    if (offsetof<R>() > 4) {
      x = v128.load32_splat(a4 + i);
      s40 = multiplyAdd(x, y0, s40);
      s41 = multiplyAdd(x, y1, s41);
    }
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  if (offsetof<R>() > 1) {
    c += ldc;
    v128.store(c, s10);
    v128.store(c, s11, 16);
  }
  if (offsetof<R>() > 2) {
    c += ldc;
    v128.store(c, s20);
    v128.store(c, s21, 16);
  }
  if (offsetof<R>() > 3) {
    c += ldc;
    v128.store(c, s30);
    v128.store(c, s31, 16);
  }
  if (offsetof<R>() > 4) {
    c += ldc;
    v128.store(c, s40);
    v128.store(c, s41, 16);
  }
}

function tileOf(
  rows: usize,
  a: usize,
  rowStride: usize,
  kStride: usize,
  k: usize,
  panel: usize,
  c: usize,
  ldc: usize,
  add: bool,
): void {
  if (rows >= 5) tile<Rows5>(a, rowStride, kStride, k, panel, c, ldc, add);
  else if (rows === 4) tile<Rows4>(a, rowStride, kStride, k, panel, c, ldc, add);
  else if (rows === 3) tile<Rows3>(a, rowStride, kStride, k, panel, c, ldc, add);
  else if (rows === 2) tile<Rows2>(a, rowStride, kStride, k, panel, c, ldc, add);
  else tile<Rows1>(a, rowStride, kStride, k, panel, c, ldc, add);
}

/** The same through a spill area, for a panel of fewer than 8 columns. */
function tileOfEdge(
  rows: usize,
  columns: usize,
  a: usize,
  rowStride: usize,
  kStride: usize,
  k: usize,
  panel: usize,
  c: usize,
  ldc: usize,
  add: bool,
  spill: usize,
): void {
  const bytes = columns << 2;
  if (add) for (let r: usize = 0; r < rows; r++) memory.copy(spill + r * 32, c + r * ldc, bytes);
  tileOf(rows, a, rowStride, kStride, k, panel, spill, 32, add);
  for (let r: usize = 0; r < rows; r++) {
    for (let i: usize = 0; i < bytes; i += 4) store<f32>(c + r * ldc + i, load<f32>(spill + r * 32 + i));
  }
}

/** Copies B[k, columns] into panels [⌈columns/8⌉][k][8], the last one padded with 0. */
export function packRows(b: usize, ldb: usize, k: usize, columns: usize, panels: usize): void {
  const panelBytes = k * 32;
  for (let row: usize = 0; row < k; row++, b += ldb) {
    let target = panels + row * 32;
    let column: usize = 0;
    for (; column + 8 <= columns; column += 8, target += panelBytes) {
      const source = b + (column << 2);
      v128.store(target, v128.load(source));
      v128.store(target, v128.load(source, 16), 16);
    }
    if (column < columns) {
      for (let i: usize = 0; i < 8; i++) {
        store<f32>(target + (i << 2), column + i < columns ? load<f32>(b + ((column + i) << 2)) : 0);
      }
    }
  }
}

/** Four rows of four floats at `source`, as columns to `target` with 32 bytes between them. */
@inline
function transpose4(source: usize, stride: usize, target: usize): void {
  const a = v128.load(source), b = v128.load(source + stride);
  const c = v128.load(source + 2 * stride), d = v128.load(source + 3 * stride);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const abEnd = v128.shuffle<f32>(a, b, 2, 6, 3, 7), cdEnd = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(target, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
  v128.store(target, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 32);
  v128.store(target, v128.shuffle<f32>(abEnd, cdEnd, 0, 1, 4, 5), 64);
  v128.store(target, v128.shuffle<f32>(abEnd, cdEnd, 2, 3, 6, 7), 96);
}

/** Copies Bᵀ of B[columns, k] into the same panels: column j of the product comes from row j of B. */
export function packTransposed(b: usize, ldb: usize, columns: usize, k: usize, panels: usize): void {
  const whole = k & ~3;
  for (let column: usize = 0; column < columns; column += 8, panels += k * 32) {
    const source = b + column * ldb;
    const present = min<usize>(8, columns - column);
    if (present < 8) memory.fill(panels, 0, k * 32);
    const quads = present & ~3;
    for (let at: usize = 0; at < whole; at += 4) {
      for (let j: usize = 0; j < quads; j += 4) {
        transpose4(source + j * ldb + (at << 2), ldb, panels + at * 32 + (j << 2));
      }
    }
    for (let j: usize = 0; j < present; j++) {
      for (let at = j < quads ? whole : 0; at < k; at++) {
        store<f32>(panels + at * 32 + (j << 2), load<f32>(source + j * ldb + (at << 2)));
      }
    }
  }
}

/** C[m, n] (+)= A·B, B packed before. `spill`: SPILL_BYTES. Strides in bytes. */
export function multiplyPacked(
  a: usize, rowStride: usize, kStride: usize, panels: usize, c: usize, ldc: usize, m: usize, n: usize, k: usize,
  add: bool, spill: usize,
): void {
  for (let row: usize = 0; row < m; row += 5, a += 5 * rowStride, c += 5 * ldc) {
    const rows = min<usize>(5, m - row);
    let target = c, panel = panels, left = n;
    for (; left >= WIDTH; left -= WIDTH, target += 32, panel += k * 32) {
      tileOf(rows, a, rowStride, kStride, k, panel, target, ldc, add);
    }
    if (left) tileOfEdge(rows, left, a, rowStride, kStride, k, panel, target, ldc, add, spill);
  }
}

/** Copies `columns` (at most 5) columns of A[k, ·] to [k][5]. */
function packColumns(a: usize, kStride: usize, columns: usize, k: usize, strip: usize): void {
  for (const end = strip + k * 20; strip < end; a += kStride, strip += 20) {
    if (columns === 5) {
      v128.store(strip, v128.load(a));
      store<f32>(strip, load<f32>(a, 16), 16);
    } else {
      for (let i: usize = 0; i < columns << 2; i += 4) store<f32>(strip + i, load<f32>(a + i));
    }
  }
}

/**
 * C (+)= A·B, A's element [row, k] at a + row·rowStride + k·kStride. `b` [k,n], `c` [m,n]; all strides in bytes.
 */
export function multiplyPanels(
  a: usize,
  rowStride: usize,
  kStride: usize,
  b: usize,
  ldb: usize,
  c: usize,
  ldc: usize,
  m: usize,
  n: usize,
  k: usize,
  add: bool,
  workspace: usize,
): void {
  const spill = workspace;
  const strip = spill + SPILL_BYTES;
  const panels = strip + STRIP_BYTES;
  const transposed = rowStride === 4;
  const tileStride: usize = transposed ? 20 : 4; // from one k to the next in what a tile reads
  for (let k0: usize = 0; k0 < k; k0 += K_BLOCK) {
    const depth = min(K_BLOCK, k - k0);
    const accumulate = add || k0 > 0;
    const chunk = max<usize>(WIDTH, (PANEL_FLOATS / depth) & ~(WIDTH - 1));
    for (let n0: usize = 0; n0 < n; n0 += chunk) {
      const columns = min(chunk, n - n0);
      packRows(b + k0 * ldb + (n0 << 2), ldb, depth, columns, panels);
      for (let row: usize = 0; row < m; row += 5) {
        const rows = min<usize>(5, m - row);
        let aTile = a + row * rowStride + k0 * kStride;
        if (transposed) {
          packColumns(aTile, kStride, rows, depth, strip);
          aTile = strip;
        }
        let cTile = c + row * ldc + (n0 << 2);
        let panel = panels;
        let left = columns;
        for (; left >= WIDTH; left -= WIDTH, cTile += 32, panel += depth * 32) {
          tileOf(rows, aTile, rowStride, tileStride, depth, panel, cTile, ldc, accumulate);
        }
        if (left)
          tileOfEdge(rows, left, aTile, rowStride, tileStride, depth, panel, cTile, ldc, accumulate, spill);
      }
    }
  }
}
