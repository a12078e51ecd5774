// A head over frozen vectors (softmax, or an adapter of the query), read downward:
//   1. Examples are dealt into five folds, every choice in each. The head trains without one fold and is looked at on it
//      ten times; look 0 is the untrained router. Every example is thus answered by heads that have not seen it.
//   2. The look with the best accuracy over all examples says how long to train; it may be 0: then the base stays.
//   3. The answers at that look calibrate probabilities and the threshold of "none of these".
//   4. The head trains once more on all examples for that long. The rate is constant, so a shorter run is a prefix.
import type { Backend } from "../../../engine/backend.ts";
import { RetuneError } from "../../../engine/errors.ts";
import type { Matrix } from "../../matrix.ts";
import { selectRows } from "../../matrix.ts";
import { CounterRandom } from "../../random.ts";
import type { TrainingStep } from "../adapter-job.ts";
import { nextYield, type PullOptions } from "../back-pressure.ts";
import { layHeadGround, LOOKS, PRECISION, type HeadGround } from "./head-ground.ts";
import { HEAD_BIAS, HEAD_WEIGHT, linearAdapter } from "./head-steps.ts";
import { HeldOutAnswers } from "./held-out-answers.ts";
import type {
  HeadProgress,
  RouterEstimate,
  RouterJob,
  RouterRun,
  RouterState,
  TrainedRouter,
} from "./router-job.ts";

class HeadRun implements RouterRun {
  readonly plan: RouterEstimate;
  readonly #ground: HeadGround;
  #fold = 0;
  #step = 0;
  #losses: number[] = [];
  #answers: HeldOutAnswers;
  #fresh = true; // whether the head must be reset before the next step

  constructor(ground: HeadGround) {
    this.#ground = ground;
    const { foldCount, longest, steps, right } = ground;
    this.#answers = new HeldOutAnswers(LOOKS + 1, right);
    this.plan = { summary: steps.plan, searchSteps: foldCount * longest, finalSteps: longest };
  }

  restore(saved: RouterState): void {
    const { kind, fingerprint, steps, right } = this.#ground;
    const { progress, tensors } = saved;
    if (saved.recipe !== "router" || saved.fingerprint !== fingerprint || progress.trainer !== kind) {
      throw new RetuneError(
        "corrupt",
        "resume: the checkpoint belongs to another router, other data or settings; start a new run, or restore its files",
      );
    }
    this.#fold = progress.fold;
    this.#step = progress.step;
    this.#losses = [...progress.losses];
    this.#answers = new HeldOutAnswers(LOOKS + 1, right, tensors["held"]!.slice());
    steps.restore(tensors);
    this.#fresh = progress.step === 0;
  }

  async *steps(): AsyncGenerator<TrainingStep, TrainedRouter, void> {
    const { foldCount } = this.#ground;
    while (this.#fold < foldCount) {
      yield* this.#train(this.#ground.longest, this.#fold);
      this.#fold++;
      this.#step = 0;
      this.#fresh = true;
    }
    yield* this.#train(this.#finalSteps(), undefined);
    return await this.keep();
  }

  /** Trains without fold `held` and looks at it, or on all examples. */
  async *#train(total: number, held: number | undefined): AsyncGenerator<TrainingStep, void, void> {
    const { steps, rhythm, learningRate, longest, foldCount, batchSize } = this.#ground;
    const batchAt = this.#batches(held);
    if (this.#fresh) {
      steps.reset();
      if (held !== undefined) await this.#look(0, held);
      this.#fresh = false;
    }
    while (this.#step < total) {
      const next = held === undefined ? total : nextLook(this.#step, longest);
      const until = nextYield(this.#step, next, rhythm);
      for (let step = this.#step; step < until; step++) steps.run(batchAt(step), learningRate);
      const rows = await steps.collect();
      this.#step = until;
      if (held === undefined) this.#losses.push(...rows.map((row) => row["loss"]!));
      for (let look = 1; held !== undefined && look <= LOOKS; look++) {
        if (stepOfLook(look, longest) === until) await this.#look(look, held);
      }
      yield {
        phase: held === undefined ? "final" : "search",
        step: held === undefined ? until : held * longest + until,
        totalSteps: held === undefined ? total : foldCount * longest,
        epoch: (until * batchSize) / this.#trainable(held).length,
        loss: rows.at(-1)!["loss"]!,
        learningRate,
        gradientNorm: rows.at(-1)!["norm"]!,
      };
    }
  }

  async #look(look: number, held: number): Promise<void> {
    const { folds, head, steps, vectors } = this.#ground;
    const rows = Array.from(folds.keys()).filter((row) => folds[row] === held);
    if (rows.length === 0) return;
    this.#answers.note(look, rows, head.scores(await steps.weights(), selectRows(vectors.queries, rows)));
  }

  /** Examples with a right choice that are not held out. */
  #trainable(held: number | undefined): readonly number[] {
    const { right, folds } = this.#ground;
    return right.flatMap((columns, row) => (columns.length > 0 && folds[row] !== held ? [row] : []));
  }

