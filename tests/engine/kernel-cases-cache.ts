import { randomValues } from "./fixtures.ts";
import type { LaunchBench } from "./launch-bench.ts";

let seed = 7000;
const random = (count: number): Float32Array => randomValues(count, seed++);

/** Rows to places in any order, some past the end; what is not named stays. */
export function storeRowsCases(bench: LaunchBench): void {
  for (const [rows, columns, storeRows] of [
    [1, 1, 1],
    [3, 5, 7],
    [40, 96, 64],
    [130, 67, 128],
  ] as const) {
    const places = Uint32Array.from({ length: rows }, (_, row) =>
      row % 7 === 3 ? 0xffffffff : (row * 5 + 2) % (storeRows + 1),
    );
    const used = new Set<number>();
    for (const [row, place] of places.entries()) {
      if (used.has(place)) places[row] = storeRows + row; // places differ
      used.add(place);
    }
    const store = bench.inPlace(random(storeRows * columns), `${rows} rows stored among ${storeRows}`);
    const [source, placed] = [bench.buffer(random(rows * columns)), bench.buffer(places)];
    bench.launch({ kind: "storeRows", rows, columns, storeRows, source, places: placed, store });
  }
}

/** One key, fewer than four, whole and broken blocks of 64; empty ranges; groups; widths of every rest. */
export function cachedAttentionCases(bench: LaunchBench): void {
  for (const [heads, keyHeads, headSize, cached, ranges] of [
    [1, 1, 1, 1, [[0, 1]]],
    [
      2,
      2,
      6,
      9,
      [
        [2, 5],
        [0, 0],
        [8, 9],
      ],
    ],
    [
      4,
      2,
      8,
      80,
      [
        [0, 64],
        [3, 68],
        [79, 79],
        [10, 13],
      ],
    ],
    [
      9,
      3,
      64,
      200,
      [
        [0, 200],
        [199, 200],
        [1, 130],
      ],
    ],
    [
      6,
      1,
      22,
      70,
      [
        [5, 70],
        [5, 6],
      ],
    ],
    [2, 1, 128, 40, [[0, 39]]],
    [
      1,
      1,
      132,
      300,
      [
        [17, 290],
        [0, 0],
      ],
    ],
  ] as const) {
    const rows = ranges.length;
    const [width, shared] = [heads * headSize, cached * keyHeads * headSize];
    const out = bench.result(rows * width, `${heads}/${keyHeads} heads of ${headSize} over ${cached} rows`);
    bench.launch({
      ...{ kind: "cachedAttention", rows, heads, keyHeads, headSize, cached, scale: 2 / Math.sqrt(headSize) },
      ...{ queries: bench.buffer(random(rows * width)), keys: bench.buffer(random(shared)) },
      ...{ values: bench.buffer(random(shared)), ranges: bench.buffer(Uint32Array.from(ranges.flat())), out },
    });
  }
}
