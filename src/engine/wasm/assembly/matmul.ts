/**
 * The four layouts of C[m,n] (+)= op(A)·op(B) behind one signature: byte addresses, row strides in floats.
 *   NT  A [m,k], B [n,k]   matmul-rows.ts
 *   NN  A [m,k], B [k,n]   matmul-panels.ts
 *   TN  A [k,m], B [k,n]   matmul-panels.ts
 *   TT  A [k,m], B [n,k]   A is transposed into workspace, then NT: rare, so it has no tile of its own
 */
import { multiplyPanels, PANEL_WORKSPACE } from "./matmul-panels";
import { multiplyRows } from "./matmul-rows";

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
