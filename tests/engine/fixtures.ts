import { readFileSync } from "node:fs";

export interface FixtureTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Reads f32 tensors of a safetensors file: u64 header length, JSON header, data. */
export function readSafetensors(path: string): Map<string, FixtureTensor> {
  const bytes = readFileSync(path);
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerBytes)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, FixtureTensor>();
  for (const [name, { shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [from, to] = data_offsets.map((offset) => offset + 8 + headerBytes);
    tensors.set(name, { shape, values: new Float32Array(new Uint8Array(bytes.subarray(from, to)).buffer) });
  }
  return tensors;
}

export interface AdapterFixture {
  readonly dim: number;
  readonly n: number;
  readonly batch: number;
  readonly epochs: number;
  readonly lr: number;
  readonly scale: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly max_grad_norm: number;
  readonly warmup_steps: number;
  readonly total_steps: number;
  readonly config: {
    readonly hidden_features?: number;
    readonly bias: boolean;
    readonly activation_fn_str?: string;
    readonly add_residual?: boolean;
  };
  readonly losses: readonly number[];
  readonly grad_norms_before_clip?: readonly number[];
}

export const PARITY_NAMES = [
  "adapter-linear",
  "adapter-linear-bias",
  "adapter-two-layer",
  "adapter-two-layer-plain",
] as const;

export function readParity(name: string): { settings: AdapterFixture; tensors: Map<string, FixtureTensor> } {
  const base = `tests/fixtures/parity/${name}`;
  const settings = JSON.parse(readFileSync(`${base}.json`, "utf8")) as AdapterFixture;
  return { settings, tensors: readSafetensors(`${base}.safetensors`) };
}

interface LlamaIndexRun {
  readonly opt: { readonly initial_lr: number };
  readonly init: Readonly<Record<string, number[] | number[][]>>;
  readonly final: Readonly<Record<string, number[] | number[][]>>;
  readonly losses: readonly number[];
  readonly warmup: number;
  readonly steps: number;
}

interface LlamaIndexData {
  readonly relevant_docs: Readonly<Record<string, readonly [string]>>;
  readonly q_emb: Readonly<Record<string, readonly number[]>>;
  readonly d_emb: Readonly<Record<string, readonly number[]>>;
}

export const LLAMAINDEX_RUNS = ["linear", "linear_bias", "two", "two_nores", "linear_lr"] as const;

/** A run of LlamaIndex's own engine: 11 queries in batches of 4, five epochs. */
export function readLlamaIndex(name: (typeof LLAMAINDEX_RUNS)[number]): ReturnType<typeof readParity> {
  const file = JSON.parse(readFileSync("tests/fixtures/llamaindex/adapter_fixture.json", "utf8")) as {
    data: LlamaIndexData;
  } & Record<(typeof LLAMAINDEX_RUNS)[number], LlamaIndexRun>;
  const { opt, init, final, losses, warmup, steps } = file[name];
  const { relevant_docs, q_emb, d_emb } = file.data;
  const pairs = Object.entries(relevant_docs);
  const tensor = (rows: readonly (number | readonly number[])[]): FixtureTensor => {
    const width = Array.isArray(rows[0]) ? (rows[0] as readonly number[]).length : 0;
    return {
      shape: width > 0 ? [rows.length, width] : [rows.length],
      values: Float32Array.from(rows.flat()),
    };
  };
  const tensors = new Map([
    ["q", tensor(pairs.map(([query]) => q_emb[query]!))],
    ["d", tensor(pairs.map(([, [document]]) => d_emb[document]!))],
    ...Object.entries(init).map(([key, rows]) => [`init.${key}`, tensor(rows)] as const),
    ...Object.entries(final).map(([key, rows]) => [`final.${key}`, tensor(rows)] as const),
  ]);
  const hidden = tensors.get("init.linear1.bias")?.shape[0];
  const config = {
    bias: name === "linear_bias",
    ...(hidden === undefined ? {} : { hidden_features: hidden, add_residual: name === "two" }),
  };
  const optimizer = { betas: [0.9, 0.999] as const, eps: 1e-8, weight_decay: 0.01, max_grad_norm: 1 };
  const sizes = { dim: 8, n: pairs.length, batch: 4, epochs: 5, scale: 20 };
  const schedule = { lr: opt.initial_lr, warmup_steps: warmup, total_steps: steps };
  return { settings: { ...sizes, ...optimizer, ...schedule, config, losses }, tensors };
}

/** Values of a small test, uniform in −1…1, equal on every run (mulberry32). */
export function randomValues(count: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), 61 | bits);
    return (((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * 2 - 1;
  });
}
