import { RetuneError } from "../errors.ts";
import { elementCount, type Graph, type GraphNode, type Tensor } from "../graph.ts";
import type { Updates } from "../optim/adamw.ts";
import type { AdamWLaunch, BufferId, NamedBuffer, ParameterLayout, Plan } from "../plan.ts";
import type { StepResults } from "../step-results.ts";
import { checkNorms, layoutOf, maxNormOf, nameOf, oneAfterTheOther, scalarOf, unclipped } from "./arena.ts";
import { GraphView } from "./graph-view.ts";
import { Lowering } from "./lowering.ts";
import { mergeLaunches } from "./merge.ts";
import { assignSlots } from "./slots.ts";
import { aligned, StorageDraft } from "./storage-draft.ts";

const PARTIALS = 64; // at most: every thread of the optimizer sums them
const SMALLEST_CHUNK = 16_384;
const SKIPPED = 1; // log[0] is the skipped flag

type Group = Record<string, NamedBuffer>;

/**
 * Lowers a traced step to launches over buffers.
 * @param layout where the parameters of an executable lie that this one shares with
 */
export function planGraph(graph: Graph, results: StepResults, layout?: ParameterLayout): Plan {
  return new Planner(graph, results, layout).plan();
}

/** One planning, from top to bottom: leaves, gradients, outputs, log, optimizer, then merging and slots. */
class Planner {
  readonly #graph: Graph;
  readonly #results: StepResults;
  readonly #layout: ParameterLayout;
  readonly #draft = new StorageDraft();
  readonly #view: GraphView;
  readonly #lowering: Lowering;
  readonly #groups = {
    feeds: {} as Group,
    residents: {} as Group,
    parameters: {} as Group,
    states: {} as Group,
  };
  readonly #outputs: Group = {};
  readonly #norms = new Map<number, BufferId>(); // partial sums of squares by globalNorm node

  constructor(graph: Graph, results: StepResults, layout: ParameterLayout | undefined) {
    const { outputs = {}, log = {}, updates } = results;
    const logged = Object.values(log).map((tensor) => scalarOf(graph, tensor));
    const gradients = updates?.entries.map(({ gradient }) => unclipped(graph, gradient)) ?? [];
    const norms = graph.nodes
      .filter(({ operation }) => operation.kind === "globalNorm")
      .flatMap(({ inputs }) => inputs);
    const roots = [...gradients, ...norms, ...logged, ...Object.values(outputs)];
    if (roots.length === 0) {
      throw new RetuneError(
        "shape",
        "compile: the step gives no outputs, log or updates; return at least one",
      );
    }
    this.#graph = graph;
    this.#results = results;
    this.#layout = layoutOf(graph, layout);
    this.#view = new GraphView(graph, roots);
    this.#lowering = new Lowering(this.#view, this.#draft);
  }

  plan(): Plan {
    this.#placeLeaves();
    const arena = this.#placeGradients();
    for (const [name, tensor] of Object.entries(this.#results.outputs ?? {})) this.#output(name, tensor);
    const log = this.#draft.whole("log", "log", "f32", SKIPPED + this.#logNames().length);
    const optimizer = this.#results.updates && this.#optimizer(this.#results.updates, arena!, log);
    if (!optimizer) this.#reduceToLog(this.#logNames(), log);
    const launches = mergeLaunches(this.#lowering.launches, this.#draft);
    if (optimizer) launches.push(optimizer);
    assignSlots(launches, this.#draft);
    return this.#finished(launches, optimizer, log);
  }

  #finished(launches: Plan["launches"], optimizer: AdamWLaunch | undefined, log: BufferId): Plan {
    const { storages } = this.#draft;
    return {
      storages,
      buffers: this.#draft.finished(),
      layout: this.#layout,
      prologue: this.#lowering.prologue,
      launches,
      ...this.#groups,
      outputs: this.#outputs,
      constants: this.#draft.constants(),
      optimizer: optimizer && { betas: optimizer.betas, corrections: optimizer.corrections },
      log: { buffer: log, names: this.#logNames() },
      flops: this.#lowering.flops + (optimizer ? optimizer.elements * 14 : 0),
      peakBytes: storages.reduce((sum, { elements }) => sum + elements * 4, 0),
      parameterBytes: this.#layout.elements * 4,
    };
  }

  #placeLeaves(): void {
    const { elements, parameters } = this.#layout;
    const arena = elements > 0 ? this.#draft.storage("parameters", "parameters", "f32", elements) : -1;
    for (const node of this.#graph.nodes) {
      const { operation } = node;
      if (!("name" in operation)) continue;
      const { name } = operation;
      const size = elementCount(node.shape);
      const group = GROUP_OF[operation.kind];
      const buffer =
        operation.kind === "scalar"
          ? this.#draft.scalar(name)
          : operation.kind === "parameter"
            ? this.#draft.region(arena, parameters[name]!.offset, size, name)
            : this.#draft.whole(operation.kind, name, node.dtype, size);
      this.#groups[group][name] = { buffer, shape: node.shape, dtype: node.dtype };
      this.#lowering.place(node, buffer);
    }
  }

  /** Gradients that a norm or the optimizer takes lie one after the other, as the parameters do. */
  #placeGradients(): BufferId | undefined {
    const norms = this.#graph.nodes.filter(({ operation }) => operation.kind === "globalNorm");
    const { updates } = this.#results;
    const wanted = updates
      ? updates.entries.map(({ gradient, parameter }) => ({
          tensor: unclipped(this.#graph, gradient),
          offset: this.#layout.parameters[nameOf(this.#graph, parameter)]!.offset,
        }))
      : oneAfterTheOther(norms[0]?.inputs ?? []);
    if (wanted.length === 0) return undefined;
    checkNorms(
      norms,
      wanted.map(({ tensor }) => tensor),
    );
    const last = wanted.map(({ tensor, offset }) => offset + aligned(elementCount(tensor.shape)));
    const elements = updates ? this.#layout.elements : Math.max(...last);
    const storage = this.#draft.storage("gradients", "gradients", "f32", elements);
    // by age: what the backward pass made first has its inputs in memory first, and frees them first
    for (const { tensor, offset } of wanted.toSorted((a, b) => a.tensor.id - b.tensor.id)) {
      const buffer = this.#draft.region(storage, offset, elementCount(tensor.shape), `gradient ${tensor.id}`);
      this.#lowering.into(tensor, buffer);
    }
    const arena = this.#draft.region(storage, 0, elements, "gradients");
    const partials = this.#sumSquares(arena, elements);
    for (const norm of norms) this.#norms.set(norm.id, partials);
    this.#materializeNorms(norms, partials);
    this.#norms.set(-1, partials);
    return arena;
  }

  #sumSquares(source: BufferId, elements: number): BufferId {
    const chunk = Math.max(SMALLEST_CHUNK, aligned(Math.ceil(elements / PARTIALS)));
    const count = Math.ceil(elements / chunk);
    const partials = this.#draft.temporary(count, "f32", "partial sums of squares");
    this.#lowering.append({ kind: "sumSquares", source, elements, chunk, count, partials });
    return partials;
  }

  /** A norm that something other than the optimizer's log reads becomes a value of its own. */
  #materializeNorms(norms: readonly GraphNode[], partials: BufferId): void {
    for (const norm of norms) {
      const read = this.#graph.nodes.some(
        (node) => node.inputs[0] !== norm && node.inputs[1] === norm && this.#view.isUsed(node),
      );
      const logged = Object.values(this.#results.log ?? {}).some((tensor) => tensor.id === norm.id);
      const output = Object.values(this.#results.outputs ?? {}).some((tensor) => tensor.id === norm.id);
      if (!read && !output && (!logged || this.#results.updates)) continue;
      const out = this.#draft.temporary(1, "f32", "norm");
      const columns = this.#draft.bufferSize(partials).elements;
      const sum = {
        axis: "all",
        rows: 1,
        columns,
        source: partials,
        times: undefined,
        factor: undefined,
      } as const;
      this.#lowering.append({ kind: "reduce", reductions: [{ ...sum, scale: 1, root: true, out, at: 0 }] });
      this.#lowering.place(norm, out);
    }
  }

  #output(name: string, tensor: Tensor): void {
    const { operation } = this.#graph.node(tensor);
    const elements = elementCount(tensor.shape);
    if (operation.kind === "parameter" || operation.kind === "state") {
      this.#outputs[name] = {
        buffer: this.#lowering.bufferOf(tensor),
        shape: tensor.shape,
        dtype: tensor.dtype,
      };
      return;
    }
    const buffer = this.#draft.whole("output", `output ${name}`, tensor.dtype, elements);
    this.#lowering.into(tensor, buffer);
    this.#outputs[name] = { buffer, shape: tensor.shape, dtype: tensor.dtype };
  }

  #logNames(): readonly string[] {
    return Object.keys(this.#results.log ?? {});
  }

  #reduceToLog(names: readonly string[], log: BufferId): void {
    for (const name of names) {
      const at = SKIPPED + this.#logNames().indexOf(name);
      const reduction = this.#lowering.reductionOf(this.#results.log![name]!, log, at);
      this.#lowering.append({ kind: "reduce", reductions: [reduction] });
    }
  }

  /** The optimizer's launch also writes the two log values that every training has: the norm and a mean loss. */
  #optimizer(updates: Updates, gradients: BufferId, log: BufferId): AdamWLaunch {
    const names = this.#logNames();
    const tensorOf = (name: string): GraphNode => this.#graph.node(this.#results.log![name]!);
    const norm = names.find((name) => tensorOf(name).operation.kind === "globalNorm");
    const loss = names.find((name) => tensorOf(name).operation.kind === "meanLoss");
    this.#reduceToLog(
      names.filter((name) => name !== norm && name !== loss),
      log,
    );
    const lossRows = loss === undefined ? undefined : tensorOf(loss).inputs[0]!;
    const count = lossRows ? elementCount(lossRows.shape) : 1;
    const { betas, epsilon } = updates;
    const partials = this.#norms.get(-1)!;
    return {
      kind: "adamw",
      ...{ gradients, betas, epsilon, partials, log, elements: this.#layout.elements },
      weights: this.#draft.region(this.#storageNamed("parameters"), 0, this.#layout.elements, "parameters"),
      moments: this.#placeMoments(updates),
      segments: this.#segments(updates),
      learningRate: this.#lowering.bufferOf(updates.learningRate),
      corrections: [this.#draft.scalar("correction 1"), this.#draft.scalar("correction 2")],
      partialCount: this.#draft.bufferSize(partials).elements,
      maxNorm: maxNormOf(this.#graph, updates),
      normAt: norm === undefined ? undefined : SKIPPED + names.indexOf(norm),
      loss: lossRows && {
        rows: this.#lowering.bufferOf(lossRows),
        count,
        scale: 1 / count,
        at: SKIPPED + names.indexOf(loss!),
      },
    };
  }

  #placeMoments(updates: Updates): BufferId {
    const { elements, parameters } = this.#layout;
    const storage = this.#draft.storage("moments", "moments", "f32", 2 * elements);
    for (const { parameter } of updates.entries) {
      const name = nameOf(this.#graph, parameter);
      const { offset, shape } = parameters[name]!;
      for (const [suffix, base] of [
        ["m", 0],
        ["v", elements],
      ] as const) {
        const buffer = this.#draft.region(storage, base + offset, elementCount(shape), `${name}.${suffix}`);
        this.#groups.states[`${name}.${suffix}`] = { buffer, shape, dtype: "f32" };
      }
    }
    return this.#draft.region(storage, 0, 2 * elements, "moments");
  }

  #segments(updates: Updates): AdamWLaunch["segments"] {
    return updates.entries.map(({ parameter, weightDecay }) => {
      const name = nameOf(this.#graph, parameter);
      const { offset, shape } = this.#layout.parameters[name]!;
      return { name, offset, elements: elementCount(shape), weightDecay };
    });
  }

  #storageNamed(name: string): number {
    return this.#draft.storages.find((storage) => storage.name === name)!.id;
  }
}

const GROUP_OF = {
  input: "feeds",
  scalar: "feeds",
  resident: "residents",
  parameter: "parameters",
  state: "states",
} as const;
