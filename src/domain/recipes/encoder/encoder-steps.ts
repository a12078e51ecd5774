import { grad } from "../../../engine/autodiff.ts";
import type { Executable, Feeds, LogRow } from "../../../engine/backend.ts";
import { RetuneError } from "../../../engine/errors.ts";
import type { Graph, Tensor } from "../../../engine/graph.ts";
import { adamw, type AdamWUpdates } from "../../../engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../../engine/optim/clip.ts";
import type { PlanSummary } from "../../../engine/plan.ts";
import type { StepResults } from "../../../engine/step-results.ts";
import { decays } from "../../models/bert/names.ts";
import { bucketKey, packBatch, packedFeeds, type Bucket } from "../../text/pack.ts";
import type { ResolvedSettings } from "./defaults.ts";
import type { EncoderExecutables } from "./encoder-executables.ts";
import { traceLoss, type LossShape } from "./loss-graph.ts";
import type { TrainingBatch } from "./training-batch.ts";

/** Where in the schedule a step stands. */
export interface StepTurn {
  readonly learningRate: number;
  readonly counter: number; // what dropout is drawn by: the place in the schedule
}

/** Takes optimizer steps: over a whole batch at once, or by GradCache. */
export interface StepTaker {
  /** Compiles what the longest batch needs, and says what that takes. */
  prepare(): Promise<PlanSummary>;
  /** One optimizer step; may not be waited for. `feeds` are those of the loss. */
  run(batch: TrainingBatch, feeds: Feeds, turn: StepTurn): Promise<void>;
  /**
   * Loss and gradient norm of every step since the last call, in order. A step that was skipped because its gradient is
   * not finite has a row like others, with a norm that is not.
   */
  collect(): Promise<readonly LogRow[]>;
  dispose(): void;
}

/** Steps over whole batches, one executable a bucket. */
export class WholeSteps implements StepTaker {
  readonly #executables: EncoderExecutables;
  readonly #settings: ResolvedSettings;
  readonly #shape: LossShape;
  readonly #bucketOf: (tokens: number) => Bucket;
  readonly #largest: Bucket;
  #pending: Executable[] = [];

  constructor(
    executables: EncoderExecutables,
    settings: ResolvedSettings,
    shape: LossShape,
    buckets: { readonly bucketOf: (tokens: number) => Bucket; readonly largest: Bucket },
  ) {
    this.#executables = executables;
    this.#settings = settings;
    this.#shape = shape;
    this.#bucketOf = buckets.bucketOf;
    this.#largest = buckets.largest;
  }

  async prepare(): Promise<PlanSummary> {
    return (await this.#step(this.#largest)).plan;
  }

  async run(batch: TrainingBatch, feeds: Feeds, { learningRate, counter }: StepTurn): Promise<void> {
    const bucket = this.#bucketOf(batch.tokens);
    const executable = await this.#step(bucket);
    const { model, drops } = this.#executables.encoder;
    executable.run({
      ...packedFeeds(packBatch(batch.sequences, bucket), model.pooling),
      ...feeds,
      ...(drops ? { dropoutCounter: Uint32Array.of(counter) } : {}),
      learningRate,
    });
    this.#pending.push(executable);
  }

  async collect(): Promise<readonly LogRow[]> {
    const rows = new Map<Executable, LogRow[]>();
    for (const executable of new Set(this.#pending)) {
      await settled(executable);
      rows.set(executable, [...(await executable.log())]);
    }
    const ordered = this.#pending.map((executable) => rows.get(executable)!.shift()!);
    this.#pending = [];
    return ordered;
  }

  dispose(): void {
    this.#pending = [];
  }

  #step(bucket: Bucket): Promise<Executable> {
    const key = `train ${bucketKey(bucket)}`;
    return this.#executables.compiled(key, true, (graph) => this.#trace(graph, bucket), this.#pending);
  }

  #trace(graph: Graph, bucket: Bucket): StepResults {
    const { encoder } = this.#executables;
    const { vectors, parameters } = encoder.train(graph, bucket);
    const loss: Tensor = traceLoss(vectors, this.#settings, this.#shape, encoder.model.normalize);
    const { updates, norm } = optimizerStep(graph, parameters, grad(loss, parameters), this.#settings);
    return { updates, log: { loss, norm } };
  }
}

/** Clipping to a global norm, then AdamW with decay on what decays; the rate is fed. */
export function optimizerStep(
  graph: Graph,
  parameters: readonly Tensor[],
  gradients: readonly Tensor[],
  { clip, weightDecay }: ResolvedSettings,
): { readonly updates: AdamWUpdates; readonly norm: Tensor } {
  const clipped = clipByGlobalNorm(gradients, clip);
  const updates = adamw(parameters, clipped.gradients, {
    learningRate: graph.scalar("learningRate"),
    weightDecay: (name) => (decays(name) ? weightDecay : 0),
  });
  return { updates, norm: clipped.norm };
}

/** Waits for an executable; a step that was skipped for its gradient shows in its row. */
export async function settled(executable: Executable): Promise<void> {
  try {
    await executable.settle();
  } catch (error) {
    if (!(error instanceof RetuneError && error.code === "not-finite")) throw error;
  }
}
