/** What binding a launch to kernels needs of the machine. Addresses are bytes. */
import type { StoredType } from "../graph.ts";
import type { BufferId } from "../plan.ts";
import type { Kernels, PartCall } from "../wasm/kernels.ts";
import type { CpuMemory } from "./cpu-memory.ts";

export interface CpuBinding {
  readonly kernels: Kernels;
  readonly memory: CpuMemory;
  readonly address: (buffer: BufferId) => number;
  /** The calls of a launch as a function of every step; on several threads where there are several calls. */
  compute(calls: readonly PartCall[]): () => void;
  /** At least `bytes` of workspace for each thread from now on. */
  reserve(bytes: number): void;
  /** Memory for words that stay, freed with the executable. */
  keep(words: Uint32Array): number;
}

/** How kernels call what a matrix is stored in (assembly/stored.ts). */
export const STORED_CODES: Readonly<Record<StoredType, number>> = { f16: 1, q8: 2, q4: 3 };

export const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/** The address of a buffer that may be absent: then 0. */
export function optionalAddress({ address }: CpuBinding, buffer: BufferId | undefined): number {
  return buffer === undefined ? 0 : address(buffer);
}
