// One fine-tune, read downward: look at the base; take steps in the order of the schedule; every tenth of the run look at the
// validation rows and remember the state as good; keep the best look's weights; stop when none was better for a while, where that
// is asked for. Guards may send the run back to the last good state (encoder/guards.ts). A run that was resumed takes the state it
// was saved in as good.
import { RetuneError } from "../../../engine/errors.ts";
import type { Weights } from "../../matrix.ts";
import { nextYield } from "../back-pressure.ts";
import type { GuardEvent } from "../encoder/encoder-job.ts";
import { LossGuard, rollbackEvent, type Verdict } from "../encoder/guards.ts";
import { validationLoss, type DecoderGround } from "./decoder-ground.ts";
import type { DecoderLook, DecoderStep } from "./decoder-job.ts";
import { tokensOf } from "./decoder-layout.ts";
import { measureSteps } from "./decoder-measure.ts";
import type { DecoderMeasurement, DecoderRun, TrainedDecoder } from "./decoder-run.ts";
import { checkState, type DecoderState } from "./decoder-state.ts";
import { supervisedTokens } from "../../models/llama/supervision.ts";

/** A state that the run may go back to. */
interface GoodState {
  readonly place: number;
  readonly taken: number; // steps that stood then: length of `losses`
  readonly sinceLook: number;
  readonly tensors: Record<string, Float32Array>;
}

const LEFT_OF_RATE = 0.5; // after numbers that were not finite

export class DecoderTraining implements DecoderRun {
  readonly plan: DecoderRun["plan"];
  readonly #ground: DecoderGround;
  readonly #fingerprint: string;
  #place = 0; // in the schedule
  #losses: number[] = [];
  #norms: number[] = [];
  #looks: DecoderLook[] = [];
  #best: number | null = null; // in #looks
  #bestWeights: Weights | undefined; // absent: the initial ones
  #rateFactor = 1;
  #skipped = new Set<number>();
  #guards: GuardEvent[] = [];
  #guard = new LossGuard();
  #clipped = 0;
  #sinceLook = 0; // steps counted since the last look
  #good: GoodState | undefined;
  #stopped: string | undefined;

  constructor(ground: DecoderGround, fingerprint: string) {
    this.#ground = ground;
    this.#fingerprint = fingerprint;
    this.plan = ground.estimate;
  }

