// What a run does when its numbers go wrong (reliability.md R7, R8):
//   not finite   a step whose loss or gradient is no number changes nothing (the optimizer skips it); three in a row: back to
//                the last good state with half the learning rate; at the fourth such time the run stops with a diagnosis.
//   spike        loss > median + 6 · deviation of the last 32 losses, three steps in a row: back to the last good state,
//                and those batches are left out. deviation = MAD, at least 5 % of the median of the first 32 losses: a
//                loss near zero may double without being a spike.
import { median } from "../../eval/statistics.ts";
import type { GuardEvent } from "./encoder-job.ts";

const WINDOW = 32;
const DEVIATIONS = 6;
const IN_A_ROW = 3;
const MOST_ROLLBACKS = 3;
const LEAST_SHARE = 0.05;

/** What a step's outcome asks for. "skipped": the optimizer left it out; the run goes on. */
export type Verdict =
  | { readonly kind: "ok" }
  | { readonly kind: "skipped" }
  | {
      readonly kind: "back";
      readonly cause: "not-finite" | "spike";
      readonly batches: readonly number[];
    }
  | { readonly kind: "stop"; readonly text: string };

/** Watches losses; knows nothing of weights. `places` are positions in the schedule. */
export class LossGuard {
  #losses: number[]; // finite ones of the steps that stand
  #bad: number[] = []; // places of the last steps that were not finite
  #high: { readonly place: number; readonly loss: number }[] = [];
  #rollbacks: number;

  /** @param losses of the steps taken so far, where a run is resumed */
  constructor(losses: readonly number[] = [], rollbacks = 0) {
    this.#losses = [...losses];
    this.#rollbacks = rollbacks;
  }

  get rollbacks(): number {
    return this.#rollbacks;
  }

  /** Whether nothing is under suspicion: the moment to remember a state as good. */
  get calm(): boolean {
    return this.#bad.length === 0 && this.#high.length === 0;
  }

  /** The outcome of the step at `place`: its loss and gradient norm. */
  observe(place: number, loss: number, norm: number): Verdict {
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) return this.#notFinite(place);
    this.#bad = [];
    if (loss > this.#limit()) {
      this.#high.push({ place, loss });
      if (this.#high.length < IN_A_ROW) return { kind: "ok" };
      return this.#back(
        "spike",
        this.#high.map((own) => own.place),
      );
    }
    this.#losses.push(...this.#high.map((own) => own.loss), loss); // a lone high loss is a loss like others
    this.#high = [];
    return { kind: "ok" };
  }

  /** After going back: what stood then. */
  rewind(losses: readonly number[]): void {
    this.#losses = [...losses];
    this.#bad = [];
    this.#high = [];
  }

  #notFinite(place: number): Verdict {
    this.#bad.push(place);
    return this.#bad.length < IN_A_ROW ? { kind: "skipped" } : this.#back("not-finite", this.#bad);
  }

  #back(cause: "not-finite" | "spike", batches: readonly number[]): Verdict {
    if (++this.#rollbacks <= MOST_ROLLBACKS) return { kind: "back", cause, batches: [...batches] };
    const what = cause === "spike" ? "the loss ran away" : "loss or gradients were no finite numbers";
    return {
      kind: "stop",
      text:
        `${what} a ${MOST_ROLLBACKS + 1}th time at step ${batches.at(-1)! + 1}; the weights kept are the last good ones. ` +
        "Lower the learning rate, or look at the texts of these batches for empty or broken ones.",
    };
  }

  /** Infinity until there are enough losses to know what is usual. */
  #limit(): number {
    if (this.#losses.length < WINDOW) return Infinity;
    const recent = this.#losses.slice(-WINDOW);
    const middle = median(recent);
    const spread = median(recent.map((loss) => Math.abs(loss - middle)));
    const least = LEAST_SHARE * median(this.#losses.slice(0, WINDOW));
    return middle + DEVIATIONS * Math.max(spread, least);
  }
}

/** The record of going back from `step` to `back`. */
export function rollbackEvent(
  cause: "not-finite" | "spike",
  step: number,
  back: number,
  factor: number,
): GuardEvent {
  const text =
    cause === "spike"
      ? `The loss rose far above its usual range for three steps; training went back to step ${back} and leaves those batches out.`
      : `Three steps gave no finite numbers; training went back to step ${back} with ${factor} of the learning rate.`;
  return { kind: cause, step, back, learningRateFactor: factor, text };
}
