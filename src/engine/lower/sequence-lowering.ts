import {
  elementCount,
  matrixShape,
  type AttentionOperation,
  type GraphNode,
  type LayerNormOperation,
  type Tensor,
} from "../graph.ts";
import type { BufferId, Launch } from "../plan.ts";
import type { AttentionReads } from "../plan-sequence.ts";

/** What lowering an operation of sequence models needs of the whole. */
export interface SequenceLowering {
  bufferOf(tensor: Tensor): BufferId;
  /** Where the node's own result goes. */
  result(node: GraphNode): BufferId;
  /** A further result of a node, which a pick of that name reads; undefined where none does and `always` is not said. */
  part(node: GraphNode, output: PartName, elements: number, always?: "always"): BufferId | undefined;
}

export type PartName = Extract<GraphNode["operation"], { kind: "pick" }>["output"];

/** A launch with what it costs and the buffer of its result. */
export interface Lowered {
  readonly launch: Launch;
  readonly result: BufferId;
  readonly flops: number;
}

/** The launch of an operation of sequence models; undefined for any other. */
export function lowerSequence(node: GraphNode, lowering: SequenceLowering): Lowered | undefined {
  const { operation } = node;
  switch (operation.kind) {
    case "layerNorm":
    case "layerNormGradient":
    case "layerNormGamma":
      return layerNormOf(node, operation, lowering);
    case "rotary":
      return rotaryOf(node, operation, lowering);
    case "attention":
      return attentionOf(node, operation, lowering);
    case "attentionGradient":
      return attentionGradientOf(node, operation, lowering);
    case "storeRows":
      return storeRowsOf(node, lowering);
    case "cachedAttention":
      return cachedAttentionOf(node, operation, lowering);
    case "segmentMean":
    case "segmentMeanGradient":
      return segmentsOf(node, lowering);
    case "block":
      return blockOf(node, operation, lowering);
    default:
      return undefined;
  }
}

type RotaryOperation = Extract<GraphNode["operation"], { kind: "rotary" }>;
type CachedAttentionOperation = Extract<GraphNode["operation"], { kind: "cachedAttention" }>;
type BlockOperation = Extract<GraphNode["operation"], { kind: "block" }>;

function layerNormOf(
  node: GraphNode,
  { kind, epsilon, centred }: LayerNormOperation,
  lowering: SequenceLowering,
): Lowered {
  const matrix = node.inputs[kind === "layerNorm" ? 0 : 1]!;
  const gamma = kind === "layerNormGamma" ? node : node.inputs[kind === "layerNorm" ? 1 : 2]!;
  const columns = gamma.shape[0]!;
  const sizes = { rows: elementCount(matrix.shape) / columns, columns, epsilon, centred };
  const flops = sizes.rows * sizes.columns * 8;
  const [first, second, third] = node.inputs.map((input) => lowering.bufferOf(input));
  const out = lowering.result(node);
  if (kind === "layerNorm") {
    const launch = { kind, ...sizes, source: first!, gamma: second!, beta: third, out } as const;
    return { launch, result: out, flops };
  }
  const upstream = { source: second!, upstream: first!, out };
  if (kind === "layerNormGamma") return { launch: { kind, ...sizes, ...upstream }, result: out, flops };
  return { launch: { kind, ...sizes, ...upstream, gamma: third! }, result: out, flops };
}

function rotaryOf(node: GraphNode, { heads, turn }: RotaryOperation, lowering: SequenceLowering): Lowered {
  const { rows, columns } = matrixShape(node.shape);
  const [source, positions, table] = node.inputs.map((input) => lowering.bufferOf(input));
  const out = lowering.result(node);
  const sizes = { rows, heads, headSize: columns / heads, turn, tableRows: node.inputs[2]!.shape[0]! };
  const buffers = { source: source!, positions: positions!, table: table!, out };
  return { launch: { kind: "rotary", ...sizes, ...buffers }, result: out, flops: rows * columns * 3 };
}

function attentionOf(node: GraphNode, operation: AttentionOperation, lowering: SequenceLowering): Lowered {
  const reads = readsOf(operation, node.inputs, lowering);
  const result = lowering.result(node);
  const logSumExp = lowering.part(node, "logSumExp", reads.heads * reads.rows);
  const launch = { kind: "attention", ...reads, out: result, logSumExp } as const;
  return { launch, result, flops: pairsOf(reads) * 4 };
}

