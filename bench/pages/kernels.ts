// Single launches of an encoder's step at bge-small's sizes, as plans of their own, on Retune's own backends.
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { openWebGpu } from "../../src/engine/backends/webgpu.ts";
import type { Backend } from "../../src/engine/backend.ts";
import {
  ALIGNMENT,
  type Launch,
  type MatmulLaunch,
  type Plan,
  type StorageSpec,
} from "../../src/engine/plan.ts";
import { normalValues } from "./data.mjs";

const SEQUENCES = 8;
const LENGTH = 128;
const ROWS = SEQUENCES * LENGTH;
const [WIDTH, INNER, HEADS, WORDS] = [384, 1536, 12, 30_522];
const ARENA = 2 ** 22; // elements of an optimizer's step
const CHUNK = ARENA / 64;

type Values = Float32Array | Uint32Array;

/** Buffers and launches on their way to a plan without a graph. */
class Draft {
  readonly values: Values[] = [];
  readonly launches: Launch[] = [];
  flops = 0;

  u32(values: Uint32Array): number {
    return this.values.push(values) - 1;
  }

  f32(elements: number): number {
    const seed = this.values.length + 1;
    return this.values.push(normalValues(Math.min(elements, 1 << 16), 0.1, seed)) - 1;
  }

  result(elements: number): number {
    return this.values.push(new Float32Array(elements)) - 1;
  }

  launch(launch: Launch, flops: number): void {
    this.launches.push(launch);
    this.flops += flops;
  }
}

/** What a launch reads is made at its full length from a repeated stretch of random numbers. */
function filled(draft: Draft, elements: number): number {
  const stretch = draft.values[draft.f32(elements)]!;
  draft.values.pop();
  return (
    draft.values.push(Float32Array.from({ length: elements }, (_, at) => stretch[at % stretch.length]!)) - 1
  );
}

function product(draft: Draft, layout: "NT" | "NN" | "TN", [m, n, k]: [number, number, number]): void {
  const launch: MatmulLaunch = {
    ...{ kind: "matmul", layout, m, n, k, a: filled(draft, m * k), b: filled(draft, n * k), steps: [] },
    ...{ out: draft.result(m * n), strideOut: n },
    strideA: layout.startsWith("N") ? k : m,
    strideB: layout.endsWith("N") ? n : k,
  };
  draft.launch(launch, 2 * m * n * k);
}

function attention(draft: Draft, backward: boolean): void {
  const size = ROWS * WIDTH;
  const first = (row: number): number => Math.floor(row / LENGTH) * LENGTH;
  const ranges = Uint32Array.from({ length: 2 * ROWS }, (_, at) => first(at >> 1) + (at % 2) * LENGTH);
  const reads = {
    ...{ rows: ROWS, heads: HEADS, keyHeads: HEADS, headSize: WIDTH / HEADS, causal: false },
    ...{ longest: LENGTH, scale: 0.2, dropout: undefined },
    ...{ queries: filled(draft, size), keys: filled(draft, size), values: filled(draft, size) },
    ranges: draft.u32(ranges),
  };
  const [out, logSumExp] = [draft.result(size), draft.result(HEADS * ROWS)];
  const pairs = 2 * ROWS * LENGTH * WIDTH; // FLOPs of one product over all pairs
  if (!backward) return draft.launch({ kind: "attention", ...reads, out, logSumExp }, 2 * pairs);
  const results = { dQueries: draft.result(size), dKeys: draft.result(size), dValues: draft.result(size) };
  const upstream = filled(draft, size);
  draft.launch({ kind: "attentionGradient", ...reads, out, logSumExp, upstream, ...results }, 5 * pairs);
}

function layerNorm(draft: Draft, part: "layerNorm" | "layerNormGradient" | "layerNormGamma"): void {
  const size = ROWS * WIDTH;
  const shape = { rows: ROWS, columns: WIDTH, epsilon: 1e-12, centred: true, source: filled(draft, size) };
  const [gamma, beta, upstream] = [draft.f32(WIDTH), draft.f32(WIDTH), filled(draft, size)];
  if (part === "layerNorm") {
    draft.launch({ kind: part, ...shape, gamma, beta, out: draft.result(size) }, 8 * size);
  } else if (part === "layerNormGradient") {
    draft.launch({ kind: part, ...shape, gamma, upstream, out: draft.result(size) }, 12 * size);
  } else {
    draft.launch({ kind: part, ...shape, upstream, out: draft.result(WIDTH) }, 8 * size);
  }
}

function table(draft: Draft, backward: boolean): void {
  const indices = draft.u32(Uint32Array.from({ length: ROWS }, (_, row) => (row * row * 31) % 997));
  const shape = { rows: ROWS, columns: WIDTH, tableRows: WORDS, indices };
  if (backward) {
    const [source, out] = [filled(draft, ROWS * WIDTH), draft.result(WORDS * WIDTH)];
    return draft.launch({ kind: "scatter", ...shape, source, out }, ROWS * WIDTH);
  }
  const copy = { ...shape, table: draft.result(WORDS * WIDTH), out: draft.result(ROWS * WIDTH) };
  draft.launch({ kind: "gather", copies: [{ ...copy, dtype: "f32" }] }, 0);
}

function elementwise(draft: Draft): void {
  const source = { buffer: filled(draft, ROWS * INNER), broadcast: "full" } as const;
  const steps = [{ kind: "activation", activation: "gelu" }] as const;
  const out = draft.result(ROWS * INNER);
  draft.launch({ kind: "elementwise", rows: ROWS, columns: INNER, source, out, steps }, 16 * ROWS * INNER);
}

