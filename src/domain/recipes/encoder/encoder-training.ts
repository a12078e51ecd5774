// One fine-tune, read downward: look at the base; take batches in the order of the schedule; every 5 % look at the held-out
// questions and remember the state as good; keep the best look's weights; stop when none was better for a while. Guards
// may send the run back to the last good state (guards.ts). A run that was resumed takes the state it was saved in as good.
import { RetuneError } from "../../../engine/errors.ts";
import { EQUAL_WEIGHTS, fusionOf } from "../../eval/fusion.ts";
import type { NamedWeights } from "../../models/encoder-model.ts";
import type { Weights } from "../../matrix.ts";
import { nextYield } from "../back-pressure.ts";
import type { EncoderGround } from "./encoder-ground.ts";
import type { EncoderLook, EncoderStep, GuardEvent } from "./encoder-job.ts";
import type { EncoderMeasurement, EncoderRun, TrainedEncoder } from "./encoder-run.ts";
import { checkState, type EncoderState } from "./encoder-state.ts";
import { LossGuard, rollbackEvent, type Verdict } from "./guards.ts";
import { measureSteps } from "./measure.ts";
import { lossFeedsAt } from "./step-feeds.ts";

/** A state that the run may go back to. */
interface GoodState {
  readonly place: number;
  readonly taken: number; // steps that stood then: length of `losses`
  readonly sinceLook: number;
  readonly tensors: Record<string, Float32Array>;
}

const LEFT_OF_RATE = 0.5; // after numbers that were not finite

export class EncoderTraining implements EncoderRun {
  readonly plan: EncoderRun["plan"];
  readonly #ground: EncoderGround;
  readonly #fingerprint: string;
  #place = 0; // in the schedule
  #losses: number[] = [];
  #norms: number[] = [];
  #looks: EncoderLook[] = [];
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

  constructor(ground: EncoderGround, fingerprint: string) {
    this.#ground = ground;
    this.#fingerprint = fingerprint;
    this.plan = ground.estimate;
  }

