import type { StoredType } from "../../src/engine/graph.ts";
import type { MatmulLaunch } from "../../src/engine/plan.ts";
import { storedStride } from "../../src/engine/stored.ts";
import type { AttentionReads } from "../../src/engine/plan-sequence.ts";
import { randomValues } from "./fixtures.ts";
import type { LaunchBench } from "./launch-bench.ts";

/** Launches of sequence models at the sizes where kernels go wrong: one row, odd widths, empty sequences, padding rows. */
let seed = 1000;
const random = (count: number): Float32Array => randomValues(count, seed++);

export function layerNormCases(bench: LaunchBench): void {
  addNorms(bench, true);
}

/** The same launches without centring. */
export function rmsNormCases(bench: LaunchBench): void {
  addNorms(bench, false);
}

function addNorms(bench: LaunchBench, centred: boolean): void {
  for (const [rows, columns] of [
    [1, 1],
    [1, 8],
    [3, 5],
    [7, 64],
    [33, 131],
    [130, 384],
  ] as const) {
    const sizes = { rows, columns, epsilon: 1e-3, centred };
    const source = bench.buffer(random(rows * columns).map((value) => 3 * value + 2));
    const gamma = bench.buffer(random(columns));
    const beta = centred ? bench.buffer(random(columns)) : undefined;
    const upstream = bench.buffer(random(rows * columns));
    const name = `${rows}×${columns}${centred ? "" : ", not centred"}`;
    const out = bench.result(rows * columns, `layer norm ${name}`);
    bench.launch({ kind: "layerNorm", ...sizes, source, gamma, beta, out });
    const dX = bench.result(rows * columns, `layer norm gradient ${name}`);
    bench.launch({ kind: "layerNormGradient", ...sizes, source, gamma, upstream, out: dX });
    const dGamma = bench.result(columns, `layer norm gamma ${name}`);
    bench.launch({ kind: "layerNormGamma", ...sizes, source, upstream, out: dGamma });
  }
}

/** Both directions; positions in any order, one past the table. */
export function rotaryCases(bench: LaunchBench): void {
  for (const [rows, heads, headSize] of [
    [1, 1, 2],
    [3, 2, 6],
    [7, 3, 10],
    [33, 4, 32],
    [130, 9, 64],
  ] as const) {
    const tableRows = 29;
    const positions = bench.buffer(
      Uint32Array.from({ length: rows }, (_, row) => (row * 7) % (tableRows + 3)),
    );
    const [source, table] = [
      bench.buffer(random(rows * heads * headSize)),
      bench.buffer(random(tableRows * headSize)),
    ];
    for (const turn of [1, -1] as const) {
      const out = bench.result(
        rows * heads * headSize,
        `rotary ${rows} rows, ${heads} heads of ${headSize}, ${turn}`,
      );
      bench.launch({ kind: "rotary", rows, heads, headSize, turn, source, positions, table, tableRows, out });
    }
  }
}

/** Row ranges of sequences of these lengths, with `padding` rows of none after them. */
function rangesOf(lengths: readonly number[], padding: number): Uint32Array {
  let first = 0;
  const ranges = lengths.flatMap((length) => {
    const end = first + length;
    const range = Array.from({ length }, () => [first, end]).flat();
    first = end;
    return range;
  });
  return Uint32Array.from([...ranges, ...Array<number>(2 * padding).fill(0)]);
}

export function attentionCases(bench: LaunchBench): void {
  for (const [heads, headSize, lengths, padding] of [
    [1, 1, [1], 0],
    [1, 4, [3, 2], 2],
    [2, 5, [1, 4, 7], 3],
    [3, 8, [17, 1, 16], 0],
    [2, 16, [33, 9], 22],
    [2, 32, [65, 3], 4],
    [1, 64, [130], 1],
    [12, 32, [5, 20], 7],
  ] as const) {
    for (const rate of [0, 0.3]) addAttention(bench, { heads, headSize, lengths, padding, rate });
  }
}

