/** The rows to draw of a long list with rows of one height. */
export interface RowWindow {
  readonly first: number;
  readonly last: number; // exclusive
  readonly before: number; // px above the first
  readonly after: number; // px below the last
}

const OVERSCAN = 8;

/** rows × rowHeight px scrolled by `top` inside `height` px → which rows are near the visible part. */
export function windowOf(rows: number, rowHeight: number, top: number, height: number): RowWindow {
  const first = Math.max(0, Math.min(rows, Math.floor(top / rowHeight) - OVERSCAN));
  const last = Math.max(first, Math.min(rows, Math.ceil((top + height) / rowHeight) + OVERSCAN));
  return { first, last, before: first * rowHeight, after: (rows - last) * rowHeight };
}
