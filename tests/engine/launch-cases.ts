import { ACTIVATION_CODES, type Activation } from "../../src/engine/activation.ts";
import type { Broadcast, Launch, MatmulLaunch, Step } from "../../src/engine/plan.ts";
import { numbers, type LaunchBuffers } from "./single-launch.ts";

const ACTIVATIONS = Object.keys(ACTIVATION_CODES) as Activation[];
const OF_POSITIVE: ReadonlySet<Activation> = new Set(["log", "sqrt"]);

/** One row, one column, odd sizes, at and past a vector of four and a strip of 256. */
export const SHAPES = [
  [1, 1],
  [1, 7],
  [5, 1],
  [3, 4],
  [7, 13],
  [2, 300], // past a strip of 256
] as const;

export function matmulOf(
  layout: MatmulLaunch["layout"],
  m: number,
  n: number,
  k: number,
  steps: readonly Step[],
): MatmulLaunch {
  const strideA = layout.startsWith("N") ? k : m;
  const strideB = layout.endsWith("N") ? n : k;
  return { kind: "matmul", layout, m, n, k, a: 0, strideA, b: 1, strideB, out: 2, strideOut: n, steps };
}

export function matmulBuffers({
  layout,
  m,
  n,
  k,
  strideA,
  strideB,
  strideOut,
}: MatmulLaunch): Float32Array[] {
  const [rowsA, rowsB] = [layout.startsWith("N") ? m : k, layout.endsWith("N") ? k : n];
  return [numbers(rowsA * strideA, 1), numbers(rowsB * strideB, 2), new Float32Array(m * strideOut)];
}

export function sizeOf(broadcast: Broadcast, rows: number, columns: number): number {
  return { full: rows * columns, row: columns, column: rows, scalar: 1 }[broadcast];
}

export interface Chain {
  readonly steps: readonly Step[];
  readonly operands: LaunchBuffers; // from buffer `first` on
}

/** Every kind of step in every broadcast, alone, and one long chain. */
export function chains(rows: number, columns: number, first: number): Chain[] {
  const full = (seed: number): Float32Array => numbers(rows * columns, seed);
  const combined = (["add", "multiply", "subtract", "subtractFrom", "divide", "divideInto"] as const).flatMap(
    (kind) =>
      (["full", "row", "column", "scalar"] as const).map((broadcast): Chain => {
        const operand = numbers(sizeOf(broadcast, rows, columns), 4).map((x) => x + Math.sign(x));
        const steps: Step[] = [{ kind, operand: { buffer: first, broadcast } }];
        if (kind === "divideInto") steps.unshift({ kind: "activation", activation: "sigmoid" });
        return { steps, operands: [operand] };
      }),
  );
  const activations = ACTIVATIONS.flatMap((activation): Chain[] => {
    const positive = OF_POSITIVE.has(activation);
    const before: Step[] = positive ? [{ kind: "activation", activation: "sigmoid" }] : [];
    const saved = full(5).map((x) => (positive ? 0.1 + Math.abs(x) : x));
    return [
      { steps: [...before, { kind: "activation", activation }], operands: [] },
      { steps: [{ kind: "activationGradient", activation, saved: first }], operands: [saved] },
    ];
  });
  const others: Chain[] = [
    { steps: [], operands: [] },
    { steps: [{ kind: "scale", factor: 0.3 }], operands: [] },
    { steps: [{ kind: "clip", norm: first, maxNorm: 0.5 }], operands: [Float32Array.of(2)] },
    { steps: [{ kind: "clip", norm: first, maxNorm: 5 }], operands: [Float32Array.of(2)] },
    { steps: [{ kind: "dropout", rate: 0.4, seed: 11, counter: first }], operands: [Uint32Array.of(5)] },
    {
      steps: [{ kind: "subtractScaledRows", factors: first, matrix: first + 1 }],
      operands: [numbers(rows, 6), full(7)],
    },
    {
      steps: [
        { kind: "add", operand: { buffer: first, broadcast: "row" } },
        { kind: "activation", activation: "tanh" },
        { kind: "multiply", operand: { buffer: first + 1, broadcast: "scalar" } },
        { kind: "add", operand: { buffer: first + 2, broadcast: "full" } },
      ],
      operands: [numbers(columns, 8), Float32Array.of(0.7), full(9)],
    },
  ];
  return [...combined, ...activations, ...others];
}

