/** Columns with their scores, best first. */
export interface RankedPassages {
  readonly passages: Uint32Array;
  readonly scores: Float32Array;
}

/**
 * The best `count` columns of a row for which `open` holds; ties by `order`. Linear in the row: a heap keeps the best so
 * far, its worst on top.
 */
export function bestPassages(
  row: Float32Array,
  count: number,
  order: Uint32Array,
  open: (column: number) => boolean,
): RankedPassages {
  const heap: number[] = [];
  const before = (a: number, b: number): boolean =>
    row[a]! > row[b]! || (row[a]! === row[b]! && order[a]! < order[b]!);
  for (let column = 0; column < row.length; column++) {
    const full = heap.length >= count;
    if (full && (count < 1 || row[column]! < row[heap[0]!]!)) continue;
    if (!open(column) || (full && !before(column, heap[0]!))) continue;
    if (full) {
      heap[0] = column;
      sink(heap, before);
    } else {
      heap.push(column);
      rise(heap, before);
    }
  }
  const passages = Uint32Array.from(heap.sort((a, b) => (before(a, b) ? -1 : 1)));
  return { passages, scores: Float32Array.from(passages, (column) => row[column]!) };
}

type Before = (a: number, b: number) => boolean;

function rise(heap: number[], before: Before): void {
  let place = heap.length - 1;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    if (!before(heap[parent]!, heap[place]!)) return;
    swap(heap, place, parent);
    place = parent;
  }
}

function sink(heap: number[], before: Before): void {
  let place = 0;
  for (;;) {
    const [left, right] = [2 * place + 1, 2 * place + 2];
    let worst = place;
    if (left < heap.length && before(heap[worst]!, heap[left]!)) worst = left;
    if (right < heap.length && before(heap[worst]!, heap[right]!)) worst = right;
    if (worst === place) return;
    swap(heap, place, worst);
    place = worst;
  }
}

function swap(heap: number[], a: number, b: number): void {
  const kept = heap[a]!;
  heap[a] = heap[b]!;
  heap[b] = kept;
}