  /** One endless stream of permutations; batch i is a pure function of i. */
  #batches(held: number | undefined): (step: number) => Uint32Array {
    const { job, batchSize } = this.#ground;
    const among = this.#trainable(held);
    let known = { epoch: -1, order: new Uint32Array() };
    const at = (place: number): number => {
      const epoch = Math.floor(place / among.length);
      if (known.epoch !== epoch) {
        const order = CounterRandom.stream(job.settings.seed, 5000 + epoch).permutation(among.length);
        known = { epoch, order: Uint32Array.from(order) };
      }
      return among[known.order[place % among.length]!]!;
    };
    return (step) => Uint32Array.from({ length: batchSize }, (_, row) => at(step * batchSize + row));
  }

  #finalSteps(): number {
    const { longest, foldCount } = this.#ground;
    // As many epochs as won: a fold's training saw (folds − 1)/folds of the examples.
    return Math.round((stepOfLook(this.#answers.best(), longest) * foldCount) / (foldCount - 1));
  }

  async state(): Promise<RouterState> {
    const { kind, fingerprint, steps } = this.#ground;
    const progress: HeadProgress = { fold: this.#fold, step: this.#step, losses: [...this.#losses] };
    return {
      format: 1,
      recipe: "router",
      fingerprint,
      progress: { trainer: kind, ...progress },
      tensors: { ...(await steps.capture()), held: this.#answers.values.slice() },
    };
  }

  async keep(): Promise<TrainedRouter> {
    const { job, head, kind, vectors, steps, foldCount, batchSize } = this.#ground;
    const { dataset, settings, encoderName = "" } = job;
    if (this.#fold < foldCount) throw tooEarly(this.#fold, foldCount);
    const best = this.#answers.best();
    const trained = best > 0 && this.#step > 0;
    const weights = trained ? await steps.weights() : head.initial;
    const precision = settings.precision ?? PRECISION;
    const parts = {
      choices: dataset.choices,
      calibration: this.#answers.calibration(best, precision),
      baseCalibration: this.#answers.calibration(0, precision),
      encoderName,
      queryInstruction: settings.queryInstruction ?? "",
      losses: [...this.#losses],
      heldOut: { base: this.#answers.accuracy(0), tuned: this.#answers.accuracy(best) },
      epochs: (this.#step * batchSize) / this.#trainable(undefined).length,
      notes: this.#notes(best),
    };
    if (kind === "adapter") {
      const config = linearAdapter(vectors.choices.columns);
      return { kind, ...parts, config, weights, choiceVectors: vectors.choices };
    }
    const { shape, values } = weights.get(HEAD_WEIGHT)!;
    const weight: Matrix = { rows: shape[0]!, columns: shape[1]!, values };
    return { kind, ...parts, weight, bias: weights.get(HEAD_BIAS)!.values };
  }

  #notes(best: number): string[] {
    const notes: string[] = [];
    const total = this.#finalSteps();
    if (best === 0)
      notes.push("No training beat the untrained router on held-out examples; it is kept as it is.");
    if (best > 0 && this.#step < total) notes.push(`Stopped at step ${this.#step} of ${total}.`);
    if (!this.#ground.right.some((columns) => columns.length === 0)) {
      notes.push(
        'No example asks for "none of these": the threshold was set by leaving out the right choices of known questions.',
      );
    }
    return notes;
  }

  dispose(): void {
    this.#ground.steps.dispose();
  }
}

function stepOfLook(look: number, longest: number): number {
  return Math.ceil((look * longest) / LOOKS);
}

function nextLook(step: number, longest: number): number {
  const ends = Array.from({ length: LOOKS }, (_, index) => stepOfLook(index + 1, longest));
  return ends.find((end) => end > step) ?? longest;
}

function tooEarly(fold: number, folds: number): RetuneError {
  return new RetuneError(
    "too-little-data",
    `router: stopped in fold ${fold + 1} of ${folds}, before every example was answered; nothing can be kept yet`,
  );
}

/** Opens the training of a softmax head or an adapter over frozen vectors. */
export async function openHeadRun(
  backend: Backend,
  job: RouterJob,
  saved?: RouterState,
  options: PullOptions = {},
): Promise<RouterRun> {
  const ground = await layHeadGround(backend, job, options);
  const run = new HeadRun(ground);
  ground.steps.reset();
  if (saved) run.restore(saved);
  return run;
}
