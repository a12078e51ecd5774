import { elementCount, matrixShape, showShape, type Graph, type GraphNode, type Tensor } from "../graph.ts";

/** A tensor without the single-valued factors that a linear launch applies to its result instead. */
export interface Slid {
  readonly base: Tensor;
  readonly constant: number;
  readonly factors: readonly Tensor[]; // each of one element
}

const LEAVES = new Set(["input", "scalar", "resident", "parameter", "state", "accumulator", "constant"]);
const CHAINED = new Set([
  "matmul",
  "binary",
  "scale",
  "activation",
  "activationGradient",
  "dropout",
  "clip",
  "subtractScaledRows",
  "broadcast",
]);

/**
 * The graph as the lowering reads it: which tensors a node's launch really takes (factors slid out, products folded
 * into sums, repeated operands taken unrepeated), and how often each is used from the roots.
 */
export class GraphView {
  readonly graph: Graph;
  readonly #nodes: readonly GraphNode[]; // whose inputs are what checkpoints stand for
  readonly #uses = new Map<number, number>();
  readonly #static: boolean[] = [];
  readonly #picked = new Set<string>(); // node and output of every pick that is used

  constructor(graph: Graph, roots: readonly Tensor[]) {
    this.graph = graph;
    this.#nodes = graph.nodes.map((node) => this.#withoutCheckpoints(node));
    for (const node of graph.nodes) this.#static.push(this.#isStatic(node));
    for (const root of roots) this.#use(root);
  }

  node(tensor: Tensor): GraphNode {
    return this.#nodes[tensor.id]!;
  }

  isLeaf(tensor: Tensor): boolean {
    return LEAVES.has(this.node(tensor).operation.kind);
  }

  /** True for what depends on residents and constants alone: it is computed once, not at every step. */
  isStatic(tensor: Tensor): boolean {
    return this.#static[tensor.id]!;
  }

  isUsed(tensor: Tensor): boolean {
    return this.#uses.has(tensor.id);
  }

  /** Does anything read this further result of a node? */
  isPicked(node: Tensor, output: string): boolean {
    return this.#picked.has(`${node.id} ${output}`);
  }

  /** May `value` be computed inside the launch of its only reader, whose result has the shape of `reader`? */
  fuses(value: Tensor, reader: Tensor): boolean {
    const { operation } = this.node(value);
    if (!CHAINED.has(operation.kind) || this.#uses.get(value.id) !== 1) return false;
    if (operation.kind === "matmul" && operation.padded) return false;
    if (this.isStatic(value) && !this.isStatic(reader)) return false;
    return (
      showShape(Object.values(matrixShape(value.shape))) ===
      showShape(Object.values(matrixShape(reader.shape)))
    );
  }

  /** Strips factors of one value: matmul and sums are linear in them. */
  slide(tensor: Tensor): Slid {
    const { operation, inputs } = this.node(tensor);
    if (this.isStatic(tensor)) return { base: tensor, constant: 1, factors: [] };
    if (operation.kind === "scale") {
      const inner = this.slide(inputs[0]!);
      return { ...inner, constant: inner.constant * operation.factor };
    }
    const [value, factor] = inputs;
    const single =
      operation.kind === "binary" && operation.operator === "multiply" && elementCount(factor!.shape) === 1;
    if (!single || elementCount(tensor.shape) === 1) return { base: tensor, constant: 1, factors: [] };
    const inner = this.slide(value!);
    return { ...inner, factors: [...inner.factors, factor!] };
  }

  /** The two sides of a product that a sum can take as it reads, or the tensor itself. */
  product(tensor: Tensor): { readonly source: Tensor; readonly times: Tensor | undefined } {
    const { operation, inputs } = this.node(tensor);
    const [a, b] = inputs;
    const full =
      operation.kind === "binary" &&
      operation.operator === "multiply" &&
      showShape(a!.shape) === showShape(b!.shape);
    return full ? { source: a!, times: b! } : { source: tensor, times: undefined };
  }

  /** An operand without its repetition: `broadcast` costs nothing where a step repeats by itself. */
  unrepeated(tensor: Tensor): Tensor {
    const { operation, inputs } = this.node(tensor);
    return operation.kind === "broadcast" ? inputs[0]! : tensor;
  }

  #withoutCheckpoints(node: GraphNode): GraphNode {
    if (!node.inputs.some((input) => isCheckpoint(this.graph, input))) return node;
    return { ...node, inputs: node.inputs.map((input) => this.#original(input)) };
  }

  #original(tensor: Tensor): Tensor {
    return isCheckpoint(this.graph, tensor) ? this.#original(this.graph.node(tensor).inputs[0]!) : tensor;
  }

  /** What the launch of a node reads. */
  #sources(node: GraphNode): readonly Tensor[] {
    const { kind } = node.operation;
    if (kind === "matmul") {
      return node.inputs.map((input) => this.slide(input)).flatMap(({ base, factors }) => [base, ...factors]);
    }
    if (kind === "reduce") {
      const { base, factors } = this.slide(node.inputs[0]!);
      const { source, times } = this.product(base);
      return [source, ...(times ? [times] : []), ...factors];
    }
    if (kind === "meanLoss" || kind === "checkpoint") return [node.inputs[0]!];
    if (kind === "binary") return node.inputs.map((input) => this.unrepeated(input));
    return node.inputs;
  }

  #use(root: Tensor): void {
    const uses = this.#uses.get(root.id) ?? 0;
    this.#uses.set(root.id, uses + 1);
    if (uses > 0) return;
    const node = this.node(root);
    if (node.operation.kind === "pick") this.#picked.add(`${node.inputs[0]!.id} ${node.operation.output}`);
    for (const source of this.#sources(node)) this.#use(source);
  }

  #isStatic(node: GraphNode): boolean {
    if (node.operation.kind === "resident" || node.operation.kind === "constant") return true;
    return node.inputs.length > 0 && node.inputs.every((input) => this.#static[input.id]);
  }
}

function isCheckpoint(graph: Graph, tensor: Tensor): boolean {
  return graph.node(tensor).operation.kind === "checkpoint";
}
