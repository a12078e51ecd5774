// Columns of a row of scores, best first; equal scores by `order` (idOrder of metrics.ts), so that a ranking never hangs
// on the order of a file.

/** All columns of scores [N]. */
export function ranking(scores: Float32Array, order: Uint32Array): Uint32Array {
  return Uint32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || order[a]! - order[b]!);
}

/**
 * The first `top` of the columns for which `open` holds: a heap of the best so far instead of a sort of all. Scores must
 * not be NaN, which has no place in an order.
 */
export function topColumns(
  scores: ArrayLike<number>,
  order: Uint32Array,
  top: number,
  open: (column: number) => boolean = () => true,
): Uint32Array {
  const size = Math.min(top, scores.length);
  const heap = new Uint32Array(size); // the worst of the kept ones at the root
  const worse = (a: number, b: number): boolean => {
    const [x, y] = [scores[a]!, scores[b]!];
    return x < y || (!(x > y) && order[a]! > order[b]!);
  };
  let kept = 0;
  for (let column = 0; column < scores.length; column++) {
    const full = kept === size;
    if (full && (size === 0 || !worse(heap[0]!, column))) continue;
    if (!open(column)) continue;
    if (full) heap[0] = column;
    else heap[kept++] = column;
    if (full) sink(heap, 0, size, worse);
    else if (kept === size) heapify(heap, size, worse);
  }
  if (kept < size) heapify(heap, kept, worse);
  for (let end = kept - 1; end > 0; end--) {
    [heap[0], heap[end]] = [heap[end]!, heap[0]!];
    sink(heap, 0, end, worse);
  }
  return heap.subarray(0, kept);
}

type Worse = (a: number, b: number) => boolean;

function heapify(heap: Uint32Array, count: number, worse: Worse): void {
  for (let at = (count >> 1) - 1; at >= 0; at--) sink(heap, at, count, worse);
}

function sink(heap: Uint32Array, from: number, count: number, worse: Worse): void {
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= count) return;
    if (child + 1 < count && worse(heap[child + 1]!, heap[child]!)) child++;
    if (!worse(heap[child]!, heap[at]!)) return;
    [heap[at], heap[child]] = [heap[child]!, heap[at]!];
    at = child;
  }
}
