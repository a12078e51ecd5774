/** One family: every operation to its launch, which is why this file is long. */
import { RetuneError } from "../errors.ts";
import { elementCount, isStored, matrixShape, showShape, type GraphNode, type Tensor } from "../graph.ts";
import type { BufferId, Launch, MatmulLaunch, Operand, Reduction, Step } from "../plan.ts";
import { storedStride } from "../stored.ts";
import { broadcastOf, chainOf } from "./chain.ts";
import type { GraphView } from "./graph-view.ts";
import { lowerSequence, type PartName } from "./sequence-lowering.ts";
import type { StorageDraft } from "./storage-draft.ts";

/**
 * Turns tensors into launches on demand: `bufferOf` returns the buffer that holds a tensor and appends what computes
 * it, dependencies first. What does not change between steps goes to the prologue.
 */
export class Lowering {
  readonly launches: Launch[] = [];
  readonly prologue: Launch[] = [];
  flops = 0; // of one step
  readonly #view: GraphView;
  readonly #draft: StorageDraft;
  readonly #buffers = new Map<number, BufferId>();
  readonly #destinations = new Map<number, BufferId>();
  readonly #parts = new Map<string, BufferId>(); // further results, by node and name

  constructor(view: GraphView, draft: StorageDraft) {
    this.#view = view;
    this.#draft = draft;
  }

  /** Leaves are placed by the planner before anything is lowered. */
  place(leaf: Tensor, buffer: BufferId): void {
    this.#buffers.set(leaf.id, buffer);
  }

  /** Has a tensor computed straight into a buffer; a tensor that lives elsewhere is copied there. */
  into(tensor: Tensor, buffer: BufferId): void {
    if (!this.#buffers.has(tensor.id) && !this.#view.isLeaf(tensor) && !this.#view.isStatic(tensor)) {
      this.#destinations.set(tensor.id, buffer);
      if (this.bufferOf(tensor) === buffer) return;
    }
    const { rows, columns } = matrixShape(tensor.shape);
    const source = this.#operand(tensor, tensor.shape);
    this.launches.push({ kind: "elementwise", rows, columns, source, out: buffer, steps: [] });
  }

  bufferOf(tensor: Tensor): BufferId {
    const known = this.#buffers.get(tensor.id);
    if (known !== undefined) return known;
    const buffer = this.#lower(this.#view.node(tensor));
    this.#buffers.set(tensor.id, buffer);
    return buffer;
  }

  /** A sum written at an element of a buffer: how a scalar reaches the log. Undefined parts: see Reduction. */
  reductionOf(tensor: Tensor, out: BufferId, at: number): Reduction {
    const node = this.#view.node(tensor);
    const { operation } = node;
    const plain = {
      rows: 1,
      columns: elementCount(tensor.shape),
      times: undefined,
      factor: undefined,
      root: false,
    };
    if (operation.kind === "meanLoss") {
      const rows = node.inputs[0]!;
      const columns = elementCount(rows.shape);
      return { ...plain, axis: "all", columns, source: this.bufferOf(rows), scale: 1 / columns, out, at };
    }
    if (operation.kind !== "reduce") {
      return { ...plain, axis: "all", source: this.bufferOf(tensor), scale: 1, out, at };
    }
    const { base, constant, factors } = this.#view.slide(node.inputs[0]!);
    const { source, times } = this.#view.product(base);
    return {
      axis: operation.axis,
      ...matrixShape(base.shape),
      source: this.bufferOf(source),
      times: times && this.bufferOf(times),
      factor: factors.length > 0 ? this.#productOf(factors) : undefined,
      scale: operation.scale * constant,
      root: false,
      out,
      at,
    };
  }

  /** A plain launch, for the planner's own ends. */
  append(launch: Launch): void {
    this.launches.push(launch);
  }

  #emit(node: GraphNode, launch: Launch): void {
    (this.#view.isStatic(node) ? this.prologue : this.launches).push(launch);
  }

