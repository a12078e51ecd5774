// The books of a guarded fine-tune: which steps stand, what the looks said and which was best, what the guards (encoder/guards.ts) undid.
// Encoders and decoders keep them alike, so both pause, go back and resume to the same bits. What a step, a look and its figure are is
// the recipe's.
import { RetuneError } from "../../engine/errors.ts";
import type { Weights } from "../matrix.ts";
import type { GuardEvent } from "./encoder/encoder-job.ts";
import { LossGuard, rollbackEvent, type Verdict } from "./encoder/guards.ts";

/** With the tensors of a state, all that a run needs to go on: plain JSON. */
export interface RunProgress<Look> {
  readonly step: number; // place in the schedule: steps taken or skipped
  readonly losses: readonly number[]; // one a step
  readonly norms: readonly number[]; // gradient norms before clipping, one a step
  readonly looks: readonly Look[];
  readonly best: number | null; // index in `looks` of the best one, whose weights are the tensors "best.…"
  readonly rateFactor: number; // what the guards left of the learning rate
  readonly rollbacks: number;
  readonly skipped: readonly number[]; // steps that a guard left out, by place in the schedule
  readonly guards: readonly GuardEvent[];
  readonly clipped: number;
  readonly sinceLook: number; // steps counted since the last look
}

export type StateTensors = Readonly<Record<string, Float32Array>>; // "w", "w.m", "w.v" of every trained tensor, "step", "best.w"

/** Where the trained tensors lie. */
export interface TrainedTensors {
  reset(weights: Weights): void;
  weights(): Promise<Weights>;
  capture(): Promise<Record<string, Float32Array>>;
  restore(tensors: StateTensors): void;
}

/** What a step came to. */
export interface StepFigures {
  readonly loss: number;
  readonly norm: number; // of the gradient, before clipping
}

/** A state that the run may go back to. */
interface GoodState {
  readonly place: number;
  readonly taken: number; // steps that stood then: length of `losses`
  readonly sinceLook: number;
  readonly tensors: Record<string, Float32Array>;
}

const LEFT_OF_RATE = 0.5; // after numbers that were not finite

export class GuardedProgress<Look extends { readonly step: number }> {
  readonly #tensors: TrainedTensors;
  readonly #initial: Weights;
  readonly #clip: number;
  #place = 0; // in the schedule
  #losses: number[] = [];
  #norms: number[] = [];
  #looks: Look[] = [];
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

  /** @param clip gradient norm above which a step counts as clipped */
  constructor(tensors: TrainedTensors, initial: Weights, clip: number) {
    this.#tensors = tensors;
    this.#initial = initial;
    this.#clip = clip;
  }

  /** At the beginning, or where `saved` stands; "corrupt" where a tensor of it is missing. */
  begin(saved?: { readonly progress: RunProgress<Look>; readonly tensors: StateTensors }): void {
    this.#tensors.reset(this.#initial);
    if (!saved) return;
    const { progress, tensors } = saved;
    this.#tensors.restore(tensors);
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
    if (progress.best) this.#bestWeights = bestOf(this.#initial, tensors);
  }

  get place(): number {
    return this.#place;
  }

  get losses(): readonly number[] {
    return this.#losses;
  }

  get looks(): readonly Look[] {
    return this.#looks;
  }

  get guards(): readonly GuardEvent[] {
    return this.#guards;
  }

  get rateFactor(): number {
    return this.#rateFactor;
  }

  get clipped(): number {
    return this.#clipped;
  }

  /** A guard's last word, after which nothing more is trained. */
  get stopped(): string | undefined {
    return this.#stopped;
  }

  /** The best look so far. */
  get best(): Look | undefined {
    return this.#best === null ? undefined : this.#looks[this.#best];
  }

  /** Of the last step that stands; 0 before any. */
  get last(): StepFigures {
    return { loss: this.#losses.at(-1) ?? 0, norm: this.#norms.at(-1) ?? 0 };
  }

  /** Places up to `until` that no guard left out. */
  places(until: number): readonly number[] {
    const places = Array.from({ length: until - this.#place }, (_, index) => this.#place + index);
    return places.filter((place) => !this.#skipped.has(place));
  }

  /** The run stands at `until`, or where a guard sent it; `figures` are those of `places`. What the guards did. */
  settle(until: number, places: readonly number[], figures: readonly StepFigures[]): readonly GuardEvent[] {
    this.#place = until;
    const before = this.#guards.length;
    for (const [index, place] of places.entries()) {
      const { loss, norm } = figures[index]!;
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
    if (norm > this.#clip) this.#clipped++;
  }

  #back(place: number, verdict: Exclude<Verdict, { kind: "ok" | "skipped" }>): void {
    const good = this.#good!;
    this.#tensors.restore(good.tensors);
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

  /** Mean loss of the steps since the last look, null where there were none; the next look counts anew. */
  lossSinceLook(): number | null {
    const since = this.#sinceLook > 0 ? this.#losses.slice(-this.#sinceLook) : [];
    this.#sinceLook = 0;
    return since.length > 0 ? since.reduce((sum, own) => sum + own, 0) / since.length : null;
  }

  /** Notes a look; keeps the weights where it is the first or better than the best. */
  async looked(look: Look, better: (look: Look, best: Look) => boolean): Promise<void> {
    const { best } = this;
    this.#looks.push(look);
    if (best && !better(look, best)) return;
    this.#best = this.#looks.length - 1;
    this.#bestWeights = this.#best === 0 ? undefined : await this.#tensors.weights();
  }

  /** Remembers the state as one to go back to: the first time, and wherever nothing is under suspicion. */
  async remember(): Promise<void> {
    if (this.#good && !this.#guard.calm) return;
    const tensors = await this.#tensors.capture();
    const [place, taken, sinceLook] = [this.#place, this.#losses.length, this.#sinceLook];
    this.#good = { place, taken, sinceLook, tensors };
  }

  /** No new best for as many looks as `patience` allows (undefined: any), or a guard's last word. */
  finished(patience: number | undefined): boolean {
    if (this.#stopped !== undefined) return true;
    if (patience === undefined || this.#best === null) return false;
    return this.#looks.length - 1 - this.#best >= patience;
  }

  async state(): Promise<{ readonly progress: RunProgress<Look>; readonly tensors: StateTensors }> {
    const tensors = await this.#tensors.capture();
    for (const [name, { values }] of this.#bestWeights ?? []) tensors[`best.${name}`] = values;
    const progress = {
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
    };
    return { progress, tensors };
  }

  /** The best look's weights, or the last ones where nothing was looked at. */
  async kept(): Promise<Weights> {
    return this.#best === null ? this.#tensors.weights() : (this.#bestWeights ?? this.#initial);
  }

  /** For people: `nothingBetter` where looks kept the beginning, and why the run ended early. */
  notes(total: number, nothingBetter: string): readonly string[] {
    const notes = this.#best === 0 && this.#looks.length > 1 ? [nothingBetter] : [];
    if (this.#stopped !== undefined) return [...notes, this.#stopped];
    return this.#place < total ? [...notes, `Stopped at step ${this.#place} of ${total}.`] : notes;
  }
}

function bestOf(initial: Weights, tensors: StateTensors): Weights {
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
