import type { AttentionDropout } from "../../src/engine/plan-sequence.ts";
import { randomValues } from "./fixtures.ts";
import type { LaunchBench } from "./launch-bench.ts";

let seed = 1000;
const random = (count: number): Float32Array => randomValues(count, seed++);

/** Sequences of these lengths one after the other, with `padding` rows behind them that belong to none. */
export interface Packing {
  readonly lengths: readonly number[];
  readonly padding: number;
}

export function rowsOf({ lengths, padding }: Packing): number {
  return lengths.reduce((sum, length) => sum + length, padding);
}

export function rangesOf(packing: Packing): Uint32Array {
  const ranges: number[] = [];
  for (const length of packing.lengths) {
    const first = ranges.length / 2;
    for (let row = 0; row < length; row++) ranges.push(first, first + length);
  }
  return Uint32Array.from({ length: 2 * rowsOf(packing) }, (_, index) => ranges[index] ?? 0);
}

/** One row; sequences within, at and past a tile of 32; one longer than two tiles; padding of more than a tile. */
const PACKINGS: readonly Packing[] = [
  { lengths: [1], padding: 0 },
  { lengths: [3, 1, 7], padding: 5 },
  { lengths: [32, 33], padding: 0 },
  { lengths: [5, 70, 2], padding: 40 },
];

export function attentionCases(bench: LaunchBench, withDropout: boolean): void {
  const counter = bench.buffer(Uint32Array.of(17));
  const dropout = withDropout ? { rate: 0.3, seed: 5, counter } : undefined;
  for (const packing of PACKINGS) addAttention(bench, packing, { heads: 2, headSize: 8, dropout });
  addAttention(bench, PACKINGS[3]!, { heads: 1, headSize: 32, dropout }); // as wide as a tile
  addAttention(bench, PACKINGS[3]!, { heads: 2, headSize: 40, dropout }); // and wider
}

/** Rows that look back only, and heads that share keys and values. */
export function causalCases(bench: LaunchBench): void {
  const counter = bench.buffer(Uint32Array.of(17));
  const dropout = { rate: 0.3, seed: 5, counter };
  for (const packing of PACKINGS)
    addAttention(bench, packing, { heads: 4, keyHeads: 2, headSize: 8, causal: true });
  addAttention(bench, PACKINGS[3]!, { heads: 3, keyHeads: 1, headSize: 40, causal: true, dropout });
  addAttention(bench, PACKINGS[2]!, { heads: 2, keyHeads: 1, headSize: 8 });
}

/** Heads that are no multiple of four: what the kernels without workgroup memory leave to the others. */
export function oddHeadCases(bench: LaunchBench): void {
  addAttention(bench, PACKINGS[1]!, { heads: 3, headSize: 5 });
  addAttention(bench, PACKINGS[3]!, { heads: 4, keyHeads: 2, headSize: 5, causal: true });
}

interface AttentionCase {
  readonly heads: number;
  readonly keyHeads?: number;
  readonly headSize: number;
  readonly causal?: boolean;
  readonly dropout?: AttentionDropout | undefined;
}

function addAttention(bench: LaunchBench, packing: Packing, settings: AttentionCase): void {
  const { heads, keyHeads = heads, headSize, causal = false, dropout } = settings;
  const rows = rowsOf(packing);
  const size = rows * heads * headSize;
  const shared = rows * keyHeads * headSize;
  const [queries, keys, values] = [size, shared, shared].map((count) => bench.buffer(random(count))) as [
    number,
    number,
    number,
  ];
  const reads = {
    ...{ rows, heads, keyHeads, headSize, causal },
    ...{ longest: Math.max(...packing.lengths), scale: 2 / Math.sqrt(headSize) },
    ...{ queries, keys, values, ranges: bench.buffer(rangesOf(packing)), dropout },
  };
  const name = `${packing.lengths.join("+")} rows, ${heads}/${keyHeads} heads of ${headSize}${causal ? ", causal" : ""}`;
  const out = bench.result(size, `attention ${name}`);
  const logSumExp = bench.result(heads * rows, `logarithms of ${name}`);
  bench.launch({ kind: "attention", ...reads, out, logSumExp });
  const alone = bench.result(size, `attention without a gradient ${name}`);
  bench.launch({ kind: "attention", ...reads, out: alone, logSumExp: undefined });
  const result = (what: string, count = shared): number =>
    bench.result(count, `gradient of ${what}, ${name}`);
  bench.launch({
    ...{ kind: "attentionGradient", ...reads, out, logSumExp, upstream: bench.buffer(random(size)) },
    ...{ dQueries: result("queries", size), dKeys: result("keys"), dValues: result("values") },
  });
}

