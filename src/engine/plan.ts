/** One table of types, which is why it is long: the plan.
 *
 * What all backends execute. An ordered list of launches over buffers; a buffer is a region of a storage.
 * Read top to bottom: storages and buffers, steps, launches, plan.
 *
 * Matrices are row-major f32 unless a line says u32. Letters: M, N rows and columns of a result, K the summed length.
 */
import type { Activation } from "./activation.ts";
import type { BufferId } from "./buffer-id.ts";
import type { DType, ReduceAxis, StoredType } from "./graph.ts";
import type { SequenceLaunch } from "./plan-sequence.ts";

export type { BufferId };

/** Buffers that may be bound at an offset start at a multiple of this many elements (256 bytes). */
export const ALIGNMENT = 64;

/** In `positives`: no further positive in this row. */
export const NO_COLUMN = 0xffffffff;
/** In column groups: this column takes part in no row's softmax. */
export const EXCLUDED = 0xffffffff;

/**
 * One allocation. "parameters", "gradients" and "moments" are arenas with one layout (moments: all first moments, then
 * all second). "slot" storages are shared by temporaries whose lives do not overlap; "derived" ones hold what the
 * prologue computed. Everything but gradients, slots, scalars and the log row outlives a run.
 */
export interface StorageSpec {
  readonly id: number;
  readonly kind:
    | "parameters"
    | "gradients"
    | "moments"
    | "state"
    | "resident"
    | "derived"
    | "input"
    | "scalars"
    | "output"
    | "slot"
    | "log";
  readonly name: string; // unique; persistent storages of equal name are shared between executables
  readonly dtype: DType;
  readonly elements: number; // a multiple of 4
}

/** Bytes of an element as it is stored, scales of blocks included (stored.ts); elements of q8 and q4 are whole blocks of 32. */
export const ELEMENT_BYTES: Readonly<Record<DType, number>> = {
  f32: 4,
  u32: 4,
  f16: 2,
  q8: 34 / 32,
  q4: 18 / 32,
};

/** Bytes of a storage, in whole words. */
export function storageBytes({ elements, dtype }: Pick<StorageSpec, "elements" | "dtype">): number {
  return Math.ceil((elements * ELEMENT_BYTES[dtype]) / 4) * 4;
}

export interface BufferSpec {
  readonly id: BufferId;
  readonly storage: number;
  readonly offset: number; // elements; a multiple of ALIGNMENT
  readonly elements: number;
  readonly name: string; // for people: "queries", "matmul 12"
}

/** How an operand meets a value at [row, column]: itself, operand[column], operand[row], operand[0]. */
export type Broadcast = "full" | "row" | "column" | "scalar";

export interface Operand {
  readonly buffer: BufferId;
  readonly broadcast: Broadcast;
}

/**
 * One step of a chain applied to every value v at [row, column] of a result, in order: the epilogue of a matmul and the
 * body of an elementwise launch. At most MAX_STEPS steps and MAX_OPERANDS buffers in a chain.
 */
export type Step =
  | { readonly kind: "scale"; readonly factor: number } // v · factor
  | { readonly kind: "add" | "multiply"; readonly operand: Operand } // v + o, v · o
  | { readonly kind: "subtract" | "subtractFrom"; readonly operand: Operand } // v − o, o − v
  | { readonly kind: "divide" | "divideInto"; readonly operand: Operand } // v / o, o / v
  | { readonly kind: "activation"; readonly activation: Activation } // f(v)
  | { readonly kind: "activationGradient"; readonly activation: Activation; readonly saved: BufferId }
  // v · f′; saved is f's result (gelu: its argument), of full shape
  | { readonly kind: "subtractScaledRows"; readonly factors: BufferId; readonly matrix: BufferId }
  // v − factors[row] · matrix[row, column]
  | { readonly kind: "dropout"; readonly rate: number; readonly seed: number; readonly counter: BufferId }
  // keeps v / (1 − rate) where random.ts keeps (element row·columns + column, counter[0] u32, seed), else 0
  | { readonly kind: "clip"; readonly norm: BufferId; readonly maxNorm: number }; // v · min(1, maxNorm / (norm[0] + 1e-6))

export const MAX_STEPS = 8;
export const MAX_OPERANDS = 4; // buffers named by the steps of one chain

/**
 * out[r, :] = table[indices[r], :], for several tables at once. indices: u32. An index past the table reads its last row.
 * Rows of a q8 or q4 table are `storedStride` elements apart.
 */
export interface GatherLaunch {
  readonly kind: "gather";
  readonly copies: readonly {
    readonly table: BufferId;
    readonly tableRows: number;
    readonly indices: BufferId;
    readonly out: BufferId;
    readonly rows: number;
    readonly columns: number;
    readonly dtype: DType; // of table and out; f16, q8, q4: of the table alone, out is f32
  }[];
}

