import { ACTIVATION_CODES, type Activation } from "../../src/engine/activation.ts";
import { EXCLUDED, NO_COLUMN, type MatmulLaunch, type Operand, type Step } from "../../src/engine/plan.ts";
import { randomValues } from "./fixtures.ts";
import type { LaunchBench } from "./launch-bench.ts";

/** Every launch at the sizes where kernels go wrong: below, at and past a tile, one row, one column, odd. */
const SIZES = [
  [1, 1, 1],
  [1, 13, 9],
  [13, 1, 9],
  [3, 5, 7],
  [33, 31, 17],
  [65, 67, 19],
  [1, 8, 4],
  [5, 12, 8],
  [8, 8, 16],
  [12, 20, 1],
  [9, 16, 20],
  [16, 4, 12],
  [68, 72, 36],
] as const;

const up = (value: number): number => Math.ceil(value / 4) * 4;
let seed = 1;
const random = (count: number): Float32Array => randomValues(count, seed++);

export function matmulCases(bench: LaunchBench): void {
  for (const layout of ["NT", "NN", "TN", "TT"] as const) {
    for (const [m, n, k] of SIZES) addMatmul(bench, layout, m, n, k, []);
  }
  addPadded(bench);
}

function addMatmul(
  bench: LaunchBench,
  layout: MatmulLaunch["layout"],
  m: number,
  n: number,
  k: number,
  steps: readonly Step[],
): void {
  const strideA = layout.startsWith("N") ? k : m;
  const strideB = layout.endsWith("N") ? n : k;
  const [a, b] = [bench.buffer(random(m * k)), bench.buffer(random(n * k))];
  const kinds = steps.map(({ kind }) => kind).join(" ");
  const out = bench.result(m * n, `matmul ${layout} ${m}×${n}×${k} ${kinds}`);
  bench.launch({ kind: "matmul", layout, m, n, k, a, strideA, b, strideB, out, strideOut: n, steps });
}

/** The scores of a loss and what is made of them: rows of 10 that lie 12 apart. */
function addPadded(bench: LaunchBench): void {
  const [m, n, k, width] = [10, 10, 16, up(10)];
  const padding = (index: number): boolean => index % width >= n;
  const [queries, documents] = [bench.buffer(random(m * k)), bench.buffer(random(n * k))];
  const scores = bench.result(m * width, "padded scores", padding);
  bench.launch({
    ...{ kind: "matmul", layout: "NT", m, n, k, a: queries, strideA: k, b: documents, strideB: k },
    ...{ out: scores, strideOut: width, steps: [] },
  });
  const coefficients = bench.buffer(random(m * width).map((value, index) => (padding(index) ? 0 : value)));
  const towards = bench.result(m * k, "padded coefficients · documents");
  bench.launch({
    ...{
      kind: "matmul",
      layout: "NN",
      m,
      n: k,
      k: n,
      a: coefficients,
      strideA: width,
      b: documents,
      strideB: k,
    },
    ...{ out: towards, strideOut: k, steps: [] },
  });
  const back = bench.result(n * k, "padded coefficientsᵀ · queries");
  bench.launch({
    ...{
      kind: "matmul",
      layout: "TN",
      m: n,
      n: k,
      k: m,
      a: coefficients,
      strideA: width,
      b: queries,
      strideB: k,
    },
    ...{ out: back, strideOut: k, steps: [] },
  });
}