/** What decoders do: rows that look back only, heads that share keys and values. */
export function causalAttentionCases(bench: LaunchBench): void {
  for (const [heads, keyHeads, headSize, lengths, padding, causal] of [
    [1, 1, 4, [1], 0, true],
    [2, 1, 4, [3, 2], 2, false],
    [4, 2, 5, [1, 4, 7], 3, true],
    [6, 2, 8, [17, 1, 16], 0, true],
    [4, 4, 16, [33, 9], 22, true],
    [9, 3, 64, [70], 1, true],
    [4, 1, 32, [64, 131, 5], 7, true],
  ] as const) {
    const rate = headSize === 16 || headSize === 8 ? 0.3 : 0;
    addAttention(bench, { heads, keyHeads, headSize, lengths, padding, rate, causal });
  }
}

interface AttentionCase {
  readonly heads: number;
  readonly keyHeads?: number;
  readonly headSize: number;
  readonly lengths: readonly number[];
  readonly padding: number;
  readonly rate: number;
  readonly causal?: boolean;
}

function addAttention(bench: LaunchBench, settings: AttentionCase): void {
  const { heads, keyHeads = heads, headSize, lengths, padding, rate, causal = false } = settings;
  const rows = lengths.reduce((sum, length) => sum + length, padding);
  const elements = rows * heads * headSize;
  const shared = rows * keyHeads * headSize;
  const values = (factor: number, count: number) =>
    bench.buffer(random(count).map((value) => value * factor));
  const dropout = rate > 0 ? { rate, seed: 7, counter: bench.buffer(Uint32Array.of(3)) } : undefined;
  const reads: AttentionReads = {
    ...{ rows, heads, keyHeads, headSize, causal },
    ...{ longest: Math.max(...lengths), scale: 1 / Math.sqrt(headSize), dropout },
    ...{ queries: values(2, elements), keys: values(2, shared), values: values(1, shared) },
    ranges: bench.buffer(rangesOf(lengths, padding)),
  };
  const kind = `${causal ? "causal, " : ""}${heads}/${keyHeads}`;
  const name = `${kind} heads of ${headSize}, sequences of ${lengths.join(", ")}, dropout ${rate}`;
  const out = bench.result(elements, `attention: ${name}`);
  const logSumExp = bench.result(heads * rows, `log sums: ${name}`);
  bench.launch({ kind: "attention", ...reads, out, logSumExp });
  const plain = bench.result(elements, `attention without log sums: ${name}`);
  bench.launch({ kind: "attention", ...reads, out: plain, logSumExp: undefined });
  const [dQueries, dKeys, dValues] = ["dQ", "dK", "dV"].map((part) =>
    bench.result(part === "dQ" ? elements : shared, `${part}: ${name}`),
  ) as [number, number, number];
  const upstream = bench.buffer(random(elements));
  bench.launch({
    ...{ kind: "attentionGradient", ...reads, out, logSumExp, upstream },
    ...{ dQueries, dKeys, dValues },
  });
}

export function poolingCases(bench: LaunchBench): void {
  for (const [rows, columns, spans] of [
    [1, 1, [0, 1]],
    [7, 5, [0, 3, 3, 5, 0, 0]],
    [40, 64, [8, 9, 0, 8, 0, 0, 9, 33]],
    [130, 384, [0, 64, 64, 130]],
  ] as const) {
    const segments = spans.length / 2;
    const at = bench.buffer(Uint32Array.from(spans));
    const name = `${rows}×${columns}, ${segments} spans`;
    const out = bench.result(segments * columns, `means of ${name}`);
    const source = bench.buffer(random(rows * columns));
    bench.launch({ kind: "segmentMean", segments, columns, source, spans: at, out });
    const back = bench.result(rows * columns, `gradient of means of ${name}`);
    const upstream = bench.buffer(random(segments * columns));
    bench.launch({ kind: "segmentMeanGradient", rows, segments, columns, upstream, spans: at, out: back });
  }
}