  /** At the beginning, or where `saved` stands. */
  begin(saved: DecoderState | undefined): void {
    const { executables, initial } = this.#ground;
    executables.reset(initial);
    if (!saved) return;
    checkState(saved, this.#fingerprint);
    const { progress, tensors } = saved;
    executables.restore(tensors);
    this.#place = progress.step;
    this.#losses = [...progress.losses];
    this.#norms = [...progress.norms];
    this.#looks = [...progress.looks];
    this.#best = progress.best;
    this.#rateFactor = progress.rateFactor;
    this.#skipped = new Set(progress.skipped);
    this.#guards = [...progress.guards];
    this.#guard = new LossGuard(this.#losses, progress.rollbacks);
    this.#clipped = progress.clipped;
    this.#sinceLook = progress.sinceLook;
    if (progress.best) this.#bestWeights = bestOf(initial, tensors);
  }

  measure(steps = 5): Promise<DecoderMeasurement> {
    return measureSteps(this.#ground, steps);
  }

  async *steps(): AsyncGenerator<DecoderStep, TrainedDecoder, void> {
    const { rhythm, layout } = this.#ground;
    const { schedule, lookEvery } = layout;
    if (this.#looks.length === 0) await this.#look();
    if (!this.#good) await this.#remember();
    while (this.#place < schedule.total && !this.#finished()) {
      const nextLook = Math.min(schedule.total, (Math.floor(this.#place / lookEvery) + 1) * lookEvery);
      const until = nextYield(this.#place, nextLook, rhythm);
      const guards = await this.#take(until);
      const due = this.#place === nextLook && !this.#stopped;
      const look = due ? await this.#look() : undefined;
      if (due && this.#guard.calm) await this.#remember();
      yield this.#event(look, guards);
    }
    return await this.keep();
  }

  /** Takes the steps up to `until`, or goes back. */
  async #take(until: number): Promise<readonly GuardEvent[]> {
    const { steps, layout } = this.#ground;
    const places: number[] = [];
    for (let place = this.#place; place < until; place++) {
      if (this.#skipped.has(place)) continue;
      const learningRate = layout.schedule.rateAt(place) * this.#rateFactor;
      await steps.run(layout.schedule.at(place).batches, { learningRate, place });
      places.push(place);
    }
    this.#place = until;
    const rows = await steps.collect();
    const before = this.#guards.length;
    for (const [index, place] of places.entries()) {
      const { loss, norm } = rows[index]!;
      const verdict = this.#guard.observe(place, loss, norm);
      if (verdict.kind === "ok") this.#count(loss, norm);
      else if (verdict.kind === "skipped") this.#guards.push(skippedEvent(place, this.#rateFactor));
      else {
        this.#back(place, verdict);
        break; // what came after it in the same pull is undone
      }
    }
    return this.#guards.slice(before);
  }

  #count(loss: number, norm: number): void {
    this.#losses.push(loss);
    this.#norms.push(norm);
    this.#sinceLook++;
    if (norm > this.#ground.layout.settings.clip) this.#clipped++;
  }

  #back(place: number, verdict: Exclude<Verdict, { kind: "ok" | "skipped" }>): void {
    const good = this.#good!;
    this.#ground.executables.restore(good.tensors);
    this.#place = good.place;
    this.#losses.length = good.taken;
    this.#norms.length = good.taken;
    this.#sinceLook = good.sinceLook;
    this.#guard.rewind(this.#losses);
    if (verdict.kind === "stop") {
      this.#stopped = verdict.text;
      const [back, learningRateFactor] = [good.place, this.#rateFactor];
      this.#guards.push({ kind: "stopped", step: place + 1, back, learningRateFactor, text: verdict.text });
      return;
    }
    if (verdict.cause === "not-finite") this.#rateFactor *= LEFT_OF_RATE;
    else for (const batch of verdict.batches) this.#skipped.add(batch);
    this.#guards.push(rollbackEvent(verdict.cause, place + 1, good.place, this.#rateFactor));
  }

  async #look(): Promise<DecoderLook | undefined> {
    if (this.#ground.layout.validation.length === 0) return undefined;
    const loss = await validationLoss(this.#ground);
    const since = this.#sinceLook > 0 ? this.#losses.slice(-this.#sinceLook) : [];
    const trainingLoss = since.length > 0 ? since.reduce((sum, own) => sum + own, 0) / since.length : null;
    this.#sinceLook = 0;
    const look = { step: this.#place, loss, perplexity: Math.exp(loss), trainingLoss };
    this.#looks.push(look);
    const best = this.#best === null ? undefined : this.#looks[this.#best]!;
    if (!best || loss < best.loss) {
      this.#best = this.#looks.length - 1;
      this.#bestWeights = this.#best === 0 ? undefined : await this.#ground.executables.weights();
    }
    return look;
  }

  async #remember(): Promise<void> {
    const tensors = await this.#ground.executables.capture();
    const [place, taken, sinceLook] = [this.#place, this.#losses.length, this.#sinceLook];
    this.#good = { place, taken, sinceLook, tensors };
  }

  /** No new best for as many looks as patience allows, or a guard's last word. */
  #finished(): boolean {
    const { validation } = this.#ground.layout.settings;
    if (this.#stopped !== undefined) return true;
    if (!validation || this.#best === null) return false;
    return this.#looks.length - 1 - this.#best >= validation.patience;
  }

  #event(look: DecoderLook | undefined, guards: readonly GuardEvent[]): DecoderStep {
    const { schedule } = this.#ground.layout;
    const last = Math.max(0, this.#place - 1);
    const { batches } = schedule.at(last);
    return {
      step: this.#place,
      totalSteps: schedule.total,
      epoch: this.#place / schedule.stepsPerEpoch,
      loss: this.#losses.at(-1) ?? 0,
      learningRate: schedule.rateAt(last) * this.#rateFactor,
      gradientNorm: this.#norms.at(-1) ?? 0,
      tokens: batches.reduce((sum, batch) => sum + tokensOf(batch), 0),
      learntTokens: batches.reduce((sum, batch) => sum + supervisedTokens(batch), 0),
      clipped: this.#clipped,
      guards,
      ...(look ? { look } : {}),
    };
  }

  async state(): Promise<DecoderState> {
    const tensors = await this.#ground.executables.capture();
    for (const [name, { values }] of this.#bestWeights ?? []) tensors[`best.${name}`] = values;
    return {
      format: 1,
      recipe: "decoder",
      fingerprint: this.#fingerprint,
      progress: {
        step: this.#place,
        losses: [...this.#losses],
        norms: [...this.#norms],
        looks: [...this.#looks],
        best: this.#best,
        rateFactor: this.#rateFactor,
        rollbacks: this.#guard.rollbacks,
        skipped: [...this.#skipped],
        guards: [...this.#guards],
        clipped: this.#clipped,
        sinceLook: this.#sinceLook,
      },
      tensors,
    };
  }

  weights(): Promise<Weights> {
    return this.#ground.executables.weights();
  }

  async keep(): Promise<TrainedDecoder> {
    const { layout, executables, initial, job } = this.#ground;
    const best = this.#best === null ? undefined : this.#looks[this.#best]!;
    const weights = best ? (this.#bestWeights ?? initial) : await executables.weights();
    return {
      tuned: layout.decoder.finished(job.base, weights),
      step: best?.step ?? this.#place,
      totalSteps: layout.schedule.total,
      losses: [...this.#losses],
      looks: [...this.#looks],
      guards: [...this.#guards],
      clipped: this.#clipped,
      tokens: Math.round((this.plan.tokens * this.#losses.length) / layout.schedule.total),
      notes: [...layout.notes, ...this.#notes()],
    };
  }

  #notes(): string[] {
    const { total } = this.#ground.layout.schedule;
    const notes: string[] = [];
    if (this.#best === 0 && this.#looks.length > 1) {
      notes.push(
        "No look had a lower loss on validation rows than the base, so nothing of the training is kept.",
      );
    }
    if (this.#stopped !== undefined) notes.push(this.#stopped);
    else if (this.#place < total) notes.push(`Stopped at step ${this.#place} of ${total}.`);
    return notes;
  }

  dispose(): void {
    this.#ground.executables.dispose();
  }
}

function bestOf(initial: Weights, tensors: DecoderState["tensors"]): Weights {
  return new Map(
    Array.from(initial, ([name, { shape, values: own }]) => {
      const values = tensors[`best.${name}`];
      if (values?.length === own.length) return [name, { shape, values }];
      throw new RetuneError("corrupt", `resume: the checkpoint lacks the tensor "best.${name}"`);
    }),
  );
}

function skippedEvent(place: number, learningRateFactor: number): GuardEvent {
  const text = `Step ${place + 1} gave a loss or gradient that is no finite number; it changed nothing.`;
  return { kind: "not-finite", step: place + 1, back: place + 1, learningRateFactor, text };
}