export function softmaxCase(columns: number, normalized: boolean, multi: boolean, grouped: boolean) {
  const [rows, width] = [Math.min(columns, 6), 7];
  const stride = Math.ceil(columns / 4) * 4;
  const queries = numbers(rows * width, 3);
  if (rows > 2) queries.fill(0, width, 2 * width);
  const positives = Uint32Array.from({ length: rows * 2 }, (_, at) => {
    const row = at >> 1;
    if (at % 2 === 0) return rows > 3 && row === 3 ? 0xffffffff : row;
    return row + 1 < columns && row % 2 === 0 ? row + 1 : 0xffffffff;
  });
  const groups = Uint32Array.from({ length: columns }, (_, column) =>
    column % 4 === 3 ? 0xffffffff : column % 3,
  );
  const buffers = [
    numbers(rows * stride, 1),
    queries,
    positives,
    Uint32Array.from({ length: rows }, (_, row) => row % 3),
    groups,
    new Float32Array(rows),
    numbers(rows * stride, 2),
    new Float32Array(rows),
  ];
  const launch = {
    kind: "softmaxRows",
    rows,
    columns,
    stride,
    scale: 20,
    logits: 0,
    queries: normalized ? { buffer: 1, width, beta: 7 } : undefined,
    positives: multi ? { buffer: 2, perRow: 2 } : undefined,
    targets: undefined,
    groups: grouped ? { rows: 3, columns: 4 } : undefined,
    loss: 5,
    coefficients: 6,
  } as const satisfies Launch;
  return { launch, buffers };
}

/** The same with soft targets, one row without any and zeros in the others. */
export function softTargetsCase(columns: number, normalized: boolean, grouped: boolean) {
  const { launch, buffers } = softmaxCase(columns, normalized, false, grouped);
  const { rows } = launch;
  const weights = numbers(rows * columns, 5).map((x) => Math.max(0, x));
  const targets = weights.map((weight, at) => {
    const row = Math.floor(at / columns);
    const sum = weights.subarray(row * columns, (row + 1) * columns).reduce((total, x) => total + x, 0);
    return row === 3 || sum === 0 ? 0 : weight / sum;
  });
  return { launch: { ...launch, targets: buffers.length }, buffers: [...buffers, targets] };
}

export function adamwCase(maxNorm: number) {
  const elements = 256;
  const moments = numbers(2 * elements, 3).map((x, index) => (index < elements ? x : Math.abs(x)));
  const buffers = [
    numbers(elements, 1),
    numbers(elements, 2),
    moments,
    Float32Array.of(0.01),
    Float32Array.of(1 / (1 - 0.9 ** 3)),
    Float32Array.of(1 / (1 - 0.999 ** 3)),
    Float32Array.of(3, 4),
    new Float32Array(4),
    Float32Array.of(0.5, 0.25, 2),
  ];
  const launch = {
    kind: "adamw",
    weights: 0,
    gradients: 1,
    moments: 2,
    elements,
    segments: [
      { name: "a", offset: 0, elements: 3, weightDecay: 0.01 },
      { name: "b", offset: 64, elements: 69, weightDecay: 0 },
      { name: "c", offset: 192, elements: 1, weightDecay: 0.1 },
    ],
    betas: [0.9, 0.999],
    epsilon: 1e-8,
    learningRate: 3,
    corrections: [4, 5],
    partials: 6,
    partialCount: 2,
    maxNorm,
    log: 7,
    normAt: 1,
    loss: { rows: 8, count: 3, scale: 1 / 3, at: 2 },
  } as const satisfies Launch;
  return { launch, buffers };
}