function attentionGradientOf(
  node: GraphNode,
  operation: AttentionOperation,
  lowering: SequenceLowering,
): Lowered {
  const [upstream, out, logSumExp] = node.inputs.slice(0, 3).map((input) => lowering.bufferOf(input));
  const reads = readsOf(operation, node.inputs.slice(3), lowering);
  const elements = reads.rows * reads.keyHeads * reads.headSize;
  const [dKeys, dValues] = (["dKeys", "dValues"] as const).map((output) =>
    lowering.part(node, output, elements, "always"),
  );
  const result = lowering.result(node);
  const results = { dQueries: result, dKeys: dKeys!, dValues: dValues! };
  const saved = { out: out!, logSumExp: logSumExp!, upstream: upstream! };
  return {
    launch: { kind: "attentionGradient", ...reads, ...saved, ...results },
    result,
    flops: pairsOf(reads) * 10,
  };
}

function readsOf(
  { heads, keyHeads, causal, longest, rate, seed }: AttentionOperation,
  inputs: readonly Tensor[],
  lowering: SequenceLowering,
): AttentionReads {
  const { rows, columns } = matrixShape(inputs[0]!.shape);
  const [queries, keys, values, ranges, counter] = inputs.map((input) => lowering.bufferOf(input));
  const headSize = columns / heads;
  return {
    ...{ rows, heads, keyHeads, headSize, causal },
    ...{ longest: Math.min(longest, rows), scale: 1 / Math.sqrt(headSize) },
    ...{ queries: queries!, keys: keys!, values: values!, ranges: ranges! },
    dropout: counter === undefined ? undefined : { rate, seed, counter },
  };
}

/** Multiplications of one product of all pairs of rows that can meet. */
function pairsOf({ rows, longest, heads, headSize }: AttentionReads): number {
  return rows * longest * heads * headSize;
}

/** The result is the state itself. */
function storeRowsOf(node: GraphNode, lowering: SequenceLowering): Lowered {
  const [store, source, places] = node.inputs.map((input) => lowering.bufferOf(input));
  const { rows: storeRows, columns } = matrixShape(node.shape);
  const sizes = { rows: node.inputs[1]!.shape[0]!, columns, storeRows };
  const buffers = { source: source!, places: places!, store: store! };
  return { launch: { kind: "storeRows", ...sizes, ...buffers }, result: store!, flops: 0 };
}

function cachedAttentionOf(
  node: GraphNode,
  { kind, heads, keyHeads }: CachedAttentionOperation,
  lowering: SequenceLowering,
): Lowered {
  const { rows, columns } = matrixShape(node.shape);
  const [queries, keys, values, ranges] = node.inputs.map((input) => lowering.bufferOf(input));
  const out = lowering.result(node);
  const headSize = columns / heads;
  const cached = node.inputs[1]!.shape[0]!;
  const sizes = { rows, heads, keyHeads, headSize, cached, scale: 1 / Math.sqrt(headSize) };
  const reads = { queries: queries!, keys: keys!, values: values!, ranges: ranges! };
  return { launch: { kind, ...sizes, ...reads, out }, result: out, flops: rows * cached * columns * 4 };
}

function segmentsOf(node: GraphNode, lowering: SequenceLowering): Lowered {
  const [matrix, spans] = [node.inputs[0]!, node.inputs[1]!];
  const { rows, columns } = matrixShape(node.shape);
  const [source, spanned] = [lowering.bufferOf(matrix), lowering.bufferOf(spans)];
  const out = lowering.result(node);
  const plain = { columns, spans: spanned, out, segments: spans.shape[0]! };
  const launch: Launch =
    node.operation.kind === "segmentMean"
      ? { kind: "segmentMean", ...plain, source }
      : { kind: "segmentMeanGradient", ...plain, rows, upstream: source };
  return { launch, result: out, flops: rows * columns };
}

function blockOf(
  node: GraphNode,
  { rowOffset, columnOffset }: BlockOperation,
  lowering: SequenceLowering,
): Lowered {
  const matrix = node.inputs[0]!;
  const { rows: sourceRows, columns: sourceColumns } = matrixShape(matrix.shape);
  const source = lowering.bufferOf(matrix);
  const out = lowering.result(node);
  const sizes = { ...matrixShape(node.shape), sourceRows, sourceColumns, rowOffset, columnOffset };
  return { launch: { kind: "block", ...sizes, source, out }, result: out, flops: 0 };
}
