// The embedding table and the head by rows of the vocabulary, each part a resident of its own, so that none is larger than what a
// device can bind (WebGPU guarantees 128 MiB; Qwen's table in halves has 260). A part has one row more, of zeros:
//   embed(id) = Σ over parts of part[place(id)], where place is the zero row for ids of other parts (a resident says which)
//   logits    = Σ over parts of hidden·partᵀ, placed at the part's first column; the zero row adds 0 to its neighbour
import type { DType, Graph, Tensor } from "../../../engine/graph.ts";
import { add } from "../../../engine/ops/elementwise.ts";
import { matmul } from "../../../engine/ops/matmul.ts";
import { gather } from "../../../engine/ops/rows.ts";
import { placedColumns } from "../../../engine/ops/slices.ts";
import type { LlamaConfig } from "./config.ts";

/** A table cut by rows of the vocabulary. */
export interface VocabularyParts {
  embed(ids: Tensor): Tensor;
  logits(hidden: Tensor): Tensor;
}

export interface VocabularyPart {
  readonly name: string; // of the resident that holds its rows
  readonly places: string; // of the resident that says where an id stands in it
  readonly from: number;
  readonly rows: number; // without the zero row
}

/** The parts of the table `table` ("model.embed_tokens.weight"), of at most `most` rows each. */
export function partsOf({ vocabSize }: LlamaConfig, table: string, most: number): readonly VocabularyPart[] {
  return Array.from({ length: Math.ceil(vocabSize / most) }, (_, index) => ({
    name: `${table}[${index}]`,
    places: `${table}[${index}] places`,
    from: index * most,
    rows: Math.min(most, vocabSize - index * most),
  }));
}

/** Leaves of the table in parts of at most `most` rows. */
export function tracedParts(
  graph: Graph,
  config: LlamaConfig,
  table: string,
  most: number,
  type: DType,
): VocabularyParts {
  const parts = partsOf(config, table, most).map(({ name, places, from, rows }) => ({
    from,
    weights: graph.resident(name, type, [rows + 1, config.hiddenSize]),
    places: graph.resident(places, "u32", [config.vocabSize]),
  }));
  return {
    embed: (ids) => parts.map(({ weights, places }) => gather(weights, gather(places, ids))).reduce(add),
    logits: (hidden) =>
      parts
        .map(({ weights, from }) =>
          placedColumns(matmul(hidden, weights, { transposeB: true }), config.vocabSize, from),
        )
        .reduce(add),
  };
}

/** What the residents of `tracedParts` are written with, from the whole table. */
export function partValues(
  config: LlamaConfig,
  table: string,
  values: Float32Array,
  most: number,
): ReadonlyMap<string, Float32Array | Uint32Array> {
  const { hiddenSize } = config;
  const written = new Map<string, Float32Array | Uint32Array>();
  for (const part of partsOf(config, table, most)) {
    const { name, places, from, rows } = part;
    const own = new Float32Array((rows + 1) * hiddenSize);
    own.set(values.subarray(from * hiddenSize, (from + rows) * hiddenSize));
    written.set(name, own);
    written.set(places, partPlaces(config, part));
  }
  return written;
}

/** Where each id stands in a part: the row of zeros for ids of other parts. */
export function partPlaces({ vocabSize }: LlamaConfig, { from, rows }: VocabularyPart): Uint32Array {
  const inside = (id: number): boolean => id >= from && id < from + rows;
  return Uint32Array.from({ length: vocabSize }, (_, id) => (inside(id) ? id - from : rows));
}
