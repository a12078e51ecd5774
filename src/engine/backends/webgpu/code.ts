import type { BufferId } from "../../plan.ts";
import type { KernelName } from "./kernel-table.ts";
import type { TileChoice } from "./tiles.ts";

/** What a dispatch binds: a buffer, a part of one, scratch, a constant table, or nothing: a spare buffer. */
export type Binding = BufferId | Region | Scratch | Float32Array | undefined;

/** Elements of a buffer from `from`, a multiple of ALIGNMENT. Negative or long where it reaches over its storage. */
export interface Region {
  readonly buffer: BufferId;
  readonly from: number;
  readonly elements: number;
}

/** Space in which the dispatches of one launch hand results on; an executable has one, which all launches use in turn. */
export interface Scratch {
  readonly scratch: number; // elements
}

/** A launch as WebGPU takes it. Bindings follow the uniform at binding 0, in order. */
export interface LaunchCode {
  readonly kernel: KernelName;
  readonly constants: Readonly<Record<string, number>>;
  readonly settings: ArrayBuffer; // the uniform at binding 0
  readonly bindings: readonly Binding[];
  readonly groups: readonly [number, number, number?];
  readonly flops: number;
}

export interface CodeOptions {
  readonly tiles: TileChoice;
  readonly software: boolean;
  readonly bindingBytes: number; // of one binding at most: what is larger goes in pieces
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

/** Such a uniform with floats at some of its places. */
export function withFloats(
  words: ArrayBuffer,
  floats: readonly (readonly [place: number, value: number])[],
): ArrayBuffer {
  const view = new DataView(words);
  for (const [place, value] of floats) view.setFloat32(place * 4, value, true);
  return words;
}

/** Cuts `elements` into pieces of whole `unit`s that fit a binding: [first element, elements]. */
export function piecesOf(elements: number, unit: number, { bindingBytes }: CodeOptions): [number, number][] {
  const most = Math.max(1, Math.floor(bindingBytes / 4 / unit)) * unit;
  const pieces = Array.from({ length: Math.ceil(elements / most) }, (_, index) => index * most);
  return pieces.map((from) => [from, Math.min(most, elements - from)]);
}

/** Workgroups of 64 threads. */
export function groupsFor(threads: number): number {
  return Math.max(1, Math.min(MOST_GROUPS, Math.ceil(threads / THREADS)));
}

/** The largest f32: Infinity has no place in WGSL. */
export const LARGEST = 3.4028234663852886e38;
