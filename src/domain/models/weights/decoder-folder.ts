import type { StoredType } from "../../../engine/graph.ts";
import type { TensorData } from "../../matrix.ts";
import type { LlamaConfig } from "../llama/config.ts";

/** A decoder whose tensors are read one at a time: at most one of them is in memory. */
export interface DecoderFolder {
  readonly config: LlamaConfig;
  readonly names: readonly string[]; // in the order of `llamaShapes`
  tensor(name: string): Promise<TensorData>;
  /** Rows first ≤ row < end of a matrix (all of a vector is row 0). Where absent, `tensor` is read whole. */
  rows?(name: string, first: number, end: number): Promise<Float32Array>;
  /** A tensor in the words that store it (src/engine/stored.ts), where it is kept so; undefined where it is not. */
  words?(name: string, type: StoredType): Promise<Uint32Array | undefined>;
}