  /** At the beginning, or where `saved` stands. */
  begin(saved: EncoderState | undefined): void {
    const { executables, initial, settings } = this.#ground;
    executables.reset(initial);
    if (!saved) return;
    checkState(saved, this.#fingerprint, settings.recipe);
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

  measure(steps = 5): Promise<EncoderMeasurement> {
    return measureSteps(this.#ground, steps);
  }

  async *steps(): AsyncGenerator<EncoderStep, TrainedEncoder, void> {
    const { schedule, rhythm, lookEvery } = this.#ground;
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

  /** Takes the batches up to `until`, or goes back. */
  async #take(until: number): Promise<readonly GuardEvent[]> {
    const { taker, schedule } = this.#ground;
    const places: number[] = [];
    for (let place = this.#place; place < until; place++) {
      if (this.#skipped.has(place)) continue;
      const batch = this.#ground.batchAt(place);
      const learningRate = schedule.rateAt(place) * this.#rateFactor;
      const feeds = await lossFeedsAt(this.#ground, batch);
      await taker.run(batch, feeds, { learningRate, counter: place });
      places.push(place);
    }
    this.#place = until;
    const rows = await taker.collect();
    const before = this.#guards.length;
    for (const [index, place] of places.entries()) {
      const [loss, norm] = [rows[index]!["loss"]!, rows[index]!["norm"]!];
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
    if (norm > this.#ground.settings.clip) this.#clipped++;
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

  async #look(): Promise<EncoderLook | undefined> {
    const { heldOut, executables } = this.#ground;
    if (!heldOut) return undefined;
    const { dense10, hybrid10 } = await heldOut.look((sequences) => executables.embed(sequences));
    const since = this.#sinceLook > 0 ? this.#losses.slice(-this.#sinceLook) : [];
    const loss = since.length > 0 ? since.reduce((sum, own) => sum + own, 0) / since.length : null;
    this.#sinceLook = 0;
    const look = { step: this.#place, dense: dense10, hybrid: hybrid10, loss };
    this.#looks.push(look);
    const best = this.#best === null ? undefined : this.#looks[this.#best]!;
    if (!best || look.hybrid > best.hybrid || (look.hybrid === best.hybrid && look.dense > best.dense)) {
      this.#best = this.#looks.length - 1;
      this.#bestWeights = this.#best === 0 ? undefined : await executables.weights();
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
    const { validation } = this.#ground.settings;
    if (this.#stopped !== undefined) return true;
    if (!validation || this.#best === null) return false;
    return this.#looks.length - 1 - this.#best >= validation.patience;
  }

  #event(look: EncoderLook | undefined, guards: readonly GuardEvent[]): EncoderStep {
    const { schedule } = this.#ground;
    const last = Math.max(0, this.#place - 1);
    return {
      phase: "final",
      step: this.#place,
      totalSteps: schedule.total,
      epoch: this.#place / schedule.stepsPerEpoch,
      loss: this.#losses.at(-1) ?? 0,
      learningRate: schedule.rateAt(last) * this.#rateFactor,
      gradientNorm: this.#norms.at(-1) ?? 0,
      tokens: this.#ground.batchAt(last).tokens,
      clipped: this.#clipped,
      guards,
      ...(look
        ? {
            look,
            validation: { step: look.step, mrr: look.hybrid, best: this.#looks[this.#best!]!.hybrid },
          }
        : {}),
    };
  }

  async state(): Promise<EncoderState> {
    const tensors = await this.#ground.executables.capture();
    for (const [name, { values }] of this.#bestWeights ?? []) tensors[`best.${name}`] = values;
    return {
      format: 1,
      recipe: this.#ground.settings.recipe,
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

  weights(): Promise<NamedWeights> {
    return this.#ground.executables.weights();
  }

  async keep(): Promise<TrainedEncoder> {
    const { settings, schedule, encoder, executables, initial } = this.#ground;
    const best = this.#best === null ? undefined : this.#looks[this.#best]!;
    const weights = best ? (this.#bestWeights ?? initial) : await executables.weights();
    const fusion = fusionOf(EQUAL_WEIGHTS);
    const { learningRate, batchSize } = settings;
    const step = best?.step ?? this.#place;
    return {
      tuned: encoder.finished(weights),
      chosen: {
        learningRate,
        batchSize,
        epochs: step / schedule.stepsPerEpoch,
        step,
        totalSteps: schedule.total,
      },
      fusion: { base: fusion, tuned: fusion },
      losses: [...this.#losses],
      looks: [...this.#looks],
      heldOut: best ? { base: this.#looks[0]!.hybrid, tuned: best.hybrid } : null,
      guards: [...this.#guards],
      clipped: this.#clipped,
      notes: [...this.#ground.notes, ...this.#notes()],
    };
  }

  #notes(): string[] {
    const { total } = this.#ground.schedule;
    const notes: string[] = [];
    if (this.#best === 0 && this.#looks.length > 1) {
      notes.push("No look beat the base on held-out questions, so the base's weights are kept.");
    }
    if (this.#stopped !== undefined) notes.push(this.#stopped);
    else if (this.#place < total) notes.push(`Stopped at step ${this.#place} of ${total}.`);
    return notes;
  }

  dispose(): void {
    this.#ground.taker.dispose();
    this.#ground.executables.dispose();
  }
}

function skippedEvent(place: number, learningRateFactor: number): GuardEvent {
  return {
    kind: "not-finite",
    step: place + 1,
    back: place + 1,
    learningRateFactor,
    text: `Step ${place + 1} gave a loss or gradient that is no finite number; it changed nothing.`,
  };
}

function bestOf(initial: Weights, tensors: EncoderState["tensors"]): Weights {
  return new Map(
    Array.from(initial, ([name, own]) => {
      const values = tensors[`best.${name}`];
      if (values?.length === own.values.length) return [name, { ...own, values }];
      throw new RetuneError("corrupt", `resume: the checkpoint lacks the tensor "best.${name}"`);
    }),
  );
}
