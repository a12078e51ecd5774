import { RetuneError } from "../errors.ts";
import { dependants } from "../autodiff.ts";
import { elementCount, type Graph, type GraphNode, type Tensor } from "../graph.ts";
import type { AdamWUpdates } from "../optim/adamw.ts";
import {
  storageBytes,
  type AdamWLaunch,
  type BufferId,
  type NamedBuffer,
  type ParameterLayout,
  type Plan,
} from "../plan.ts";
import type { StepResults } from "../step-results.ts";
import { storedElements } from "../stored.ts";
import {
  arenaName,
  checkNorms,
  chunksOf,
  feedingOthers,
  layoutOf,
  nameOf,
  oneAfterTheOther,
  scalarOf,
  takesAccumulated,
  unclipped,
} from "./arena.ts";
import { GraphView } from "./graph-view.ts";
import { Lowering } from "./lowering.ts";
import { mergeLaunches } from "./merge.ts";
import { loggedByOptimizer, lowerAdamW, SKIPPED } from "./optimizer.ts";
import { assignSlots } from "./slots.ts";
import { aligned, StorageDraft } from "./storage-draft.ts";

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
  #accumulating: BufferId | undefined; // the arena that adds gradients up, where the step has one
  #partials: BufferId | undefined; // partial sums of squares of the gradient arena

  constructor(graph: Graph, results: StepResults, layout: ParameterLayout | undefined) {
    const { outputs = {}, log = {} } = results;
    const logged = Object.values(log).map((tensor) => scalarOf(graph, tensor));
    this.#graph = graph;
    this.#results = results;
    const roots = [...this.#gradients(), ...logged, ...Object.values(outputs)];
    if (roots.length === 0) {
      throw new RetuneError(
        "shape",
        "compile: the step gives no outputs, log or updates; return at least one",
      );
    }
    this.#layout = layoutOf(graph, layout);
    this.#view = new GraphView(graph, roots);
    this.#lowering = new Lowering(this.#view, this.#draft);
  }

  plan(): Plan {
    this.#placeLeaves();
    const outputs = Object.entries(this.#results.outputs ?? {}).sort(([, a], [, b]) => a.id - b.id);
    const late = dependants(this.#graph, this.#gradients());
    // outputs of the forward pass come before the gradients, so that nothing large waits for them
    for (const [name, tensor] of outputs) if (!late.has(tensor.id)) this.#output(name, tensor);
    const arena = this.#placeGradients();
    for (const [name, tensor] of outputs) if (late.has(tensor.id)) this.#output(name, tensor);
    const log = this.#draft.whole("log", "log", "f32", SKIPPED + this.#logNames().length);
    const { updates } = this.#results;
    const optimizer = updates?.kind === "adamw" ? this.#optimizer(updates, arena!, log) : undefined;
    if (!optimizer) this.#reduceToLog(this.#logNames(), log);
    const launches = mergeLaunches(this.#lowering.launches, this.#draft);
    if (optimizer) launches.push(optimizer, ...this.#emptied());
    if (updates?.kind === "accumulate") {
      const { elements } = this.#layout;
      launches.push({ kind: "accumulate", elements, source: arena!, target: this.#accumulators() });
    }
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
      peakBytes: storages.reduce((sum, spec) => sum + storageBytes(spec), 0),
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
      const size = storedElements(node.dtype, node.shape);
      const group = GROUP_OF[operation.kind];
      const place = (): BufferId => {
        if (operation.kind === "scalar") return this.#draft.scalar(name);
        if (operation.kind === "accumulator") return this.#accumulator(name.slice(0, -".g".length));
        if (operation.kind !== "parameter") return this.#draft.whole(operation.kind, name, node.dtype, size);
        return this.#draft.region(arena, parameters[name]!.offset, size, name);
      };
      const buffer = place();
      this.#groups[group][name] = { buffer, shape: node.shape, dtype: node.dtype };
      this.#lowering.place(node, buffer);
    }
  }

  /** What a norm or an update takes. */
  #gradients(): readonly Tensor[] {
    const norms = this.#graph.nodes.filter(({ operation }) => operation.kind === "globalNorm");
    const entries = this.#results.updates?.entries ?? [];
    const updated = entries.map(({ gradient }) => unclipped(this.#graph, gradient));
    return [...updated, ...norms.flatMap(({ inputs }) => inputs)];
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
    const gradients = wanted.map(({ tensor }) => tensor);
    checkNorms(norms, gradients);
    const feeding = feedingOthers(this.#graph, gradients);
    const last = wanted.map(({ tensor, offset }) => offset + aligned(elementCount(tensor.shape)));
    const elements = updates ? this.#layout.elements : Math.max(...last);
    if (takesAccumulated(this.#graph, updates)) return this.#measured(this.#accumulators(), norms, elements);
    const name = arenaName(this.#graph, updates, this.#layout);
    const storage = this.#draft.storage("gradients", name, "f32", elements);
    // by age: what the backward pass made first has its inputs in memory first, and frees them first
    for (const { tensor, offset } of wanted.toSorted((a, b) => a.tensor.id - b.tensor.id)) {
      const buffer = this.#draft.region(storage, offset, elementCount(tensor.shape), `gradient ${tensor.id}`);
      if (feeding.has(tensor.id)) this.#lowering.bufferOf(tensor);
      this.#lowering.into(tensor, buffer);
    }
    const arena = this.#draft.region(storage, 0, elements, "gradients");
    if (updates?.kind === "accumulate" && norms.length === 0) return arena;
    return this.#measured(arena, norms, elements);
  }

  /** The arena, once the norm over it is known. */
  #measured(arena: BufferId, norms: readonly GraphNode[], elements: number): BufferId {
    this.#partials = this.#sumSquares(arena, elements);
    this.#materializeNorms(norms, this.#partials);
    return arena;
  }

  #sumSquares(source: BufferId, elements: number): BufferId {
    const { chunk, count } = chunksOf(elements);
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

  #optimizer(updates: AdamWUpdates, gradients: BufferId, log: BufferId): AdamWLaunch {
    const names = this.#logNames();
    const context = {
      graph: this.#graph,
      draft: this.#draft,
      lowering: this.#lowering,
      layout: this.#layout,
    };
    const logged = loggedByOptimizer(this.#graph, this.#results.log ?? {});
    this.#reduceToLog(
      names.filter((name) => !logged.names.includes(name)),
      log,
    );
    const { launch, states } = lowerAdamW(updates, context, {
      ...{ gradients, log, logged, partials: this.#partials! },
    });
    Object.assign(this.#groups.states, states);
    return launch;
  }

  /** The region of one parameter in the arena that adds gradients up. */
  #accumulator(parameter: string): BufferId {
    const { offset, shape } = this.#layout.parameters[parameter]!;
    const storage = this.#draft.storageOf(this.#accumulators());
    return this.#draft.region(storage, offset, elementCount(shape), `${parameter}.g`);
  }

  /** That arena, with a readable state for each parameter. */
  #accumulators(): BufferId {
    if (this.#accumulating !== undefined) return this.#accumulating;
    const { elements, parameters } = this.#layout;
    this.#accumulating = this.#draft.whole("state", "accumulators", "f32", elements);
    for (const [name, { shape }] of Object.entries(parameters)) {
      this.#groups.states[`${name}.g`] = { buffer: this.#accumulator(name), shape, dtype: "f32" };
    }
    return this.#accumulating;
  }

  /** What was accumulated is used up by the step that reads it. */
  #emptied(): Plan["launches"] {
    if (this.#accumulating === undefined) return [];
    const zero = this.#draft.scalar("constant 0", 0);
    const source = { buffer: zero, broadcast: "scalar" } as const;
    const sizes = { rows: 1, columns: this.#layout.elements };
    return [{ kind: "elementwise", ...sizes, source, out: this.#accumulating, steps: [] }];
  }
}

const GROUP_OF = {
  input: "feeds",
  scalar: "feeds",
  resident: "residents",
  parameter: "parameters",
  state: "states",
  accumulator: "states",
} as const;
