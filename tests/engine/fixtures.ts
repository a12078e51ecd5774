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
  readonly grad_norms_before_clip: readonly number[];
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