/** Tables larger than the batch, smaller, and of so few rows that the batch is cut into parts. */
export function scatterCases(bench: LaunchBench): void {
  for (const [tableRows, rows, columns] of [
    [1, 1, 1],
    [50, 9, 5],
    [300, 70, 261],
    [40, 90, 12],
    [2, 600, 7],
    [3000, 2100, 3],
  ] as const) {
    // Few distinct indices, each several times, one past the table.
    const named = (row: number): number => (row === 7 ? 99_999 : ((row * row) % 23) * 13);
    const indices = bench.buffer(Uint32Array.from({ length: rows }, (_, row) => named(row)));
    const out = bench.result(tableRows * columns, `scatter ${rows} rows to ${tableRows}×${columns}`);
    const source = bench.buffer(random(rows * columns));
    bench.launch({ kind: "scatter", source, indices, out, rows, tableRows, columns });
  }
}

export function tallSumCases(bench: LaunchBench): void {
  for (const columns of [70, 68]) addTallSums(bench, 700, columns); // with and without a rest of four
}

function addTallSums(bench: LaunchBench, rows: number, columns: number): void {
  const source = bench.buffer(random(rows * columns));
  const times = bench.buffer(random(rows * columns));
  const factor = bench.buffer(Float32Array.of(-1.25));
  const plain = { rows, columns, source, times: undefined, factor: undefined, scale: 0.5, root: false };
  const out = bench.result(3 * columns + 2, "sums down tall columns beside others");
  bench.launch({
    kind: "reduce",
    reductions: [
      { ...plain, axis: "columns", out, at: 1 },
      { ...plain, axis: "columns", times, factor, out, at: columns + 1 },
      { ...plain, axis: "columns", rows: 9, out, at: 2 * columns + 1 },
      { ...plain, axis: "all", rows: 3, out, at: 0 },
    ],
  });
  const last = { ...plain, axis: "all", rows: 1, out, at: 3 * columns + 1 } as const;
  bench.launch({ kind: "reduce", reductions: [last] });
}

/** Soft targets, with and without norms and groups; a row of none. */
export function targetCases(bench: LaunchBench): void {
  for (const [rows, columns, normalized, grouped] of [
    [1, 1, false, false],
    [5, 9, false, false],
    [6, 70, true, true],
  ] as const) {
    const stride = Math.ceil(columns / 4) * 4;
    const targets = random(rows * columns).map((value, index) => (index % 3 === 0 ? 0 : Math.abs(value)));
    for (let row = 0; row < rows; row++) {
      const own = targets.subarray(row * columns, (row + 1) * columns);
      const sum = own.reduce((total, value) => total + value, 0);
      for (let column = 0; column < columns; column++)
        own[column] = row === 2 || sum === 0 ? 0 : own[column]! / sum;
    }
    const name = `soft targets ${rows}×${columns}`;
    const queries = bench.buffer(random(rows * 7));
    bench.launch({
      ...{
        kind: "softmaxRows",
        rows,
        columns,
        stride,
        scale: 5,
        logits: bench.buffer(random(rows * stride)),
      },
      queries: normalized
        ? { buffer: queries, width: 7, beta: bench.result(rows, `${name} beta`) }
        : undefined,
      ...{ positives: undefined, targets: bench.buffer(targets) },
      groups: grouped
        ? {
            rows: bench.buffer(Uint32Array.from({ length: rows }, (_, row) => row % 3)),
            columns: bench.buffer(Uint32Array.from({ length: columns }, (_, column) => column % 3)),
          }
        : undefined,
      loss: bench.result(rows, `${name} loss`),
      coefficients: bench.result(rows * stride, `${name} coefficients`),
    });
  }
}