/** Every step with every broadcast, over matrices of m × n. */
function stepsFor(bench: LaunchBench, m: number, n: number): Step[][] {
  const full = bench.buffer(random(m * n).map((value) => value + Math.sign(value) * 0.5));
  const row = bench.buffer(random(n));
  const column = bench.buffer(random(m));
  const single = bench.buffer(Float32Array.of(0.7));
  const counter = bench.buffer(Uint32Array.of(41));
  const operands: Operand[] = [
    { buffer: full, broadcast: "full" },
    { buffer: row, broadcast: "row" },
    { buffer: column, broadcast: "column" },
    { buffer: single, broadcast: "scalar" },
  ];
  const activations = Object.keys(ACTIVATION_CODES) as Activation[];
  return [
    [{ kind: "scale", factor: -1.5 }],
    ...operands.map((operand): Step[] => [{ kind: "add", operand }]),
    ...operands.map((operand): Step[] => [{ kind: "multiply", operand }]),
    [
      { kind: "subtract", operand: operands[1]! },
      { kind: "subtractFrom", operand: operands[0]! },
    ],
    [
      { kind: "divide", operand: operands[0]! },
      { kind: "add", operand: operands[3]! },
    ],
    [
      { kind: "activation", activation: "sigmoid" },
      { kind: "divideInto", operand: operands[2]! },
    ],
    ...activations.map((activation): Step[] =>
      // a logarithm or a root of something positive
      activation === "log" || activation === "sqrt"
        ? [
            { kind: "activation", activation: "exp" },
            { kind: "activation", activation },
          ]
        : [{ kind: "activation", activation }],
    ),
    ...activations.map((activation): Step[] => [{ kind: "activationGradient", activation, saved: full }]),
    [{ kind: "subtractScaledRows", factors: column, matrix: full }],
    [{ kind: "dropout", rate: 0.3, seed: 9, counter }],
    [{ kind: "clip", norm: single, maxNorm: 0.5 }],
    [{ kind: "clip", norm: single, maxNorm: Infinity }],
    [
      { kind: "multiply", operand: operands[3]! },
      { kind: "scale", factor: 0.5 },
      { kind: "add", operand: operands[1]! },
      { kind: "activation", activation: "tanh" },
      { kind: "multiply", operand: operands[0]! },
      { kind: "subtract", operand: operands[2]! },
    ],
  ];
}

export function epilogueCases(bench: LaunchBench): void {
  for (const [layout, m, n, k] of [
    ["NT", 9, 16, 8],
    ["NN", 9, 16, 8],
    ["TN", 12, 16, 8],
    ["NN", 7, 5, 3],
  ] as const) {
    for (const steps of stepsFor(bench, m, n)) addMatmul(bench, layout, m, n, k, steps);
  }
}

export function elementwiseCases(bench: LaunchBench): void {
  for (const [rows, columns] of [
    [1, 1],
    [3, 5],
    [7, 64],
    [65, 1],
    [1, 131],
  ] as const) {
    const broadcasts = [
      ["full", rows * columns],
      ["row", columns],
      ["column", rows],
      ["scalar", 1],
    ] as const;
    for (const [broadcast, size] of broadcasts) {
      const source: Operand = { buffer: bench.buffer(random(size)), broadcast };
      const out = bench.result(rows * columns, `elementwise ${rows}×${columns} from ${broadcast}`);
      bench.launch({
        kind: "elementwise",
        rows,
        columns,
        source,
        out,
        steps: [{ kind: "scale", factor: 2 }],
      });
    }
    for (const steps of stepsFor(bench, rows, columns)) {
      const source: Operand = { buffer: bench.buffer(random(rows * columns)), broadcast: "full" };
      const kinds = steps
        .map((step) => `${step.kind} ${"activation" in step ? step.activation : ""}`)
        .join(", ");
      const out = bench.result(rows * columns, `elementwise ${rows}×${columns} ${kinds}`);
      bench.launch({ kind: "elementwise", rows, columns, source, out, steps });
    }
  }
}

