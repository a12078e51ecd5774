// One fine-tune, read downward: look at the base; take steps in the order of the schedule; every tenth of the run look at the
// validation rows and remember the state as good; keep the best look's weights; stop when none was better for a while, where that
// is asked for. Guards may send the run back to the last good state (guarded-progress.ts). A run that was resumed takes the state it
// was saved in as good.
import type { Weights } from "../../matrix.ts";
import { supervisedTokens } from "../../models/llama/supervision.ts";
import { nextYield } from "../back-pressure.ts";
import type { GuardEvent } from "../encoder/encoder-job.ts";
import { GuardedProgress } from "../guarded-progress.ts";
import { validationLoss, type DecoderGround } from "./decoder-ground.ts";
import type { DecoderLook, DecoderStep } from "./decoder-job.ts";
import { tokensOf } from "./decoder-layout.ts";
import { measureSteps } from "./decoder-measure.ts";
import type { DecoderMeasurement, DecoderRun, TrainedDecoder } from "./decoder-run.ts";
import { checkState, type DecoderState } from "./decoder-state.ts";

const NOTHING_BETTER =
  "No look had a lower loss on validation rows than the base, so nothing of the training is kept.";

export class DecoderTraining implements DecoderRun {
  readonly plan: DecoderRun["plan"];
  readonly #ground: DecoderGround;
  readonly #fingerprint: string;
  readonly #progress: GuardedProgress<DecoderLook>;

  constructor(ground: DecoderGround, fingerprint: string) {
    const { executables, initial, layout, estimate } = ground;
    this.#ground = ground;
    this.#fingerprint = fingerprint;
    this.#progress = new GuardedProgress(executables, initial, layout.settings.clip);
    this.plan = estimate;
  }

  /** At the beginning, or where `saved` stands. */
  begin(saved: DecoderState | undefined): void {
    if (saved) checkState(saved, this.#fingerprint);
    this.#progress.begin(saved);
  }

  measure(steps = 5): Promise<DecoderMeasurement> {
    return measureSteps(this.#ground, steps);
  }

  async *steps(): AsyncGenerator<DecoderStep, TrainedDecoder, void> {
    const { rhythm, layout } = this.#ground;
    const { schedule, lookEvery, settings } = layout;
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

  /** Takes the steps up to `until`, or goes back. */
  async #take(until: number): Promise<readonly GuardEvent[]> {
    const { steps, layout } = this.#ground;
    const places = this.#progress.places(until);
    for (const place of places) {
      const learningRate = layout.schedule.rateAt(place) * this.#progress.rateFactor;
      await steps.run(layout.schedule.at(place).batches, { learningRate, place });
    }
    return this.#progress.settle(until, places, await steps.collect());
  }

  async #look(): Promise<DecoderLook | undefined> {
    if (this.#ground.layout.validation.length === 0) return undefined;
    const loss = await validationLoss(this.#ground);
    const trainingLoss = this.#progress.lossSinceLook();
    const look = { step: this.#progress.place, loss, perplexity: Math.exp(loss), trainingLoss };
    await this.#progress.looked(look, (own, best) => own.loss < best.loss);
    return look;
  }

  #event(look: DecoderLook | undefined, guards: readonly GuardEvent[]): DecoderStep {
    const { schedule } = this.#ground.layout;
    const { place, last, rateFactor, clipped } = this.#progress;
    const taken = Math.max(0, place - 1);
    const { batches } = schedule.at(taken);
    return {
      step: place,
      totalSteps: schedule.total,
      epoch: place / schedule.stepsPerEpoch,
      loss: last.loss,
      learningRate: schedule.rateAt(taken) * rateFactor,
      gradientNorm: last.norm,
      tokens: batches.reduce((sum, batch) => sum + tokensOf(batch), 0),
      learntTokens: batches.reduce((sum, batch) => sum + supervisedTokens(batch), 0),
      clipped,
      guards,
      ...(look ? { look } : {}),
    };
  }

  async state(): Promise<DecoderState> {
    const fingerprint = this.#fingerprint;
    return { format: 1, recipe: "decoder", fingerprint, ...(await this.#progress.state()) };
  }

  weights(): Promise<Weights> {
    return this.#ground.executables.weights();
  }

  async keep(): Promise<TrainedDecoder> {
    const { layout, job } = this.#ground;
    const { best, place, losses, looks, guards, clipped } = this.#progress;
    const { total } = layout.schedule;
    return {
      tuned: layout.decoder.finished(job.base, await this.#progress.kept()),
      step: best?.step ?? place,
      totalSteps: total,
      losses: [...losses],
      looks: [...looks],
      guards: [...guards],
      clipped,
      tokens: Math.round((this.plan.tokens * losses.length) / total),
      notes: [...layout.notes, ...this.#progress.notes(total, NOTHING_BETTER)],
    };
  }

  dispose(): void {
    this.#ground.executables.dispose();
  }
}
