/**
 * The four layouts of C[m,n] (+)= op(A)·op(B) behind one signature: byte addresses, row strides in floats.
 *   NT  A [m,k], B [n,k]   matmul-rows.ts
 *   NN  A [m,k], B [k,n]   matmul-panels.ts
 *   TN  A [k,m], B [k,n]   matmul-panels.ts
 *   TT  A [k,m], B [n,k]   A is transposed into workspace, then NT: rare, so it has no tile of its own
 * Large ones are computed by matmul-blocked.ts, which sums NT and TT in another order.
 */
import { runChain } from "./chain";
import { multiplyBlocked } from "./matmul-blocked";
import { multiplyPanels, PANEL_WORKSPACE } from "./matmul-panels";
import { multiplyRows, multiplyStoredRows, STORED_WORKSPACE } from "./matmul-rows";

/** Bytes of workspace for a product of few rows with a stored B. */
export function storedWorkspaceBytes(): usize {
  return STORED_WORKSPACE;
}

/** Bytes of workspace for one multiplication; `transposed` is m·k for TT, else 0. */
export function matmulWorkspaceBytes(transposed: usize): usize {
  return max(PANEL_WORKSPACE, transposed << 2);
}

export function matmulNT(
  a: usize,
  lda: usize,
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
  multiplyRows(a, lda << 2, b, ldb << 2, c, ldc << 2, m, n, k << 2, add);
}

export function matmulNN(
  a: usize,
  lda: usize,
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
  multiplyPanels(a, lda << 2, 4, b, ldb << 2, c, ldc << 2, m, n, k, add, workspace);
}

export function matmulTN(
  a: usize,
  lda: usize,
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
  multiplyPanels(a, 4, lda << 2, b, ldb << 2, c, ldc << 2, m, n, k, add, workspace);
}

export function matmulTT(
  a: usize,
  lda: usize,
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
  for (let row: usize = 0; row < m; row++) {
    for (let i: usize = 0; i < k; i++) {
      store<f32>(workspace + ((row * k + i) << 2), load<f32>(a + ((i * lda + row) << 2)));
    }
  }
  multiplyRows(workspace, k << 2, b, ldb << 2, c, ldc << 2, m, n, k << 2, add);
}

const NT: u32 = 0;
const NN: u32 = 1;
const TN: u32 = 2;
const TT: u32 = 3;

/**
 * As `matmulPart` where B is stored in fewer bits: `typeB` of stored.ts, `rowsOfB` rows in all. `blocked` 0 is for NT of few rows.
 * The first column of a part is a multiple of 32.
 */
export function matmulStoredPart(
  layout: u32, blocked: bool, typeB: u32, rowsOfB: usize, a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize,
  columns: usize, k: usize, firstRow: usize, endRow: usize, firstColumn: usize, endColumn: usize, steps: usize,
  count: usize, detour: bool, direct: bool, productBytes: usize, workspace: usize,
): void {
  const m = endRow - firstRow, n = endColumn - firstColumn;
  const strip = workspace + productBytes;
  const ldp = detour ? n : ldc;
  const target = detour ? strip + 1024 : c + ((firstRow * ldc + firstColumn) << 2);
  const rowsOfA = a + ((layout >= TN ? firstRow : firstRow * lda) << 2);
  if (blocked) {
    multiplyBlocked(
      rowsOfA, lda << 2, layout >= TN, b, ldb, layout === NT || layout === TT, target, ldp << 2, m, n, k, typeB, rowsOfB,
      firstColumn, workspace,
    );
  } else {
    multiplyStoredRows(typeB, rowsOfA, lda << 2, b, rowsOfB, ldb, firstColumn, target, ldp << 2, m, n, k, workspace);
  }
  if (!count) return;
  const source = detour ? target - ((firstRow * ldp + firstColumn) << 2) : c; // where row 0, column 0 would be
  runChain(
    firstRow, endRow, firstColumn, endColumn, columns, source, 0, ldp, c, ldc, steps, count, direct, strip,
  );
}

/**
 * Rows [firstRow, endRow) and columns [firstColumn, endColumn) of a product and the steps that follow it (chain.ts), so
 * that a part is finished while it is in cache and threads take parts as they come. `layout`: NT 0, NN 1, TN 2, TT 3.
 * Addresses and strides are those of the whole matrices. `blocked` asks for matmul-blocked.ts. `detour` sends the product through workspace, for steps that
 * read what the result's memory holds; `direct` lets steps work on the result (chain.ts). Workspace: that of the
 * product, 1 KB for a strip, and with a detour the floats of the part.
 */
export function matmulPart(
  layout: u32, blocked: bool, a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize, columns: usize, k: usize,
  firstRow: usize, endRow: usize, firstColumn: usize, endColumn: usize, steps: usize, count: usize, detour: bool,
  direct: bool, productBytes: usize, workspace: usize,
): void {
  const m = endRow - firstRow, n = endColumn - firstColumn;
  const strip = workspace + productBytes;
  const ldp = detour ? n : ldc;
  const target = detour ? strip + 1024 : c + ((firstRow * ldc + firstColumn) << 2);
  const rowsOfA = a + ((layout >= TN ? firstRow : firstRow * lda) << 2);
  const columnsOfB = b + (((layout === NN || layout === TN) ? firstColumn : firstColumn * ldb) << 2);
  if (blocked) {
    multiplyBlocked(
      rowsOfA, lda << 2, layout >= TN, columnsOfB, ldb << 2, layout === NT || layout === TT, target, ldp << 2, m, n, k, 0, 0, 0,
      workspace,
    );
  } else if (layout === NN) matmulNN(rowsOfA, lda, columnsOfB, ldb, target, ldp, m, n, k, false, workspace);
  else if (layout === TN) matmulTN(rowsOfA, lda, columnsOfB, ldb, target, ldp, m, n, k, false, workspace);
  else if (layout === TT) matmulTT(rowsOfA, lda, columnsOfB, ldb, target, ldp, m, n, k, false, workspace);
  else matmulNT(rowsOfA, lda, columnsOfB, ldb, target, ldp, m, n, k, false, workspace);
  if (!count) return;
  const source = detour ? target - ((firstRow * ldp + firstColumn) << 2) : c; // where row 0, column 0 would be
  runChain(
    firstRow, endRow, firstColumn, endColumn, columns, source, 0, ldp, c, ldc, steps, count, direct, strip,
  );
}