export function reduceCases(bench: LaunchBench): void {
  for (const [rows, columns] of [
    [1, 1],
    [1, 300],
    [5, 7],
    [64, 65],
    [130, 3],
  ] as const) {
    const source = bench.buffer(random(rows * columns).map((value) => value + 1));
    const times = bench.buffer(random(rows * columns));
    const factor = bench.buffer(Float32Array.of(-1.25));
    for (const axis of ["all", "rows", "columns"] as const) {
      const size = axis === "all" ? 1 : axis === "rows" ? rows : columns;
      for (const with_ of [undefined, times]) {
        const out = bench.result(size + 2, `sum over ${axis} of ${rows}×${columns}`);
        const reduction = {
          axis,
          rows,
          columns,
          source,
          times: with_,
          factor: with_ && factor,
          scale: 0.5,
          root: false,
        };
        bench.launch({ kind: "reduce", reductions: [{ ...reduction, out, at: 1 }] });
      }
    }
    const out = bench.result(1, `root of a sum of ${rows}×${columns}`);
    const plain = {
      axis: "all",
      rows,
      columns,
      source,
      times: undefined,
      factor: undefined,
      scale: 1,
    } as const;
    bench.launch({ kind: "reduce", reductions: [{ ...plain, root: true, out, at: 0 }] });
    const shared = bench.result(columns + 1, `two sums of ${rows}×${columns} in one launch`);
    bench.launch({
      kind: "reduce",
      reductions: [
        { ...plain, root: false, out: shared, at: columns },
        { ...plain, times, factor, axis: "columns", root: false, out: shared, at: 0 },
      ],
    });
  }
}

export function rowCases(bench: LaunchBench): void {
  for (const [rows, columns] of [
    [1, 1],
    [3, 5],
    [10, 64],
    [7, 131],
  ] as const) {
    const values = random(rows * columns);
    if (rows > 1) values.fill(0, 0, columns); // a row of zeros
    const [source, upstream] = [bench.buffer(values), bench.buffer(random(rows * columns))];
    const unit = bench.result(rows * columns, `unit rows ${rows}×${columns}`);
    bench.launch({ kind: "rowNormalize", rows, columns, source, out: unit });
    const out = bench.result(rows * columns, `gradient of unit rows ${rows}×${columns}`);
    bench.launch({ kind: "rowNormalizeGradient", rows, columns, source, upstream, out });
    addGather(bench, rows, columns);
  }
}

function addGather(bench: LaunchBench, rows: number, columns: number): void {
  const tableRows = 6;
  const tables = [0, 1, 2].map(() => bench.buffer(random(tableRows * columns)));
  const indices = [3, 5].map((step) =>
    bench.buffer(Uint32Array.from({ length: rows }, (_, row) => (row === 2 ? 99 : (row * step) % tableRows))),
  );
  const copies = tables.map((table, index) => {
    const out = bench.result(rows * columns, `gather ${rows}×${columns} table ${index}`);
    return { table, tableRows, indices: indices[index % 2]!, out, rows, columns, dtype: "f32" as const };
  });
  bench.launch({ kind: "gather", copies });
  const source = bench.buffer(random(rows * columns));
  const out = bench.result(tableRows * columns, `scatter ${rows}×${columns}`);
  bench.launch({ kind: "scatter", source, indices: indices[0]!, out, rows, tableRows, columns });
}

export function softmaxCases(bench: LaunchBench): void {
  for (const [rows, columns, width] of [
    [1, 1, 3],
    [3, 5, 8],
    [10, 10, 33],
    [9, 70, 16],
  ] as const) {
    for (const variant of [
      "diagonal",
      "groups",
      "positives",
      "both",
      "targets",
      "no queries",
      "no gradient",
    ] as const) {
      addSoftmax(bench, rows, columns, width, variant);
    }
  }
}

