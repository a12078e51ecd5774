import type { RouterDataset } from "../../data/router-dataset.ts";
import {
  calibrate,
  fitPlatt,
  logLoss,
  type Calibration,
  type ConfidenceSignal,
  type Observation,
} from "../../eval/calibration.ts";
import { answerOf, bestOf, confidenceOf, noneWeight } from "../../eval/classification.ts";
import { rowOf, type Matrix } from "../../matrix.ts";

const VALUES = 6; // rank, right, top, margin, top and margin without the right choices (NaN where none is left)

/**
 * What each look saw of each example while it was held out: enough to choose the look and to calibrate, in a few numbers
 * an example, so that a checkpoint can hold it. Look 0 is the untrained router.
 */
export class HeldOutAnswers {
  readonly values: Float32Array; // [looks, examples, VALUES]
  readonly #looks: number;
  readonly #right: readonly (readonly number[])[];

  constructor(looks: number, right: readonly (readonly number[])[], values?: Float32Array) {
    this.#looks = looks;
    this.#right = right;
    this.values = values ?? new Float32Array(looks * right.length * VALUES);
  }

  /** Notes the scores [examples.length, choices] of held-out examples at a look. */
  note(look: number, examples: readonly number[], scores: Matrix): void {
    for (const [index, example] of examples.entries()) {
      const row = rowOf(scores, index);
      const right = this.#right[example]!;
      const rest = row.filter((_, column) => !right.includes(column));
      const left = right.length > 0 && rest.length > 1;
      this.values.set(
        [
          answerOf(row, right, undefined).rank,
          right.includes(bestOf(row)) ? 1 : 0,
          confidenceOf(row, "top"),
          confidenceOf(row, "margin"),
          left ? confidenceOf(rest, "top") : NaN,
          left ? confidenceOf(rest, "margin") : NaN,
        ],
        (look * this.#right.length + example) * VALUES,
      );
    }
  }

  /** Accuracy over answerable examples at a look. */
  accuracy(look: number): number {
    return this.#mean(look, ([rank]) => (rank === 1 ? 1 : 0));
  }

  mrr(look: number): number {
    return this.#mean(look, ([rank]) => 1 / rank!);
  }

  /** The look with the best accuracy, of equal ones that with the better MRR, then the earliest. */
  best(): number {
    let best = 0;
    for (let look = 1; look < this.#looks; look++) {
      const gain = this.accuracy(look) - this.accuracy(best);
      if (gain > 0 || (gain === 0 && this.mrr(look) > this.mrr(best))) best = look;
    }
    return best;
  }

  /** Probabilities and threshold from a look; the signal with the lower cross-entropy is taken. */
  calibration(look: number, precision: number): Calibration {
    const kinds = (["top", "margin"] as const).map((signal) => {
      const observations = this.#observations(look, signal);
      return { signal, observations, loss: logLoss(fitPlatt(observations), observations) };
    });
    const chosen = kinds.reduce((best, kind) => (kind.loss < best.loss ? kind : best));
    return calibrate(chosen.observations, chosen.signal, precision);
  }

  #observations(look: number, signal: ConfidenceSignal): Observation[] {
    const at = signal === "top" ? 2 : 3;
    const rows = this.#right.map((_, example) => this.#row(look, example));
    const own = rows.map((row): Observation => ({ score: row[at]!, right: row[1] === 1, weight: 1 }));
    if (this.#right.some((right) => right.length === 0)) return own;
    const without = rows.map((row) => row[at + 2]!).filter((score) => !Number.isNaN(score));
    const weight = noneWeight(own.length, without.length);
    return [...own, ...without.map((score): Observation => ({ score, right: false, weight }))];
  }

  #mean(look: number, value: (row: Float32Array) => number): number {
    const answerable = this.#right.flatMap((right, example) => (right.length > 0 ? [example] : []));
    const sum = answerable.reduce((total, example) => total + value(this.#row(look, example)), 0);
    return sum / Math.max(1, answerable.length);
  }

  #row(look: number, example: number): Float32Array {
    const start = (look * this.#right.length + example) * VALUES;
    return this.values.subarray(start, start + VALUES);
  }
}

/** Rows of a dataset's examples that a part of it holds, by id. */
export function rowsOf(dataset: RouterDataset, part: RouterDataset): number[] {
  const places = new Map(dataset.examples.map(({ id }, index) => [id, index]));
  return part.examples.map(({ id }) => places.get(id)!);
}
