import { elementCount, type Graph, type Tensor } from "../graph.ts";
import type { AdamWUpdates } from "../optim/adamw.ts";
import type { AdamWLaunch, BufferId, NamedBuffer, ParameterLayout } from "../plan.ts";
import { maxNormOf, nameOf } from "./arena.ts";
import type { Lowering } from "./lowering.ts";
import type { StorageDraft } from "./storage-draft.ts";

export const SKIPPED = 1; // log[0] is the skipped flag

export interface OptimizerContext {
  readonly graph: Graph;
  readonly draft: StorageDraft;
  readonly lowering: Lowering;
  readonly layout: ParameterLayout;
}

/** The two values of a log that every training has: the optimizer's launch writes them itself. */
export interface OptimizerLog {
  readonly names: readonly string[]; // of the values below
  readonly normAt: number | undefined;
  readonly lossAt: number | undefined;
  readonly lossRows: Tensor | undefined;
}

export function loggedByOptimizer(graph: Graph, log: Readonly<Record<string, Tensor>>): OptimizerLog {
  const names = Object.keys(log);
  const named = (kind: string): string | undefined =>
    names.find((name) => graph.node(log[name]!).operation.kind === kind);
  const place = (name: string | undefined): number | undefined =>
    name === undefined ? undefined : SKIPPED + names.indexOf(name);
  const [norm, loss] = [named("globalNorm"), named("meanLoss")];
  return {
    names: [norm, loss].filter((name) => name !== undefined),
    normAt: place(norm),
    lossAt: place(loss),
    lossRows: loss === undefined ? undefined : graph.node(log[loss]!).inputs[0]!,
  };
}

export interface OptimizerBuffers {
  readonly gradients: BufferId;
  readonly partials: BufferId; // of the squares of the gradients
  readonly log: BufferId;
  readonly logged: OptimizerLog;
}

/** The optimizer's launch, and its moments by name. */
export function lowerAdamW(
  updates: AdamWUpdates,
  { graph, draft, lowering, layout }: OptimizerContext,
  { gradients, partials, log, logged }: OptimizerBuffers,
): { readonly launch: AdamWLaunch; readonly states: Readonly<Record<string, NamedBuffer>> } {
  const { betas, epsilon } = updates;
  const { elements } = layout;
  const parameters = draft.storages.find(({ kind }) => kind === "parameters")!.id;
  const moments = draft.storage("moments", "moments", "f32", 2 * elements);
  const { lossRows, lossAt, normAt } = logged;
  const count = lossRows ? elementCount(lossRows.shape) : 1;
  const launch: AdamWLaunch = {
    kind: "adamw",
    ...{ gradients, betas, epsilon, partials, log, elements, normAt },
    weights: draft.region(parameters, 0, elements, "parameters"),
    moments: draft.region(moments, 0, 2 * elements, "moments"),
    segments: segmentsOf(graph, updates, layout),
    learningRate: lowering.bufferOf(updates.learningRate),
    corrections: [draft.scalar("correction 1"), draft.scalar("correction 2")],
    partialCount: draft.bufferSize(partials).elements,
    maxNorm: maxNormOf(graph, updates),
    loss: lossRows && { rows: lowering.bufferOf(lossRows), count, scale: 1 / count, at: lossAt! },
  };
  return { launch, states: momentsByName(graph, updates, layout, draft, moments) };
}

function momentsByName(
  graph: Graph,
  updates: AdamWUpdates,
  { elements, parameters }: ParameterLayout,
  draft: StorageDraft,
  storage: number,
): Record<string, NamedBuffer> {
  const entries = updates.entries.flatMap(({ parameter }) => {
    const name = nameOf(graph, parameter);
    const { offset, shape } = parameters[name]!;
    return (["m", "v"] as const).map((suffix, index): [string, NamedBuffer] => {
      const at = index * elements + offset;
      const buffer = draft.region(storage, at, elementCount(shape), `${name}.${suffix}`);
      return [`${name}.${suffix}`, { buffer, shape, dtype: "f32" }];
    });
  });
  return Object.fromEntries(entries);
}

function segmentsOf(graph: Graph, updates: AdamWUpdates, layout: ParameterLayout): AdamWLaunch["segments"] {
  return updates.entries.map(({ parameter, weightDecay }) => {
    const name = nameOf(graph, parameter);
    const { offset, shape } = layout.parameters[name]!;
    return { name, offset, elements: elementCount(shape), weightDecay };
  });
}