function addSoftmax(bench: LaunchBench, rows: number, columns: number, width: number, variant: string): void {
  const stride = variant === "no queries" ? columns : up(columns);
  const name = `softmax ${rows}×${columns} ${variant}`;
  const logits = bench.buffer(random(rows * stride));
  const hasGroups = variant === "groups" || variant === "both" || variant === "targets";
  const hasPositives = variant === "positives" || variant === "both";
  const wantsQueries = variant !== "no queries";
  const queryValues = random(rows * width);
  if (rows > 3) queryValues.fill(0, width, 2 * width); // a query of zeros
  const coefficients =
    variant === "no gradient" ? undefined : bench.result(rows * stride, `${name} coefficients`);
  bench.launch({
    kind: "softmaxRows",
    ...{ rows, columns, stride, scale: 5, logits, coefficients },
    queries: wantsQueries
      ? {
          buffer: bench.buffer(queryValues),
          width,
          beta:
            variant === "no gradient"
              ? bench.buffer(new Float32Array(rows))
              : bench.result(rows, `${name} beta`),
        }
      : undefined,
    positives: hasPositives ? { buffer: bench.buffer(positivesOf(rows, columns)), perRow: 3 } : undefined,
    targets: variant === "targets" ? bench.buffer(sharesOf(rows, columns)) : undefined,
    groups: hasGroups ? groupsOf(bench, rows, columns) : undefined,
    loss: bench.result(rows, `${name} loss`),
  });
}

/** One to three positives a row; the third row, where there is one, has none. */
function positivesOf(rows: number, columns: number): Uint32Array {
  return Uint32Array.from({ length: rows * 3 }, (_, index) => {
    const [row, place] = [Math.floor(index / 3), index % 3];
    if (row === 2 || place > Math.min(row, columns - 1)) return NO_COLUMN;
    return (row + place * 2) % columns;
  });
}

/** Shares of two columns a row, which sum to 1; the third row, where there is one, has none. */
function sharesOf(rows: number, columns: number): Float32Array {
  const shares = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    if (row === 2) continue;
    shares[row * columns + (row % columns)]! += 0.25;
    shares[row * columns + ((row + 3) % columns)]! += 0.75;
  }
  return shares;
}

function groupsOf(bench: LaunchBench, rows: number, columns: number): { rows: number; columns: number } {
  const rowGroups = Uint32Array.from({ length: rows }, (_, row) => row % 3);
  const columnGroups = Uint32Array.from({ length: columns }, (_, column) =>
    column === 4 ? EXCLUDED : column % 3,
  );
  return { rows: bench.buffer(rowGroups), columns: bench.buffer(columnGroups) };
}

/** Two parameters with a gap between them; `poison` puts an infinity into a gradient. */
export function adamwCases(bench: LaunchBench): void {
  for (const [maxNorm, poison] of [
    [1, false],
    [Infinity, false],
    [1, true],
  ] as const) {
    const elements = 1024;
    const arena = (): Float32Array => random(elements).fill(0, 300, 384); // between parameters lie zeros
    const gradientValues = arena();
    if (poison) gradientValues[70] = Infinity;
    const gradients = bench.buffer(gradientValues);
    const name = `adamw ${maxNorm} ${poison ? "not finite" : ""}`;
    const [chunk, count] = [384, 3];
    const partials = bench.buffer(new Float32Array(count));
    bench.launch({ kind: "sumSquares", source: gradients, elements, chunk, count, partials });
    bench.launch({
      kind: "adamw",
      ...{ gradients, elements, partials, partialCount: count, maxNorm },
      weights: bench.inPlace(arena(), `${name} weights`),
      moments: bench.inPlace(Float32Array.from([...arena(), ...arena()], Math.abs), `${name} moments`),
      segments: [
        { name: "first", offset: 0, elements: 300, weightDecay: 0.1 },
        { name: "second", offset: 384, elements: 640, weightDecay: 0 },
      ],
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      learningRate: bench.buffer(Float32Array.of(0.01, 0, 0, 0)),
      corrections: [bench.buffer(Float32Array.of(2.5, 0, 0, 0)), bench.buffer(Float32Array.of(300, 0, 0, 0))],
      log: bench.result(4, `${name} log`, (index) => index === 3 || (poison && index === 1)),
      normAt: 1,
      loss: { rows: bench.buffer(random(7)), count: 7, scale: 1 / 7, at: 2 },
    });
  }
}
