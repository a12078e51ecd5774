import type { Backend } from "../../../engine/backend.ts";
import type { DType } from "../../../engine/graph.ts";
import { ELEMENT_BYTES } from "../../../engine/plan.ts";
import { storedStride } from "../../../engine/stored.ts";
import type { LlamaConfig } from "./config.ts";
import { EMBEDDINGS, HEAD } from "./names.ts";

/**
 * How matrices of a base that does not train are kept on a device: floats, halves, or blocks of 32 in 8.5 or 4.5 bits a value
 * (src/engine/stored.ts). Sums stay f32 and gradients flow through to what trains.
 */
export type FrozenKind = "f32" | "f16" | "q8" | "q4";

export const FROZEN_KINDS: readonly FrozenKind[] = ["f32", "f16", "q8", "q4"];

/** What was asked for, or halves where the device gains by them. */
export function frozenKindOn({ halfStorage }: Pick<Backend, "halfStorage">, asked?: FrozenKind): FrozenKind {
  return asked ?? (halfStorage ? "f16" : "f32");
}

/** What a tensor that does not train is kept in. Tables of the vocabulary keep 8 bits: what is rounded there, every token sees. */
export function frozenTypeOf(name: string, shape: readonly number[], frozen: FrozenKind): DType {
  if (shape.length < 2) return "f32";
  return frozen === "q4" && isTable(name) ? "q8" : frozen;
}

/** Is this the embeddings, the head, or a part of one of them? */
export function isTable(name: string): boolean {
  return name.startsWith(EMBEDDINGS) || name.startsWith(HEAD);
}

/**
 * Rows of a part of the vocabulary's tables, so that no part passes `bytes` (`Backend.bindingBytes`): all where the table does not,
 * else parts of about equal size, each with a row of zeros more (vocabulary.ts).
 */
export function vocabularyRowsWithin(config: LlamaConfig, type: DType, bytes: number): number {
  const { vocabSize, hiddenSize } = config;
  const most = Math.floor((bytes - ROUNDING) / (storedStride(type, hiddenSize) * ELEMENT_BYTES[type]));
  if (vocabSize <= most) return vocabSize;
  return Math.ceil(vocabSize / Math.ceil(vocabSize / Math.max(1, most - 1)));
}

const ROUNDING = 512; // bytes by which sizes of buffers are rounded up