function columnSums(draft: Draft): void {
  const plain = { times: undefined, factor: undefined, scale: 1, root: false, at: 0 };
  const [source, out] = [filled(draft, ROWS * INNER), draft.result(INNER)];
  const reduction = { axis: "columns", rows: ROWS, columns: INNER, source, out, ...plain } as const;
  draft.launch({ kind: "reduce", reductions: [reduction] }, ROWS * INNER);
}

function optimizer(draft: Draft): void {
  const one = (value: number): number => draft.values.push(Float32Array.of(value)) - 1;
  const [gradients, partials] = [filled(draft, ARENA), draft.result(64)];
  const sums = { elements: ARENA, chunk: CHUNK, count: 64, partials };
  draft.launch({ kind: "sumSquares", source: gradients, ...sums }, 2 * ARENA);
  draft.launch(
    {
      ...{ kind: "adamw", weights: draft.result(ARENA), gradients, moments: draft.result(2 * ARENA) },
      ...{ elements: ARENA, segments: [{ name: "all", offset: 0, elements: ARENA, weightDecay: 0.01 }] },
      ...{ betas: [0.9, 0.999], epsilon: 1e-8, learningRate: one(1e-5), corrections: [one(10), one(1000)] },
      ...{ partials, partialCount: 64, maxNorm: 1, log: draft.result(4), normAt: undefined, loss: undefined },
    },
    14 * ARENA,
  );
}

const CASES: Readonly<Record<string, (draft: Draft) => void>> = {
  "product NT 384 × 384": (draft) => product(draft, "NT", [ROWS, WIDTH, WIDTH]),
  "product NT 1536 × 384": (draft) => product(draft, "NT", [ROWS, INNER, WIDTH]),
  "product NN 384 × 1536": (draft) => product(draft, "NN", [ROWS, WIDTH, INNER]),
  "product TN 1536 × 384": (draft) => product(draft, "TN", [INNER, WIDTH, ROWS]),
  attention: (draft) => attention(draft, false),
  "attention, backward": (draft) => attention(draft, true),
  "layer norm": (draft) => layerNorm(draft, "layerNorm"),
  "layer norm, backward": (draft) => layerNorm(draft, "layerNormGradient"),
  "layer norm, γ": (draft) => layerNorm(draft, "layerNormGamma"),
  GELU: elementwise,
  "column sums": columnSums,
  "word vectors": (draft) => table(draft, false),
  "word vectors, backward": (draft) => table(draft, true),
  "norm and AdamW, 4 M weights": optimizer,
};

export const kernelNames = Object.keys(CASES);

/** Prepares a launch; the function runs it n times and returns its FLOPs. */
export async function prepareKernel({
  backend: name,
  kernel,
}: {
  backend: "webgpu" | "wasm-simd" | "wasm-relaxed-simd";
  kernel: string;
}): Promise<(count: number) => Promise<number>> {
  const draft = new Draft();
  CASES[kernel]!(draft);
  const backend = await open(name);
  const executable = await backend.prepare(planOf(draft));
  draft.values.forEach((values, index) => executable.write(`buffer ${index}`, values));
  return async (count) => {
    for (let index = 0; index < count; index++) executable.run({});
    await executable.settle();
    return draft.flops;
  };
}

async function open(name: "webgpu" | "wasm-simd" | "wasm-relaxed-simd"): Promise<Backend> {
  if (name === "webgpu") return openWebGpu(navigator.gpu);
  const bytes = async (file: string): Promise<ArrayBuffer> =>
    (await fetch(`/wasm/${file}.wasm`)).arrayBuffer();
  return openCpu({ simd: await bytes("simd"), relaxed: await bytes("relaxed") }, { build: name });
}

/** Each buffer in a storage of its own, kept between runs. */
function planOf({ values, launches, flops }: Draft): Plan {
  const up = (elements: number): number => Math.ceil(elements / ALIGNMENT) * ALIGNMENT;
  const dtypeOf = (value: Values) => (value instanceof Uint32Array ? "u32" : "f32");
  const states = values.map((value, id): StorageSpec => ({
    ...{ id, kind: "state", name: `buffer ${id}`, dtype: dtypeOf(value), elements: up(value.length) },
  }));
  const count = values.length;
  const storages: StorageSpec[] = [
    ...states,
    { id: count, kind: "scalars", name: "scalars", dtype: "f32", elements: ALIGNMENT },
    { id: count + 1, kind: "log", name: "log", dtype: "f32", elements: 4 },
  ];
  const buffers = values.map((value, id) => ({
    ...{ id, storage: id, offset: 0, elements: value.length, name: `buffer ${id}` },
  }));
  const named = values.map((value, buffer) => [
    `buffer ${buffer}`,
    { buffer, shape: [value.length], dtype: dtypeOf(value) } as const,
  ]);
  const log = { id: count, storage: count + 1, offset: 0, elements: 4, name: "log" };
  return {
    ...{ storages, buffers: [...buffers, log], launches, prologue: [], constants: [], flops },
    ...{ feeds: {}, residents: {}, parameters: {}, outputs: {}, optimizer: undefined, parameterBytes: 0 },
    states: Object.fromEntries(named) as Plan["states"],
    layout: { elements: 0, parameters: {} },
    log: { buffer: count, names: [] },
    peakBytes: storages.reduce((sum, { elements }) => sum + elements * 4, 0),
  };
}
