// A cross-encoder's training, read downward:
//   1. Questions are held out by group; the base is looked at on them (step 0).
//   2. Pairs (or questions with their candidates) are shuffled every epoch; linear warm-up over 10 % of the steps, linear
//      decay, gradients clipped to 1, AdamW without decay of biases and LayerNorm.
//   3. Every 5 % of the steps the held-out questions are looked at; five looks without a new best end the run, though not
//      before half of it, and the weights of the best look are what is kept: cross-encoders overfit fast.
// Compatible mode is LlamaIndex's CrossEncoderFinetuneEngine (llamaindex.md §6.2): file order, BCE, no looks.
import type { Backend } from "../../../engine/backend.ts";
import { RetuneError } from "../../../engine/errors.ts";
import { warmupLinear, type Schedule } from "../../../engine/optim/schedules.ts";
import type { CrossEncoderModel, NamedWeights } from "../../models/encoder-model.ts";
import type { TrainingStep } from "../adapter-job.ts";
import { nextYield, type PullOptions } from "../back-pressure.ts";
import { LossGuard, rollbackEvent } from "../encoder/guards.ts";
import {
  CROSS_ENCODER_DEFAULTS as DEFAULTS,
  type CrossEncoderEstimate,
  type CrossEncoderJob,
  type CrossEncoderLook,
  type CrossEncoderMeasurement,
  type CrossEncoderRun,
  type CrossEncoderState,
  type TrainedCrossEncoder,
} from "./cross-encoder-job.ts";
import { layPairGround, type PairGround } from "./ground.ts";
import { merit } from "./held-out-pairs.ts";
import { measurePairs } from "./measure.ts";
import { epochOf, type PairUnit } from "./pair-batches.ts";

/** What a guard goes back to. */
interface GoodState {
  readonly step: number;
  readonly losses: readonly number[];
  readonly tensors: Readonly<Record<string, Float32Array>>;
}

class PairRun implements CrossEncoderRun {
  readonly plan: CrossEncoderEstimate;
  readonly #ground: PairGround;
  readonly #rateAt: Schedule;
  readonly #lookAt: readonly number[]; // steps after which to look, ascending; the last ends the run
  #step = 0;
  #losses: number[] = [];
  #looks: CrossEncoderLook[] = [];
  #best: number | null = null;
  #bestWeights: Readonly<Record<string, Float32Array>> = {};
  #guard = new LossGuard();
  #good: GoodState | undefined;
  #rateFactor = 1;
  #skipped = new Set<number>();
  #notes: string[] = [];
  #ended = false;
  #epoch: { readonly index: number; readonly batches: readonly (readonly number[])[] } | undefined;

  constructor(ground: PairGround) {
    const { chosen, totalSteps, held } = ground;
    this.#ground = ground;
    this.plan = ground.plan;
    const warmupSteps = Math.floor(totalSteps * DEFAULTS.warmup);
    this.#rateAt = warmupLinear({ peak: chosen.learningRate, warmupSteps, totalSteps });
    const looks = held ? Math.round(1 / DEFAULTS.lookEvery) : 1;
    const ends = Array.from({ length: looks }, (_, index) => Math.ceil(((index + 1) * totalSteps) / looks));
    this.#lookAt = [...new Set(ends)];
  }

  /** At the beginning, or where `saved` stands. */
  begin(saved: CrossEncoderState | undefined): void {
    const { steps, initial, fingerprint } = this.#ground;
    steps.reset(initial.weights);
    if (!saved) return;
    if (saved.recipe !== "cross-encoder" || saved.fingerprint !== fingerprint) {
      throw new RetuneError(
        "corrupt",
        "resume: the checkpoint belongs to another model, other data or settings; start a new run, or restore its files",
      );
    }
    const { progress, tensors } = saved;
    steps.restore(tensors);
    this.#step = progress.step;
    this.#losses = [...progress.losses];
    this.#looks = [...progress.looks];
    this.#best = progress.best;
    this.#rateFactor = progress.rateFactor;
    this.#skipped = new Set(progress.skipped);
    this.#notes = [...progress.notes];
    this.#guard = new LossGuard(progress.losses, progress.rollbacks);
    this.#bestWeights = namedAfter("best.", tensors);
  }

