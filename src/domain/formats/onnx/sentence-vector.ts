// Pooling and normalisation inside the graph, as a second output "sentence_embedding" [B, D]:
//   cls   h[:, 0]            mean  Σ mask·h / max(Σ mask, 1e-9)            normalise  v / max(‖v‖, 1e-12)
// last_hidden_state stays the first output, so pipelines that pool themselves go on working.
import { RetuneError } from "../../../engine/errors.ts";
import type { Pooling } from "../../models/encoder-model.ts";
import {
  bytesOf,
  DATA_TYPE,
  draftNode,
  valueInfo,
  type DraftNode,
  type DraftTensor,
  type OnnxDraft,
} from "./onnx-draft.ts";
import { ProtoMessage } from "./protobuf.ts";

export const SENTENCE_VECTOR = "sentence_embedding";
const AXES_ARE_INPUTS = 18; // of ReduceL2, from this opset

/** "unsupported" where the graph has no last_hidden_state to pool. */
export function withSentenceVector(
  draft: OnnxDraft,
  pooling: Pooling,
  normalize: boolean,
  dimension: number,
): OnnxDraft {
  if (!draft.outputNames.includes("last_hidden_state")) {
    const text = `the graph's outputs are ${draft.outputNames.join(", ")}; pooling needs last_hidden_state`;
    throw new RetuneError("unsupported", `${text}. Export without pooling in the graph.`);
  }
  const pooled = pooling === "cls" ? CLS_NODES : meanNodes(draft.opset);
  const length = normalize ? normalizeNodes(draft.opset) : [plain("Identity", ["pooled"], SENTENCE_VECTOR)];
  const added = [...pooled, ...length];
  const used = new Set(added.flatMap(({ inputs }) => inputs));
  const shape = ["batch_size", dimension];
  const output = new ProtoMessage().message(12, valueInfo(SENTENCE_VECTOR, DATA_TYPE.float, shape));
  return {
    ...draft,
    nodes: [...draft.nodes, ...added],
    tensors: new Map([...draft.tensors, ...CONSTANTS.filter(([name]) => used.has(name))]),
    graphFields: [...draft.graphFields, output.finish()],
    outputNames: [...draft.outputNames, SENTENCE_VECTOR],
  };
}

const CONSTANTS: readonly (readonly [string, DraftTensor])[] = [
  ["pool_first", integers([], 0)],
  ["pool_axis", integers([1], 1)],
  ["pool_row", integers([3], 0, 1, -1)],
  ["pool_column", integers([2], 0, -1)],
  ["pool_tiny", floats(1e-9)],
  ["pool_epsilon", floats(1e-12)],
];

const CLS_NODES: readonly DraftNode[] = [
  plain("Gather", ["last_hidden_state", "pool_first"], "pooled", { axis: 1 }),
];

/** Sums by a product [B, 1, T] · [B, T, D]: no operator whose form depends on the opset but the count's. */
function meanNodes(opset: number): readonly DraftNode[] {
  return [
    plain("Cast", ["attention_mask"], "pool_mask", { to: DATA_TYPE.float }),
    plain("Reshape", ["pool_mask", "pool_row"], "pool_mask_row"),
    plain("MatMul", ["pool_mask_row", "last_hidden_state"], "pool_sums"),
    plain("Reshape", ["pool_sums", "pool_column"], "pool_sum"),
    reduced("ReduceL1", "pool_mask", "pool_count", opset),
    plain("Max", ["pool_count", "pool_tiny"], "pool_divisor"),
    plain("Div", ["pool_sum", "pool_divisor"], "pooled"),
  ];
}

function normalizeNodes(opset: number): readonly DraftNode[] {
  return [
    reduced("ReduceL2", "pooled", "pool_norm", opset),
    plain("Max", ["pool_norm", "pool_epsilon"], "pool_length"),
    plain("Div", ["pooled", "pool_length"], SENTENCE_VECTOR),
  ];
}

function reduced(operation: string, input: string, output: string, opset: number): DraftNode {
  return opset >= AXES_ARE_INPUTS
    ? plain(operation, [input, "pool_axis"], output, { keepdims: 1 })
    : plain(operation, [input], output, { axes: [1], keepdims: 1 });
}

function plain(
  operation: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
): DraftNode {
  return draftNode(operation, `/sentence/${output}`, inputs, [output], attributes);
}

function integers(shape: readonly number[], ...values: readonly number[]): DraftTensor {
  return { kind: "data", type: DATA_TYPE.int64, shape, bytes: bytesOf(BigInt64Array.from(values, BigInt)) };
}

function floats(value: number): DraftTensor {
  return { kind: "data", type: DATA_TYPE.float, shape: [], bytes: bytesOf(Float32Array.of(value)) };
}
