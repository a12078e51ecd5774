// One fine-tune, read downward: look at the base; take batches in the order of the schedule; every 5 % look at the held-out
// questions and remember the state as good; keep the best look's weights; stop when none was better for a while. Guards
// may send the run back to the last good state (guarded-progress.ts). A run that was resumed takes the state it was saved in as good.
import { EQUAL_WEIGHTS, fusionOf } from "../../eval/fusion.ts";
import type { NamedWeights } from "../../models/encoder-model.ts";
import { nextYield } from "../back-pressure.ts";
import { GuardedProgress } from "../guarded-progress.ts";
import type { EncoderGround } from "./encoder-ground.ts";
import type { EncoderLook, EncoderStep, GuardEvent } from "./encoder-job.ts";
import type { EncoderMeasurement, EncoderRun, TrainedEncoder } from "./encoder-run.ts";
import { checkState, type EncoderState } from "./encoder-state.ts";
import { measureSteps } from "./measure.ts";
import { lossFeedsAt } from "./step-feeds.ts";

const NOTHING_BETTER = "No look beat the base on held-out questions, so the base's weights are kept.";

export class EncoderTraining implements EncoderRun {
  readonly plan: EncoderRun["plan"];
  readonly #ground: EncoderGround;
  readonly #fingerprint: string;
  readonly #progress: GuardedProgress<EncoderLook>;

  constructor(ground: EncoderGround, fingerprint: string) {
    const { executables, initial, settings, estimate } = ground;
    this.#ground = ground;
    this.#fingerprint = fingerprint;
    this.#progress = new GuardedProgress(executables, initial, settings.clip);
    this.plan = estimate;
  }

  /** At the beginning, or where `saved` stands. */
  begin(saved: EncoderState | undefined): void {
    if (saved) checkState(saved, this.#fingerprint, this.#ground.settings.recipe);
    this.#progress.begin(saved);
  }

  measure(steps = 5): Promise<EncoderMeasurement> {
    return measureSteps(this.#ground, steps);
  }

  async *steps(): AsyncGenerator<EncoderStep, TrainedEncoder, void> {
    const { schedule, rhythm, lookEvery, settings } = this.#ground;
    const progress = this.#progress;
    if (progress.looks.length === 0) await this.#look();
    await progress.remember();
    while (progress.place < schedule.total && !progress.finished(settings.validation?.patience)) {
      const nextLook = Math.min(schedule.total, (Math.floor(progress.place / lookEvery) + 1) * lookEvery);
      const guards = await this.#take(nextYield(progress.place, nextLook, rhythm));
      const due = progress.place === nextLook && progress.stopped === undefined;
      const look = due ? await this.#look() : undefined;
      if (due) await progress.remember();
      yield this.#event(look, guards);
    }
    return await this.keep();
  }

  /** Takes the batches up to `until`, or goes back. */
  async #take(until: number): Promise<readonly GuardEvent[]> {
    const { taker, schedule } = this.#ground;
    const places = this.#progress.places(until);
    for (const place of places) {
      const batch = this.#ground.batchAt(place);
      const learningRate = schedule.rateAt(place) * this.#progress.rateFactor;
      const feeds = await lossFeedsAt(this.#ground, batch);
      await taker.run(batch, feeds, { learningRate, counter: place });
    }
    const rows = await taker.collect();
    const figures = places.map((_, index) => ({ loss: rows[index]!["loss"]!, norm: rows[index]!["norm"]! }));
    return this.#progress.settle(until, places, figures);
  }

  async #look(): Promise<EncoderLook | undefined> {
    const { heldOut, executables } = this.#ground;
    if (!heldOut) return undefined;
    const { dense10, hybrid10 } = await heldOut.look((sequences) => executables.embed(sequences));
    const loss = this.#progress.lossSinceLook();
    const look = { step: this.#progress.place, dense: dense10, hybrid: hybrid10, loss };
    await this.#progress.looked(
      look,
      (own, best) => own.hybrid > best.hybrid || (own.hybrid === best.hybrid && own.dense > best.dense),
    );
    return look;
  }

  #event(look: EncoderLook | undefined, guards: readonly GuardEvent[]): EncoderStep {
    const { schedule } = this.#ground;
    const { place, last, rateFactor, clipped, best } = this.#progress;
    const taken = Math.max(0, place - 1);
    return {
      phase: "final",
      step: place,
      totalSteps: schedule.total,
      epoch: place / schedule.stepsPerEpoch,
      loss: last.loss,
      learningRate: schedule.rateAt(taken) * rateFactor,
      gradientNorm: last.norm,
      tokens: this.#ground.batchAt(taken).tokens,
      clipped,
      guards,
      ...(look ? { look, validation: { step: look.step, mrr: look.hybrid, best: best!.hybrid } } : {}),
    };
  }

  async state(): Promise<EncoderState> {
    const { recipe } = this.#ground.settings;
    return { format: 1, recipe, fingerprint: this.#fingerprint, ...(await this.#progress.state()) };
  }

  weights(): Promise<NamedWeights> {
    return this.#ground.executables.weights();
  }

  async keep(): Promise<TrainedEncoder> {
    const { settings, schedule, encoder } = this.#ground;
    const { best, place, losses, looks, guards, clipped } = this.#progress;
    const fusion = fusionOf(EQUAL_WEIGHTS);
    const { learningRate, batchSize } = settings;
    const step = best?.step ?? place;
    return {
      tuned: encoder.finished(await this.#progress.kept()),
      chosen: {
        learningRate,
        batchSize,
        epochs: step / schedule.stepsPerEpoch,
        step,
        totalSteps: schedule.total,
      },
      fusion: { base: fusion, tuned: fusion },
      losses: [...losses],
      looks: [...looks],
      heldOut: best ? { base: looks[0]!.hybrid, tuned: best.hybrid } : null,
      guards: [...guards],
      clipped,
      notes: [...this.#ground.notes, ...this.#progress.notes(schedule.total, NOTHING_BETTER)],
    };
  }

  dispose(): void {
    this.#ground.taker.dispose();
    this.#ground.executables.dispose();
  }
}