  measure(steps = 5): Promise<CrossEncoderMeasurement> {
    return measurePairs(this.#ground, (step) => this.#unitsAt(step), steps);
  }

  async *steps(): AsyncGenerator<TrainingStep, TrainedCrossEncoder, void> {
    const { totalSteps, rhythm } = this.#ground;
    if (this.#looks.length === 0) await this.#look(0);
    this.#good ??= await this.#goodState();
    while (this.#step < totalSteps && !this.#ended && !this.#outOfPatience()) {
      const next = this.#lookAt.find((step) => step > this.#step)!;
      const until = nextYield(this.#step, next, rhythm);
      const event = await this.#train(until);
      if (!event) continue; // gone back
      if (this.#step === next) {
        const look = await this.#look(next);
        this.#good = await this.#goodState();
        yield look ? { ...event, validation: this.#validation(look) } : event;
      } else yield event;
    }
    return await this.keep();
  }

  /** Steps up to `until`; undefined where a guard went back or ended the run. */
  async #train(until: number): Promise<TrainingStep | undefined> {
    const { steps, totalSteps, stepsPerEpoch } = this.#ground;
    const taken: number[] = [];
    for (let step = this.#step; step < until; step++) {
      if (this.#skipped.has(step)) continue;
      await steps.run(this.#unitsAt(step), step, this.#rateAt(step) * this.#rateFactor);
      taken.push(step);
    }
    const rows = await steps.collect();
    for (const [index, row] of rows.entries()) {
      if (!this.#accept(taken[index]!, row["loss"]!, row["norm"]!)) return undefined;
    }
    this.#losses.push(...rows.map((row) => row["loss"]!));
    this.#step = until;
    return {
      phase: "final",
      step: until,
      totalSteps,
      epoch: until / stepsPerEpoch,
      loss: this.#losses.at(-1) ?? 0,
      learningRate: this.#rateAt(until - 1) * this.#rateFactor,
      gradientNorm: rows.at(-1)?.["norm"] ?? 0,
    };
  }

  /** Whether the step stands; else the run has gone back to the last good state, or ends there. */
  #accept(step: number, loss: number, norm: number): boolean {
    const verdict = this.#guard.observe(step, loss, norm);
    if (verdict.kind !== "back" && verdict.kind !== "stop") return true;
    const good = this.#good!;
    this.#ground.steps.restore(good.tensors);
    this.#guard.rewind(good.losses);
    this.#losses = [...good.losses];
    this.#step = good.step;
    if (verdict.kind === "back") {
      if (verdict.cause === "spike") for (const batch of verdict.batches) this.#skipped.add(batch);
      else this.#rateFactor /= 2;
      this.#notes.push(rollbackEvent(verdict.cause, step, good.step, this.#rateFactor).text);
    } else {
      this.#ended = true;
      this.#notes.push(verdict.text);
    }
    return false;
  }

  async #look(step: number): Promise<CrossEncoderLook | undefined> {
    const { held, steps, chosen } = this.#ground;
    if (!held) return undefined;
    const look = held.look(step, await steps.score(held.sequences));
    const best = this.#best === null ? undefined : this.#looks[this.#best];
    this.#looks.push(look);
    if (!best || merit(look, chosen.loss) > merit(best, chosen.loss)) {
      this.#best = this.#looks.length - 1;
      this.#bestWeights = valuesOf(await steps.weights());
    }
    return look;
  }

  async #goodState(): Promise<GoodState> {
    return { step: this.#step, losses: [...this.#losses], tensors: await this.#ground.steps.capture() };
  }

  /** Not before half of the steps: a fresh head says nothing of use for a while. */
  #outOfPatience(): boolean {
    if (this.#best === null || this.#step < this.#ground.totalSteps / 2) return false;
    return this.#looks.length - 1 - this.#best >= DEFAULTS.patience;
  }

  #validation({ step, mrr }: CrossEncoderLook): NonNullable<TrainingStep["validation"]> {
    return { step, mrr, best: Math.max(...this.#looks.map((look) => look.mrr)) };
  }

  #unitsAt(step: number): readonly PairUnit[] {
    const { units, chosen, stepsPerEpoch, job } = this.#ground;
    const index = Math.floor(step / stepsPerEpoch);
    if (this.#epoch?.index !== index) {
      const { seed, mode } = job.settings;
      this.#epoch = {
        index,
        batches: epochOf(units.length, chosen.batchSize, index, seed, mode === "recommended"),
      };
    }
    return this.#epoch.batches[step % stepsPerEpoch]!.map((unit) => units[unit]!);
  }

  async state(): Promise<CrossEncoderState> {
    const best = Object.entries(this.#bestWeights).map(([name, values]) => [`best.${name}`, values] as const);
    return {
      format: 1,
      recipe: "cross-encoder",
      fingerprint: this.#ground.fingerprint,
      progress: {
        step: this.#step,
        losses: [...this.#losses],
        looks: [...this.#looks],
        best: this.#best,
        rateFactor: this.#rateFactor,
        rollbacks: this.#guard.rollbacks,
        skipped: [...this.#skipped],
        notes: [...this.#notes],
      },
      tensors: { ...(await this.#ground.steps.capture()), ...Object.fromEntries(best) },
    };
  }

  async model(): Promise<CrossEncoderModel> {
    return { ...this.#ground.initial, weights: await this.#ground.steps.weights() };
  }

  async keep(): Promise<TrainedCrossEncoder> {
    const { initial, chosen, stepsPerEpoch, totalSteps } = this.#ground;
    const best = this.#best === null ? undefined : this.#looks[this.#best];
    const shapes = initial.weights;
    const kept = Object.entries(this.#bestWeights).map(
      ([name, values]) => [name, { shape: shapes.get(name)!.shape, values }] as const,
    );
    const notes = [...this.#notes];
    if (this.#step < totalSteps) notes.push(`Stopped at step ${this.#step} of ${totalSteps}.`);
    if (best && best.step < this.#step)
      notes.push(`The weights are those of step ${best.step}, the best look.`);
    const { loss, learningRate, batchSize, positiveWeight } = chosen;
    return {
      model: best ? { ...initial, weights: new Map(kept) } : await this.model(),
      chosen: {
        loss,
        learningRate,
        batchSize,
        positiveWeight,
        epochs: (best?.step ?? this.#step) / stepsPerEpoch,
      },
      losses: [...this.#losses],
      looks: [...this.#looks],
      heldOut: best ? { base: this.#looks[0]!.mrr, tuned: best.mrr } : null,
      notes,
    };
  }

  dispose(): void {
    this.#ground.steps.dispose();
  }
}

function valuesOf(weights: NamedWeights): Record<string, Float32Array> {
  return Object.fromEntries(Array.from(weights, ([name, { values }]) => [name, values]));
}

function namedAfter(
  start: string,
  tensors: Readonly<Record<string, Float32Array>>,
): Record<string, Float32Array> {
  const found = Object.entries(tensors).filter(([name]) => name.startsWith(start));
  return Object.fromEntries(found.map(([name, values]) => [name.slice(start.length), values]));
}

/**
 * Opens a run at its beginning or at a saved state; nothing trains before `steps()` is pulled. Errors: E_MISMATCH or
 * E_TOKENIZER (a broken model), "too-little-data", "usage" (settings), "corrupt" (a state of another run).
 */
export async function openCrossEncoderRun(
  backend: Backend,
  job: CrossEncoderJob,
  saved?: CrossEncoderState,
  options: PullOptions = {},
): Promise<CrossEncoderRun> {
  const run = new PairRun(await layPairGround(backend, job, options));
  run.begin(saved);
  return run;
}