/** out[t, :] = Σ_{r: indices[r] = t} source[r, :], for every row t of the table, r ascending. */
export interface ScatterLaunch {
  readonly kind: "scatter";
  readonly source: BufferId;
  readonly indices: BufferId;
  readonly out: BufferId;
  readonly rows: number; // of source
  readonly tableRows: number;
  readonly columns: number;
}

/**
 * out [M, N] = steps(A · B).
 *   NT: A [M, K], B [N, K]     NN: A [M, K], B [K, N]     TN: A [K, M], B [K, N]     TT: A [K, M], B [N, K] (rare; may be slow)
 * Strides are elements between rows. A padded matrix has a stride above its width: its padding may be written with
 * anything finite, and padding of A along K (NN with padded A) holds zeros.
 */
export interface MatmulLaunch {
  readonly kind: "matmul";
  readonly layout: "NT" | "NN" | "TN" | "TT";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: BufferId;
  readonly strideA: number;
  readonly b: BufferId;
  readonly typeB?: StoredType; // decoded when read, `strideB` as `storedStride` says; absent: f32
  readonly strideB: number;
  readonly out: BufferId;
  readonly strideOut: number;
  readonly steps: readonly Step[]; // full operands have the result's stride N (steps occur on unpadded results only)
}

/** out[row, column] = steps(source[row, column]); the source itself may be broadcast. */
export interface ElementwiseLaunch {
  readonly kind: "elementwise";
  readonly rows: number;
  readonly columns: number;
  readonly source: Operand;
  readonly out: BufferId;
  readonly steps: readonly Step[];
}

/** out[at + …] = finish(scale · factor[0] · Σ source · times) over all, per row or per column; several at once. */
export interface Reduction {
  readonly axis: ReduceAxis;
  readonly rows: number;
  readonly columns: number;
  readonly source: BufferId; // [rows, columns]
  readonly times: BufferId | undefined; // [rows, columns]
  readonly factor: BufferId | undefined; // [1]
  readonly scale: number;
  readonly root: boolean; // finish = √ (the norm from partial sums of squares)
  readonly out: BufferId;
  readonly at: number; // first element written in `out`
}

export interface ReduceLaunch {
  readonly kind: "reduce";
  readonly reductions: readonly Reduction[];
}

/** y = x / max(‖x‖, 1e-12) for each row (torch.nn.functional.normalize). */
export interface RowNormalizeLaunch {
  readonly kind: "rowNormalize";
  readonly rows: number;
  readonly columns: number;
  readonly source: BufferId;
  readonly out: BufferId;
}

/** dX = (dY − ŷ·(ŷ·dY)) / ‖x‖ for each row with ŷ = x/‖x‖; where ‖x‖ ≤ 1e-12 the norm counts as constant: dX = dY·1e12. */
export interface RowNormalizeGradientLaunch {
  readonly kind: "rowNormalizeGradient";
  readonly rows: number;
  readonly columns: number;
  readonly source: BufferId; // x
  readonly upstream: BufferId; // dY
  readonly out: BufferId;
}

/**
 * Softmax cross-entropy of each row, forward and gradient in one pass.
 *   s[i, j] = scale · inverse[i] · logits[i, j]       inverse[i] = 1 / max(‖queries[i]‖, 1e-12), or 1 without `queries`
 *   kept(i, j): columnGroups[j] ≠ EXCLUDED and columnGroups[j] ≠ rowGroups[i] (all, without groups); positives always
 *   p = softmax of s over what is kept;  t[i, j] = 1/P_i at the P_i positives of row i (distinct; default: column i),
 *       or targets[i, j], whose rows sum to 1, or to 0 where a row has none; a column with t > 0 counts as a positive
 *   loss[i] = logsumexp(s[i, :]) − Σ_j t·s            (its mean is the loss)
 *   coefficients[i, j] = scale · inverse[i] · (p − t) / rows            0 where not kept, and in padding columns
 *   beta[i] = inverse[i]² · Σ_j s · (p − t) / rows    (so that dQueries = coefficients · D − beta · queries); 0 where
 *             ‖queries[i]‖ ≤ 1e-12, whose norm counts as constant
 * A row without positives has loss, coefficients and beta 0.
 */
export interface SoftmaxRowsLaunch {
  readonly kind: "softmaxRows";
  readonly rows: number;
  readonly columns: number;
  readonly stride: number; // of logits and coefficients
  readonly scale: number;
  readonly logits: BufferId;
  readonly queries:
    { readonly buffer: BufferId; readonly width: number; readonly beta: BufferId } | undefined;
  readonly positives: { readonly buffer: BufferId; readonly perRow: number } | undefined; // u32 [rows, perRow]
  readonly targets: BufferId | undefined; // f32 [rows, columns], never together with positives
  readonly groups: { readonly rows: BufferId; readonly columns: BufferId } | undefined; // u32 [rows], [columns]
  readonly loss: BufferId; // [rows]
  readonly coefficients: BufferId | undefined; // absent where no gradient is asked for
}

