import type { DType, Graph, Tensor } from "../../../engine/graph.ts";
import { addBias } from "../../../engine/ops/elementwise.ts";
import { matmul } from "../../../engine/ops/matmul.ts";
import { gather } from "../../../engine/ops/rows.ts";
import { traceWeights } from "../bert/weights.ts";
import type { LinearWeights } from "../lora-layers.ts";
import type { LlamaConfig } from "./config.ts";
import { frozenTypeOf, vocabularyRowsWithin, type FrozenKind } from "./frozen.ts";
import { EMBEDDINGS, headName, llamaShapes } from "./names.ts";
import { tracedParts, type VocabularyParts } from "./vocabulary.ts";

/** Where a traced decoder finds its weights; LoRA wraps `linear`. */
export interface DecoderWeights extends LinearWeights {
  /** ids u32 [R] → their embeddings [R, D] */
  embed(ids: Tensor): Tensor;
  /** Makes the leaves of the head, which `logits` inside a checkpointed part must find made. */
  makeHead(): void;
  /** hidden [S, D] → logits [S, vocabulary] */
  logits(hidden: Tensor): Tensor;
}

export interface DecoderTraceOptions {
  /** How matrices that do not train are kept. Default "f32". */
  readonly frozen?: FrozenKind;
  /**
   * Tables of the vocabulary that do not train are cut into residents of at most so many rows. Default: as few parts as the device
   * can bind (`Graph.bindingBytes`); one where it has no limit.
   */
  readonly vocabularyRows?: number;
}

/**
 * Leaves for the tensors of a decoder, made when first asked for: what trains are parameters, the rest residents, matrices among
 * them in f16, q8 or q4 where asked for. `writeDecoder` finds out how they were traced. Executables that share parameters must agree on `trains` and on the options.
 */
export function traceLlama(
  graph: Graph,
  config: LlamaConfig,
  trains: (name: string) => boolean,
  options: DecoderTraceOptions = {},
): DecoderWeights {
  const shapes = llamaShapes(config);
  const { frozen = "f32" } = options;
  const typeOf = (name: string, shape: readonly number[]): DType => frozenTypeOf(name, shape, frozen);
  const leaves = traceWeights(graph, shapes, trains, { frozen: typeOf });
  const tableType = typeOf(EMBEDDINGS, shapes.get(EMBEDDINGS)!);
  const { vocabularyRows = vocabularyRowsWithin(config, tableType, graph.bindingBytes) } = options;
  const tables = new Map<string, VocabularyParts>();
  const tableOf = (name: string): VocabularyParts => {
    const known = tables.get(name);
    if (known) return known;
    const cut = vocabularyRows < config.vocabSize && !trains(name);
    const table = cut
      ? tracedParts(graph, config, name, vocabularyRows, tableType)
      : whole(leaves.tensor(name));
    tables.set(name, table);
    return table;
  };
  const linear = (name: string, x: Tensor): Tensor => {
    const product = matmul(x, leaves.tensor(`${name}.weight`), { transposeB: true });
    return shapes.has(`${name}.bias`) ? addBias(product, leaves.tensor(`${name}.bias`)) : product;
  };
  return {
    tensor: (name) => leaves.tensor(name),
    linear,
    parameters: () => leaves.parameters(),
    embed: (ids) => tableOf(EMBEDDINGS).embed(ids),
    makeHead: () => void tableOf(headName(config)),
    logits: (hidden) => tableOf(headName(config)).logits(hidden),
  };
}

function whole(table: Tensor): VocabularyParts {
  return {
    embed: (ids) => gather(table, ids),
    logits: (hidden) => matmul(hidden, table, { transposeB: true }),
  };
}