export function blockCases(bench: LaunchBench): void {
  for (const [rows, columns, sourceRows, sourceColumns, rowOffset, columnOffset] of [
    [1, 1, 3, 5, 2, 4],
    [3, 5, 1, 1, -2, -4],
    [4, 6, 9, 6, 3, 0],
    [9, 6, 4, 6, -3, 0],
    [7, 3, 7, 131, 0, 65],
    [7, 131, 7, 3, 0, -65],
    [5, 64, 5, 128, 0, 64],
  ] as const) {
    const source = bench.buffer(random(sourceRows * sourceColumns));
    const name = `block ${rows}×${columns} of ${sourceRows}×${sourceColumns} at ${rowOffset}, ${columnOffset}`;
    const sizes = { rows, columns, sourceRows, sourceColumns, rowOffset, columnOffset };
    bench.launch({ kind: "block", ...sizes, source, out: bench.result(rows * columns, name) });
  }
}

/** Embedding gradients: many rows of few table rows, most of the table untouched, an index past its end. */
export function scatterCases(bench: LaunchBench): void {
  for (const [rows, tableRows, columns] of [
    [1, 1, 1],
    [5, 700, 7],
    [300, 40, 33],
    [257, 1000, 64],
  ] as const) {
    const indices = Uint32Array.from({ length: rows }, (_, row) => (row === 4 ? 99_999 : (row * row) % 37));
    const out = bench.result(tableRows * columns, `scatter ${rows} into ${tableRows}×${columns}`);
    const source = bench.buffer(random(rows * columns));
    bench.launch({ kind: "scatter", source, indices: bench.buffer(indices), out, rows, tableRows, columns });
  }
}

export function accumulateCases(bench: LaunchBench): void {
  for (const elements of [1, 5, 64, 1027, 70_000]) {
    const target = bench.inPlace(random(elements), `accumulated ${elements}`);
    bench.launch({ kind: "accumulate", elements, source: bench.buffer(random(elements)), target });
  }
}

/** Weights in fewer bits: B of every layout, and a table. */
export function storedCases(bench: LaunchBench): void {
  for (const type of ["f16", "q8", "q4"] as const) {
    for (const [m, n, k] of [
      [1, 1, 1],
      [3, 5, 7],
      [33, 31, 18],
      [8, 64, 32],
      [65, 130, 96],
      [1, 70, 100], // one row: decoded in registers, whole blocks and a rest
      [2, 37, 2100], // past a stretch of k of few rows
      [9, 203, 421], // past a block of k and a chunk of columns
    ] as const) {
      for (const layout of ["NT", "NN", "TN", "TT"] as const) storedProduct(bench, type, layout, [m, n, k]);
      const indices = bench.buffer(Uint32Array.from({ length: m }, (_, row) => (row * 7) % (n + 2)));
      const table = bench.stored(random(n * k), type, [n, k]);
      const out = bench.result(m * k, `rows of a ${n}×${k} table in ${type}`);
      const sizes = { tableRows: n, rows: m, columns: k, dtype: type } as const;
      bench.launch({ kind: "gather", copies: [{ table, indices, out, ...sizes }] });
    }
  }
}

function storedProduct(
  bench: LaunchBench,
  typeB: StoredType,
  layout: MatmulLaunch["layout"],
  [m, n, k]: readonly [number, number, number],
): void {
  const shape = layout.endsWith("T") ? [n, k] : [k, n];
  const left = random(m * k).map((value) => value / Math.sqrt(k));
  const [a, b] = [bench.buffer(left), bench.stored(random(n * k), typeB, shape)];
  const bias = { kind: "add", operand: { buffer: bench.buffer(random(n)), broadcast: "row" } } as const;
  const strides = { strideA: layout.startsWith("N") ? k : m, strideB: storedStride(typeB, shape[1]!) };
  for (const steps of [[], [bias]]) {
    const out = bench.result(m * n, `product ${layout} ${m}×${n}×${k} with B in ${typeB}`);
    bench.launch({ kind: "matmul", layout, m, n, k, a, b, typeB, out, ...strides, strideOut: n, steps });
  }
}