/** partials[p] = Σ source² over elements [p·chunk, (p+1)·chunk), p < count. Order within a chunk is the backend's, fixed. */
export interface SumSquaresLaunch {
  readonly kind: "sumSquares";
  readonly source: BufferId; // the gradient arena, or any buffers one after the other
  readonly elements: number;
  readonly chunk: number; // a multiple of ALIGNMENT
  readonly count: number;
  readonly partials: BufferId;
}

/**
 * AdamW as torch's, over all trained parameters at once (arithmetic per element in f32):
 *   norm = √ Σ partials;  g ← g · min(1, maxNorm / (norm + 1e-6))
 *   m ← β₁·m + (1−β₁)·g;  v ← β₂·v + (1−β₂)·g²
 *   w ← w·(1 − lr·decay) − lr · (m·c₁) / (√(v·c₂) + ε)          c = 1/(1−βᵗ), fed by the executor, t from 1
 * If Σ partials is not finite (by its exponent bits) no weight or moment is touched and log[0] becomes 1, else 0.
 * Then, where asked: log[norm] = norm before clipping, log[loss.at] = loss.scale · Σ loss.rows.
 */
export interface AdamWLaunch {
  readonly kind: "adamw";
  readonly weights: BufferId; // the whole arena, as are gradients, first and second
  readonly gradients: BufferId;
  readonly moments: BufferId; // first moments at 0, second at `elements`
  readonly elements: number; // of the arena
  readonly segments: readonly AdamWSegment[]; // what lies outside is not touched
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly learningRate: BufferId; // [1]
  readonly corrections: readonly [BufferId, BufferId]; // c₁, c₂
  readonly partials: BufferId;
  readonly partialCount: number;
  readonly maxNorm: number; // Infinity: no clipping
  readonly log: BufferId;
  readonly normAt: number | undefined;
  readonly loss:
    | { readonly rows: BufferId; readonly count: number; readonly scale: number; readonly at: number }
    | undefined;
}

export interface AdamWSegment {
  readonly name: string;
  readonly offset: number; // a multiple of ALIGNMENT
  readonly elements: number;
  readonly weightDecay: number;
}

/** target[i] += source[i] for every i < elements, in place: gradients of several passes add up. */
export interface AccumulateLaunch {
  readonly kind: "accumulate";
  readonly elements: number;
  readonly source: BufferId;
  readonly target: BufferId;
}

export type Launch =
  | SequenceLaunch
  | AccumulateLaunch
  | GatherLaunch
  | ScatterLaunch
  | MatmulLaunch
  | ElementwiseLaunch
  | ReduceLaunch
  | RowNormalizeLaunch
  | RowNormalizeGradientLaunch
  | SoftmaxRowsLaunch
  | SumSquaresLaunch
  | AdamWLaunch;

/** Where each parameter lies in the three arenas. Executables over the same parameters share one. */
export interface ParameterLayout {
  readonly elements: number;
  readonly parameters: Readonly<
    Record<string, { readonly offset: number; readonly shape: readonly number[] }>
  >;
}

/** A leaf or output that callers name: in `feeds`, `write` or `read`. */
export interface NamedBuffer {
  readonly buffer: BufferId;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export interface Plan {
  readonly storages: readonly StorageSpec[]; // by id
  readonly buffers: readonly BufferSpec[]; // by id
  readonly layout: ParameterLayout;
  readonly prologue: readonly Launch[]; // run before the first step and after a resident was written
  readonly launches: readonly Launch[]; // one step
  readonly feeds: Readonly<Record<string, NamedBuffer>>; // inputs and scalars: all must be given at every run
  readonly residents: Readonly<Record<string, NamedBuffer>>;
  readonly parameters: Readonly<Record<string, NamedBuffer>>;
  readonly states: Readonly<Record<string, NamedBuffer>>; // "<parameter>.m" and ".v" included
  readonly outputs: Readonly<Record<string, NamedBuffer>>;
  readonly constants: readonly { readonly buffer: BufferId; readonly value: number }[]; // in "scalars", written once
  readonly optimizer:
    | { readonly betas: readonly [number, number]; readonly corrections: readonly [BufferId, BufferId] }
    | undefined;
  readonly log: { readonly buffer: BufferId; readonly names: readonly string[] }; // log[0]: skipped; log[1 + i]: names[i]
  readonly flops: number;
  readonly peakBytes: number; // all storages together
  readonly parameterBytes: number;
}

/** What a page shows before a run. */
export interface PlanSummary {
  readonly launches: number;
  readonly flops: number;
  readonly peakBytes: number;
  readonly parameterBytes: number;
}

export function summaryOf(plan: Plan): PlanSummary {
  const { launches, flops, peakBytes, parameterBytes } = plan;
  return { launches: launches.length, flops, peakBytes, parameterBytes };
}