  #lower(node: GraphNode): BufferId {
    const { rows, columns } = matrixShape(node.shape);
    switch (node.operation.kind) {
      case "constant":
        return this.#filled(node, rows, columns);
      case "reduce":
      case "meanLoss":
        return this.#reduce(node);
      case "gather":
        return this.#gather(node, rows, columns);
      case "scatter":
        return this.#scatter(node, rows, columns);
      case "l2Normalize":
      case "l2NormalizeGradient":
        return this.#unitRows(node, rows, columns);
      case "softmaxRows":
        return this.#softmaxRows(node);
      case "pick":
        return this.#pick(node);
      case "checkpoint":
        return this.bufferOf(node.inputs[0]!);
      case "globalNorm":
        throw new RetuneError(
          "unsupported",
          "globalNorm: the planner places norms before it lowers anything else",
        );
      default:
        return this.#sequence(node) ?? this.#chain(node);
    }
  }

  #sequence(node: GraphNode): BufferId | undefined {
    const lowered = lowerSequence(node, {
      bufferOf: (tensor) => this.bufferOf(tensor),
      result: (of) => this.#result(of),
      part: (of, output, elements, always) =>
        always || this.#view.isPicked(of, output) ? this.#part(of, output, elements) : undefined,
    });
    if (!lowered) return undefined;
    this.#emit(node, lowered.launch);
    this.flops += this.#view.isStatic(node) ? 0 : lowered.flops;
    return lowered.result;
  }

  /** A buffer for a further result of a node. */
  #part(node: GraphNode, output: PartName, elements: number): BufferId {
    const buffer = this.#view.isStatic(node)
      ? this.#draft.whole("derived", `${output} of ${this.#derivedName(node)}`, "f32", elements)
      : this.#draft.temporary(elements, "f32", `${output} ${node.id}`);
    this.#parts.set(partKey(node, output), buffer);
    return buffer;
  }

  /** A constant is one value; where a launch reads it as a matrix, it is written out once. */
  #filled(node: GraphNode, rows: number, columns: number): BufferId {
    const source = this.#constant(node);
    if (rows * columns === 1) return source.buffer;
    const out = this.#result(node);
    this.#emit(node, { kind: "elementwise", rows, columns, source, out, steps: [] });
    return out;
  }

  #constant({ operation }: GraphNode): Operand {
    const value = operation.kind === "constant" ? operation.value : 0;
    return { buffer: this.#draft.scalar(`constant ${value}`, value), broadcast: "scalar" };
  }

  /** A whole tensor as an operand, a constant as one value. */
  #operand(tensor: Tensor, shape: readonly number[]): Operand {
    const node = this.#view.node(tensor);
    if (node.operation.kind === "constant") return this.#constant(node);
    return { buffer: this.bufferOf(tensor), broadcast: broadcastOf(tensor, shape) };
  }

  #reduce(node: GraphNode): BufferId {
    const out = this.#result(node);
    this.#emit(node, { kind: "reduce", reductions: [this.reductionOf(node, out, 0)] });
    return out;
  }

  #unitRows(node: GraphNode, rows: number, columns: number): BufferId {
    const [first, second] = node.inputs.map((input) => this.bufferOf(input));
    const out = this.#result(node);
    const launch: Launch =
      second === undefined
        ? { kind: "rowNormalize", rows, columns, source: first!, out }
        : { kind: "rowNormalizeGradient", rows, columns, source: second, upstream: first!, out };
    this.#emit(node, launch);
    return out;
  }

  #gather(node: GraphNode, rows: number, columns: number): BufferId {
    const [table, indices] = [node.inputs[0]!, node.inputs[1]!];
    const vector = table.shape.length === 1;
    const copy = {
      table: this.bufferOf(table),
      tableRows: table.shape[0]!,
      indices: this.bufferOf(indices),
      out: this.#result(node),
      rows: vector ? columns : rows,
      columns: vector ? 1 : columns,
      dtype: table.dtype,
    };
    this.#emit(node, { kind: "gather", copies: [copy] });
    return copy.out;
  }

  #scatter(node: GraphNode, rows: number, columns: number): BufferId {
    const [source, indices] = node.inputs.map((input) => this.bufferOf(input));
    const out = this.#result(node);
    const vector = node.shape.length === 1;
    const sizes = {
      rows: elementCount(node.inputs[1]!.shape),
      tableRows: vector ? columns : rows,
      columns: vector ? 1 : columns,
    };
    this.#emit(node, { kind: "scatter", source: source!, indices: indices!, out, ...sizes });
    return out;
  }

  #chain(node: GraphNode): BufferId {
    const { base, steps } = chainOf(this.#view, node, (tensor) => this.bufferOf(tensor));
    const baseNode = this.#view.node(base);
    if (
      baseNode.operation.kind === "matmul" &&
      !this.#buffers.has(base.id) &&
      (base.id === node.id || this.#view.fuses(base, node))
    ) {
      return this.#matmul(baseNode, node, steps);
    }
    const source = this.#operand(this.#view.unrepeated(base), node.shape);
    const out = this.#result(node);
    const { rows, columns } = matrixShape(node.shape);
    this.#emit(node, { kind: "elementwise", rows, columns, source, out, steps });
    this.flops += this.#view.isStatic(node) ? 0 : rows * columns * Math.max(1, steps.length);
    return out;
  }

  #matmul(product: GraphNode, node: GraphNode, steps: readonly Step[]): BufferId {
    const { operation, shape } = product;
    if (operation.kind !== "matmul")
      throw new RetuneError("unsupported", `matmul: got a ${operation.kind} node`);
    const { transposeA, transposeB, padded } = operation;
    const [a, b] = product.inputs.map((input) => this.#view.slide(input));
    const [m, n] = [shape[0]!, shape[1]!];
    const k = transposeA ? a!.base.shape[0]! : a!.base.shape[1]!;
    const slid = this.#slidSteps(a!.constant * b!.constant, [...a!.factors, ...b!.factors]);
    const launch: MatmulLaunch = {
      kind: "matmul",
      layout: `${transposeA ? "T" : "N"}${transposeB ? "T" : "N"}`,
      ...{ m, n, k },
      a: this.bufferOf(a!.base),
      strideA: this.#strideOf(a!.base),
      b: this.bufferOf(b!.base),
      ...(isStored(b!.base.dtype) ? { typeB: b!.base.dtype } : {}),
      strideB: this.#strideOf(b!.base),
      out: padded ? this.#draft.temporary(m * padTo4(n), "f32", `scores ${product.id}`) : this.#result(node),
      strideOut: padded ? padTo4(n) : n,
      steps: [...slid, ...steps],
    };
    this.#emit(node, launch);
    this.flops += this.#view.isStatic(node) ? 0 : 2 * m * n * k;
    return launch.out;
  }

  #slidSteps(constant: number, factors: readonly Tensor[]): Step[] {
    const steps: Step[] = constant === 1 ? [] : [{ kind: "scale", factor: constant }];
    if (factors.length > 0) {
      steps.push({ kind: "multiply", operand: { buffer: this.#productOf(factors), broadcast: "scalar" } });
    }
    return steps;
  }

  /** One buffer with the product of single values. */
  #productOf(factors: readonly Tensor[]): BufferId {
    const [first, ...others] = factors.map((factor) => this.bufferOf(factor));
    if (others.length === 0) return first!;
    const out = this.#draft.temporary(1, "f32", "factor");
    const steps = others.map(
      (buffer) => ({ kind: "multiply", operand: { buffer, broadcast: "scalar" } }) as const,
    );
    this.launches.push({
      kind: "elementwise",
      rows: 1,
      columns: 1,
      source: { buffer: first!, broadcast: "scalar" },
      out,
      steps,
    });
    return out;
  }

  #softmaxRows(node: GraphNode): BufferId {
    const { operation } = node;
    if (operation.kind !== "softmaxRows")
      throw new RetuneError("unsupported", `softmaxRows: got ${operation.kind}`);
    const [logits, ...others] = node.inputs;
    const { rows, columns } = matrixShape(logits!.shape);
    const stride = this.#strideOf(logits!);
    const queries = operation.normalized ? others.shift() : undefined;
    const positives = operation.positives ? others.shift() : undefined;
    const targets = operation.targets ? others.shift() : undefined;
    const [rowGroups, columnGroups] = others;
    const beta = queries && this.#part(node, "beta", rows);
    const wanted = this.#view.isPicked(node, "coefficients") || this.#view.isPicked(node, "beta");
    const coefficients = wanted ? this.#part(node, "coefficients", rows * stride) : undefined;
    const launch: Launch = {
      kind: "softmaxRows",
      ...{ rows, columns, stride, scale: operation.scale, coefficients },
      logits: this.bufferOf(logits!),
      queries: queries && { buffer: this.bufferOf(queries), width: queries.shape[1]!, beta: beta! },
      positives: positives && { buffer: this.bufferOf(positives), perRow: positives.shape[1]! },
      targets: targets && this.bufferOf(targets),
      groups: rowGroups && { rows: this.bufferOf(rowGroups), columns: this.bufferOf(columnGroups!) },
      loss: this.#result(node),
    };
    this.#emit(node, launch);
    this.flops += rows * columns * 12;
    return launch.loss;
  }

  #pick({ operation, inputs }: GraphNode): BufferId {
    const whole = this.#view.node(inputs[0]!);
    this.bufferOf(whole);
    const output = operation.kind === "pick" ? operation.output : "beta";
    return this.#parts.get(partKey(whole, output))!;
  }

  /** Elements between the rows of a tensor: its width, except for scores and what follows their shape. */
  #strideOf(tensor: Tensor): number {
    const { operation, inputs } = this.#view.node(tensor);
    const { columns } = matrixShape(tensor.shape);
    if (operation.kind === "matmul" && operation.padded) return padTo4(columns);
    if (operation.kind === "pick" && operation.output === "coefficients")
      return this.#strideOf(this.#view.node(inputs[0]!).inputs[0]!);
    return storedStride(tensor.dtype, columns);
  }

  #result(node: GraphNode): BufferId {
    const known = this.#destinations.get(node.id);
    if (known !== undefined) return known;
    const elements = elementCount(node.shape);
    const name = `${node.operation.kind} ${node.id}`;
    if (!this.#view.isStatic(node)) return this.#draft.temporary(elements, node.dtype, name);
    return this.#draft.whole("derived", this.#derivedName(node), node.dtype, elements);
  }

  /** Equal for equal computations over equal residents, so that sharing executables share the result. */
  #derivedName(tensor: Tensor): string {
    const { operation, inputs } = this.#view.node(tensor);
    if ("name" in operation) return operation.name;
    return `${JSON.stringify(operation)} ${showShape(tensor.shape)}(${inputs.map((input) => this.#derivedName(input)).join(",")})`;
  }
}

function partKey(node: Tensor, output: PartName): string {
  return `${node.id} ${output}`;
}

function padTo4(columns: number): number {
  return Math.ceil(columns / 4) * 4;
}
