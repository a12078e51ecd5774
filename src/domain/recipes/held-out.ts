import { rowOf, type Matrix } from "../matrix.ts";
import { lookAt, type Look } from "./held-out-look.ts";
import type { SearchGround } from "./search-ground.ts";

const KEPT_FLOATS = 32e6; // scores kept, so that fusion weights need no second training

/** The held-out questions of every fold: how the base ranks them, and how the adapter under training does. */
export class HeldOut {
  readonly #ground: SearchGround;
  readonly #base: readonly Matrix[]; // a fold: [H, N]
  readonly #positives: readonly (readonly (readonly number[])[])[]; // a fold: [H]
  readonly #kept = new Map<string, Matrix>();
  #keptFloats = 0;

  constructor(ground: SearchGround, base: readonly Matrix[]) {
    this.#ground = ground;
    this.#base = base;
    this.#positives = ground.folds.map(({ held }) =>
      Array.from(held, (query) => ground.data.positives[query]!),
    );
  }

  /** Scores every held-out question by the base vectors. */
  static async open(ground: SearchGround): Promise<HeldOut> {
    const base: Matrix[] = [];
    for (const { held, padded } of ground.folds) {
      base.push(cut(await ground.steps.scores(padded, "base"), held.length, ground.data.corpus.rows));
    }
    return new HeldOut(ground, base);
  }

  base(fold: number): Matrix {
    return this.#base[fold]!;
  }

  /** MRR@10 of the base, mean over all held-out questions. */
  baseMrr(): number {
    const { folds } = this.#ground;
    const total = folds.reduce((sum, { held }) => sum + held.length, 0);
    return folds.reduce(
      (sum, { held }, fold) => sum + (this.foldMrr(fold) * held.length) / Math.max(1, total),
      0,
    );
  }

  /** MRR@10 of the base on one fold. */
  foldMrr(fold: number): number {
    return lookAt(this.#base[fold]!, this.#base[fold]!, this.#positives[fold]!, [0]).mrr[0]!;
  }

  /** A look at a fold by the weights as they are now; its scores are kept while there is room. */
  async look(fold: number, key: string): Promise<Look> {
    const adapted = await this.scores(fold);
    if (this.#keptFloats + adapted.values.length <= KEPT_FLOATS) {
      this.#kept.set(key, adapted);
      this.#keptFloats += adapted.values.length;
    }
    return lookAt(this.#base[fold]!, adapted, this.#positives[fold]!, this.#ground.search.strengths);
  }

  /** Scores of a fold by the weights as they are now, [H, N]. */
  async scores(fold: number): Promise<Matrix> {
    const { held, padded } = this.#ground.folds[fold]!;
    return cut(
      await this.#ground.steps.scores(padded, "adapted"),
      held.length,
      this.#ground.data.corpus.rows,
    );
  }

  kept(key: string): Matrix | undefined {
    return this.#kept.get(key);
  }

  forget(): void {
    this.#kept.clear();
    this.#keptFloats = 0;
  }
}

function cut(scores: Float32Array, rows: number, columns: number): Matrix {
  return { rows, columns, values: scores.subarray(0, rows * columns) };
}

/** S(α) = (1 − α)·S₀ + α·S₁ */
export function scoresAt(base: Matrix, adapted: Matrix, strength: number): Matrix {
  const values = new Float32Array(base.values.length);
  for (let row = 0; row < base.rows; row++) {
    const from = rowOf(base, row);
    const to = rowOf(adapted, row);
    const start = row * base.columns;
    for (let j = 0; j < from.length; j++) values[start + j] = (1 - strength) * from[j]! + strength * to[j]!;
  }
  return { ...base, values };
}
