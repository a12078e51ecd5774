import type { Backend, Executable } from "./backend.ts";
import { Graph } from "./graph.ts";
import { planGraph } from "./lower/plan-graph.ts";
import type { StepResults } from "./step-results.ts";

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
  const graph = new Graph(backend.bindingBytes);
  const results = build(graph);
  const plan = planGraph(graph, results, options.sharing?.layout);
  return await backend.prepare(plan, options.sharing);
}
