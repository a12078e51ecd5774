// Adapters trained on parts of a training file with settings that are settled: what learning curves and held-out
// judgements are made of. Nothing is searched, so a trial takes a second where a run takes ten.
import type { Backend } from "../../engine/backend.ts";
import { RetuneError } from "../../engine/errors.ts";
import { selectRows, type Weights } from "../matrix.ts";
import { mergeAdapter } from "../models/merge-adapter.ts";
import type { RunControl } from "../ports.ts";
import { openCompatibleRun } from "./adapter-compatible.ts";
import type { AdapterSettings, ChosenSettings } from "./adapter-job.ts";
import { finalSteps, layGround, stepsTo, type SearchGround } from "./search-ground.ts";
import { takeSteps } from "./stretch.ts";
import { foldsOf, prepareData, type TrainingData } from "./training-data.ts";

/** What was settled where a run chose nothing: the centre of its search. */
export const USUAL: Omit<ChosenSettings, "epochs"> = { learningRate: 3e-4, scale: 50, alpha: 1 };

/** One compiled recipe, trained as often as wanted on questions of one file. */
export class AdapterTrials {
  readonly data: TrainingData;
  readonly settings: AdapterSettings;
  readonly #backend: Backend;
  readonly #ground: SearchGround | null; // null in compatible mode

  private constructor(
    backend: Backend,
    data: TrainingData,
    settings: AdapterSettings,
    ground: SearchGround | null,
  ) {
    this.#backend = backend;
    this.data = data;
    this.settings = settings;
    this.#ground = ground;
  }

  /** `settings` as of the run that is looked into; `chosen` is what it settled on. The backend stays the caller's. */
  static async open(
    backend: Backend,
    data: TrainingData,
    settings: AdapterSettings,
    chosen: Partial<ChosenSettings> | null,
  ): Promise<AdapterTrials> {
    const settled = { ...settings, ...(settings.mode === "recommended" ? { ...USUAL, ...chosen } : {}) };
    // An adapter that changes nothing has strength 0; what it would be at full strength is what is looked at.
    const strong = settled.alpha === 0 ? { ...settled, alpha: 1 } : settled;
    const ground = settings.mode === "compatible" ? null : await layGround(backend, data, strong, {});
    return new AdapterTrials(backend, data, strong, ground);
  }

  /** Fold of every question with a positive, whole groups; by position in the file, -1 for the others. */
  folds(count: number): Int32Array {
    const prepared = this.#ground?.data ?? prepareData(this.data);
    const folds = new Int32Array(this.data.dataset.queries.length).fill(-1);
    for (const [place, fold] of foldsOf(prepared, count, this.settings.seed).entries()) {
      folds[prepared.usable[place]!] = fold;
    }
    return folds;
  }

  /** Trains from the start on the given questions (positions in the file); the weights at the settled strength. */
  async train(questions: readonly number[], signal?: AbortSignal): Promise<Weights> {
    const ground = this.#ground;
    if (!ground) return this.#compatible(questions, signal);
    const among = Uint32Array.from(questions);
    const { epochs } = this.settings;
    const share = among.length / ground.data.usable.length;
    const total =
      epochs === undefined
        ? stepsTo(ground, ground.search.looks, among.length)
        : Math.max(1, Math.round(finalSteps(ground, epochs) * share));
    const { learningRate, scale } = { ...USUAL, ...this.settings };
    const stretch = { phase: "search", questions: among, looks: [total], done: 0, total } as const;
    for await (const _step of takeSteps(
      ground,
      { taken: 0, losses: [] },
      { ...stretch, settings: { learningRate, scale } },
    )) {
      requireGoing(signal);
    }
    return mergeAdapter(this.settings.adapter, await ground.steps.weights(), this.settings.alpha ?? 1);
  }

  async #compatible(questions: readonly number[], signal?: AbortSignal): Promise<Weights> {
    const { dataset, queries, corpus } = this.data;
    const part = { ...dataset, queries: questions.map((row) => dataset.queries[row]!) };
    const data = { dataset: part, queries: selectRows(queries, questions), corpus };
    const run = await openCompatibleRun(this.#backend, data, this.settings, undefined, {});
    try {
      const steps = run.steps();
      for (;;) {
        const next = await steps.next();
        if (next.done) return next.value.weights;
        requireGoing(signal);
      }
    } finally {
      run.dispose();
    }
  }

  dispose(): void {
    this.#ground?.steps.dispose();
  }
}

/** Weights that have not seen the questions they are for. */
export interface HeldOutAdapter {
  readonly questions: readonly number[]; // positions in the file
  readonly weights: Weights;
}

/** One adapter a fold, trained on the questions of all others. Error "too-little-data" with fewer than two groups. */
export async function heldOutAdapters(
  trials: AdapterTrials,
  folds: number,
  { signal, onProgress }: RunControl = {},
): Promise<readonly HeldOutAdapter[]> {
  const foldOf = trials.folds(folds);
  const count = Math.max(...foldOf) + 1;
  if (count < 2) {
    throw new RetuneError(
      "too-little-data",
      "All training questions are about one document, so none can be held out to judge by; add documents.",
    );
  }
  const adapters: HeldOutAdapter[] = [];
  for (let fold = 0; fold < count; fold++) {
    onProgress?.({ done: fold, total: count, label: "Training without a part" });
    const rows = (wanted: boolean): number[] =>
      Array.from(foldOf.keys()).filter((row) => foldOf[row]! >= 0 && (foldOf[row] === fold) === wanted);
    adapters.push({ questions: rows(true), weights: await trials.train(rows(false), signal) });
  }
  onProgress?.({ done: count, total: count });
  return adapters;
}

export function requireGoing(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RetuneError("cancelled", "Cancelled.");
}
