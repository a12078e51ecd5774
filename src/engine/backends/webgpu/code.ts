import type { BufferId } from "../../plan.ts";
import type { KernelName } from "./kernel-table.ts";
import type { TileChoice } from "./tiles.ts";

/** A buffer, the whole storage that a buffer lies in, a constant table, or nothing: a spare buffer. */
export type Binding = BufferId | { readonly storageOf: BufferId } | Float32Array | undefined;

/** A launch as WebGPU takes it. Bindings follow the uniform at binding 0, in order. */
export interface LaunchCode {
  readonly kernel: KernelName;
  readonly constants: Readonly<Record<string, number>>;
  readonly settings: ArrayBuffer; // the uniform at binding 0
  readonly bindings: readonly Binding[];
  readonly groups: readonly [number, number];
  readonly flops: number;
}

export interface CodeOptions {
  readonly tiles: TileChoice;
  readonly software: boolean;
}

const THREADS = 64;
/** Workgroups in one dimension that WebGPU guarantees; kernels stride over their grid. */
export const MOST_GROUPS = 65_535;
/** "Not there", for kernels: an element of the log. */
export const NOWHERE = 0xffffffff;

/** Lanes of the row kernels: one SIMD group on a software adapter, where barriers between groups are dear. */
export function lanesOf({ software }: CodeOptions): number {
  return software ? 4 : 64;
}

/** A uniform of 32-bit integers, rounded up to 16 bytes. */
export function integers(values: readonly number[]): ArrayBuffer {
  const words = new Uint32Array(Math.ceil(values.length / 4) * 4);
  words.set(values);
  return words.buffer;
}

/** Workgroups of 64 threads. */
export function groupsFor(threads: number): number {
  return Math.max(1, Math.min(MOST_GROUPS, Math.ceil(threads / THREADS)));
}

/** The largest f32: Infinity has no place in WGSL. */
export const LARGEST = 3.4028234663852886e38;
