import type { Backend, Executable } from "./backend.ts";
import { Graph, type Tensor } from "./graph.ts";
import { planGraph } from "./lower/plan-graph.ts";
import type { Updates } from "./optim/adamw.ts";

/** What a traced step gives. Every part is optional; a step with none is refused. */
export interface StepResults {
  readonly outputs?: Readonly<Record<string, Tensor>>; // kept until the next run, to be read by name
  readonly log?: Readonly<Record<string, Tensor>>; // scalars kept for every step
  readonly updates?: Updates; // parameters changed in place
}

export interface CompileOptions {
  /**
   * An executable whose parameters, optimizer state, step count and residents this one works on as well (equal names):
   * a short last batch, or one executable per sequence length. Its parameters must include all of this graph's.
   */
  readonly sharing?: Executable;
}

/** Traces `build` once, differentiates, plans and prepares it: what comes back replays one step per `run`. */
export async function compile(
  backend: Backend,
  build: (graph: Graph) => StepResults,
  options: CompileOptions = {},
): Promise<Executable> {
  const graph = new Graph();
  const results = build(graph);
  const plan = planGraph(graph, results, options.sharing?.layout);
  return await backend.prepare(plan, options.sharing);
}
