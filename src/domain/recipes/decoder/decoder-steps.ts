// Optimizer steps over packed rows. One batch a step: one executable with loss, gradient and AdamW. Several: each adds its
// gradient, of a loss divided by the learnt tokens of all of them, and a small executable clips and takes the step.
import { grad } from "../../../engine/autodiff.ts";
import type { Executable, LogRow } from "../../../engine/backend.ts";
import { RetuneError } from "../../../engine/errors.ts";
import type { Graph, Tensor } from "../../../engine/graph.ts";
import { accumulate, accumulated } from "../../../engine/optim/accumulate.ts";
import { adamw, type AdamWUpdates } from "../../../engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../../engine/optim/clip.ts";
import type { StepResults } from "../../../engine/step-results.ts";
import { supervisedFeeds, supervisedTokens } from "../../models/llama/supervision.ts";
import { bucketKey } from "../../text/pack.ts";
import type { ResolvedDecoderSettings } from "./decoder-defaults.ts";
import type { DecoderExecutables } from "./decoder-executables.ts";
import type { RowBatch } from "./decoder-schedule.ts";
import type { RowSizes, TracedDecoder } from "./traced-decoder.ts";

/** Where in the schedule a step stands. */
export interface StepTurn {
  readonly learningRate: number;
  readonly place: number; // what dropout is drawn by
}

const MOST_BATCHES = 65_536; // of a step: each has a dropout counter of its own

interface Pending {
  readonly batches: readonly Executable[];
  readonly apply: Executable | undefined; // absent: the batch takes the step itself
}

/** Takes optimizer steps. */
export interface StepTaker {
  /** One optimizer step; may not be waited for. */
  run(batches: readonly RowBatch[], turn: StepTurn): Promise<void>;
  /**
   * Loss and gradient norm of every step since the last call, in order. A step that was skipped because its gradient is not finite
   * has a row like others, with a norm that is not.
   */
  collect(): Promise<readonly { readonly loss: number; readonly norm: number }[]>;
}

export class DecoderSteps implements StepTaker {
  readonly #executables: DecoderExecutables;
  readonly #settings: ResolvedDecoderSettings;
  readonly #sizesOf: (batch: RowBatch) => RowSizes;
  #pending: Pending[] = [];

  constructor(
    executables: DecoderExecutables,
    settings: ResolvedDecoderSettings,
    sizesOf: (batch: RowBatch) => RowSizes,
  ) {
    this.#executables = executables;
    this.#settings = settings;
    this.#sizesOf = sizesOf;
  }

  /** Compiles what steps on batches of these sizes need; the first executable of all. */
  async prepare(sizes: RowSizes): Promise<void> {
    if (this.#settings.accumulate > 1) await this.#apply();
    await this.#batch(sizes);
  }

  async run(batches: readonly RowBatch[], { learningRate, place }: StepTurn): Promise<void> {
    const tokens = batches.reduce((sum, batch) => sum + supervisedTokens(batch), 0);
    const apply = this.#settings.accumulate > 1 ? await this.#apply() : undefined;
    const taken: Executable[] = [];
    for (const [index, batch] of batches.entries()) {
      const sizes = this.#sizesOf(batch);
      const executable = await this.#batch(sizes);
      const counter = (Math.imul(place, MOST_BATCHES) + index) >>> 0;
      executable.run({
        ...supervisedFeeds(batch, sizes.bucket, sizes.places, tokens),
        ...(this.#executables.decoder.drops ? { dropoutCounter: Uint32Array.of(counter) } : {}),
        ...(apply ? {} : { learningRate }),
      });
      taken.push(executable);
    }
    apply?.run({ learningRate });
    this.#pending.push({ batches: taken, apply });
  }

  async collect(): Promise<readonly { readonly loss: number; readonly norm: number }[]> {
    const rows = new Map<Executable, LogRow[]>();
    const logged = async (executable: Executable): Promise<LogRow> => {
      const known = rows.get(executable) ?? (await logOf(executable));
      rows.set(executable, known);
      return known.shift()!;
    };
    const results: { loss: number; norm: number }[] = [];
    for (const { batches, apply } of this.#pending) {
      const found: LogRow[] = [];
      for (const executable of batches) found.push(await logged(executable));
      const loss = found.reduce((sum, row) => sum + row["loss"]!, 0);
      const last = apply ? await logged(apply) : found[0]!;
      results.push({ loss, norm: last["norm"]! });
    }
    this.#pending = [];
    return results;
  }

  #batch(sizes: RowSizes): Promise<Executable> {
    const key = `train ${sizesKey(sizes)}`;
    return this.#executables.compiled(key, (graph) =>
      traceBatch(graph, this.#executables.decoder, sizes, this.#settings),
    );
  }

  #apply(): Promise<Executable> {
    return this.#executables.compiled("apply", (graph) =>
      traceApply(graph, this.#executables.decoder, this.#settings),
    );
  }
}

/** Equal for equal sizes. */
export function sizesKey({ bucket, places }: RowSizes): string {
  return `${bucketKey(bucket)} ${places}`;
}

/** A batch with its optimizer step, or, where steps are accumulated, with its share of the gradient. */
export function traceBatch(
  graph: Graph,
  decoder: TracedDecoder,
  sizes: RowSizes,
  settings: ResolvedDecoderSettings,
): StepResults {
  const { loss, parameters } = decoder.train(graph, sizes);
  const gradients = grad(loss, parameters);
  if (settings.accumulate > 1) return { updates: accumulate(parameters, gradients), log: { loss } };
  const { updates, norm } = optimizerStep(graph, parameters, gradients, settings);
  return { updates, log: { loss, norm } };
}

/** The optimizer step over what batches have added up. */
export function traceApply(
  graph: Graph,
  { trained }: TracedDecoder,
  settings: ResolvedDecoderSettings,
): StepResults {
  const parameters = Array.from(trained, ([name, shape]) => graph.parameter(name, shape));
  const { updates, norm } = optimizerStep(graph, parameters, accumulated(graph, parameters), settings);
  return { updates, log: { norm } };
}

/** Clipping to a global norm, then AdamW with decay on matrices; the rate is fed. */
function optimizerStep(
  graph: Graph,
  parameters: readonly Tensor[],
  gradients: readonly Tensor[],
  { clip, weightDecay, betas, epsilon }: ResolvedDecoderSettings,
): { readonly updates: AdamWUpdates; readonly norm: Tensor } {
  const clipped = clipByGlobalNorm(gradients, clip);
  const updates = adamw(parameters, clipped.gradients, {
    ...{ learningRate: graph.scalar("learningRate"), betas, epsilon },
    weightDecay: (name) => (/norm\.weight$|\.bias$/.test(name) ? 0 : weightDecay),
  });
  return { updates, norm: clipped.norm };
}

/** All that was logged; a step that was skipped for its gradient shows in its row. */
async function logOf(executable: Executable): Promise<LogRow[]> {
  try {
    await executable.settle();
  } catch (error) {
    if (!(error instanceof RetuneError && error.code === "not-finite")) throw error;
  }
  return [...(await executable.log())];
}
