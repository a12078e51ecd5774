// The recommended adapter recipe, read downward:
//   1. Questions are shuffled; the softmax runs over all training documents when they fit (all-documents.ts), with all
//      positives of a question and copies of a positive masked.
//   2. Groups (source documents, else passages) are dealt into four folds. Candidates of learning rate × scale train
//      without one fold and are judged on it at ten looks and six strengths α (search-schedule.ts); held-out questions are
//      ranked against every passage of the file, so a passage that only others were trained on must not win them.
//   3. Equal or fitted fusion weights: whichever wins on held-out questions, scored by adapters that have not seen them.
//   4. The choice is trained again on all questions, for as many epochs as won. The rate is constant, so a shorter run is
//      a prefix of a longer one and "the best look" means the same in both.
// What the settings name is fixed and not searched.
import type { Backend } from "../../engine/backend.ts";
import { fusionOf } from "../eval/fusion.ts";
import type { Matrix, Weights } from "../matrix.ts";
import { mergeAdapter } from "../models/merge-adapter.ts";
import type { AdapterSettings, ChosenSettings, TrainingStep } from "./adapter-job.ts";
import { checkState, type AdapterRun, type RunEstimate, type TrainedAdapter } from "./adapter-run.ts";
import type { PullOptions } from "./back-pressure.ts";
import { baseFusion, fusionSamples, heldOutFusion, type HeldOutScores } from "./held-out-fusion.ts";
import type { Look } from "./held-out-look.ts";
import { HeldOut, scoresAt } from "./held-out.ts";
import type { BestLook, FinalPlan, RecipeState, TrialResult } from "./recipe-state.ts";
import { finalSteps, layGround, stepsTo, type SearchGround } from "./search-ground.ts";
import { choose, nextTrial, trialCount, type Choice } from "./search-schedule.ts";
import { takeSteps, type StretchProgress } from "./stretch.ts";
import { fingerprintOf, type TrainingData } from "./training-data.ts";

const UNSEARCHED = { learningRate: 3e-4, scale: 50, alpha: 1 } as const; // where nothing can be held out

class RecommendedRun implements AdapterRun {
  readonly plan: RunEstimate;
  readonly #ground: SearchGround;
  readonly #heldOut: HeldOut;
  readonly #fingerprint: string;
  #results: readonly TrialResult[] = [];
  #looks: Look[] = []; // of the trial under way
  readonly #progress: StretchProgress = { taken: 0, losses: [] };
  #deciding = false; // between the search and the final training, where nothing can be half-way
  #final: FinalPlan | null = null;
  #best: BestLook;
  #bestWeights: Weights;

  constructor(ground: SearchGround, heldOut: HeldOut) {
    this.#ground = ground;
    this.#heldOut = heldOut;
    this.#fingerprint = fingerprintOf(ground.data, ground.settings);
    this.#best = { gain: -2, candidate: 0, alpha: 1, epochs: 0 };
    this.#bestWeights = ground.initial;
    const { summary, search } = ground;
    const longest = search.looks * search.epochsPerLook;
    this.plan = { summary, searchSteps: this.#searchSteps(), finalSteps: finalSteps(ground, longest) };
  }

  /** Goes to where `saved` stands. Scores kept in memory are gone; they are made again where they are needed. */
  restore(saved: RecipeState): void {
    checkState(saved, this.#fingerprint, "recommended");
    const { progress, tensors } = saved;
    if (progress.mode !== "recommended") return;
    this.#results = progress.results;
    this.#looks = [...progress.looks];
    this.#progress.losses = [...progress.losses];
    this.#progress.taken = progress.step;
    this.#final = progress.final;
    this.#best = progress.best;
    this.#bestWeights = new Map(
      Array.from(this.#ground.initial, ([name, initial]) => [
        name,
        { ...initial, values: tensors[`best.${name}`] ?? initial.values },
      ]),
    );
    this.#ground.steps.restore(tensors, this.#ground.initial);
  }

  async *steps(): AsyncGenerator<TrainingStep, TrainedAdapter, void> {
    const { search } = this.#ground;
    for (let trial = nextTrial(search, this.#results); trial; trial = nextTrial(search, this.#results)) {
      yield* this.#trial(trial.candidate, trial.fold);
    }
    this.#final ??= yield* this.#decide();
    yield* this.#train(this.#final.settings);
    return await this.keep();
  }

  /** Trains a candidate without a fold and looks at the fold. */
  async *#trial(candidate: number, fold: number): AsyncGenerator<TrainingStep, void, void> {
    const { search, folds } = this.#ground;
    const { trained } = folds[fold]!;
    const ends = Array.from({ length: search.looks }, (_, index) =>
      stepsTo(this.#ground, index + 1, trained.length),
    );
    yield* takeSteps(this.#ground, this.#progress, {
      phase: "search",
      settings: search.candidates[candidate]!,
      questions: trained,
      looks: ends,
      done: this.#searchSteps(this.#results),
      total: this.#searchSteps(),
      look: async (index) => {
        const look = await this.#heldOut.look(fold, keyOf(candidate, fold, index));
        this.#looks.push(look);
        const mrr = Math.max(...look.mrr);
        await this.#noteBest(mrr - this.#heldOut.foldMrr(fold), candidate, index, look.mrr.indexOf(mrr));
        return {
          step: this.#progress.taken,
          mrr,
          best: Math.max(...this.#looks.flatMap((each) => each.mrr)),
        };
      },
    });
    this.#results = [...this.#results, { candidate, fold, looks: this.#looks }];
    this.#looks = [];
    this.#progress.taken = 0;
  }

  async #noteBest(gain: number, candidate: number, look: number, strength: number): Promise<void> {
    const { search, steps } = this.#ground;
    if (gain <= this.#best.gain) return;
    this.#best = {
      gain,
      candidate,
      alpha: search.strengths[strength]!,
      epochs: (look + 1) * search.epochsPerLook,
    };
    this.#bestWeights = await steps.weights();
  }

  /** Settings and fusion weights, both from held-out questions only. */
  async *#decide(): AsyncGenerator<TrainingStep, FinalPlan, void> {
    const { search, settings, data, folds } = this.#ground;
    const base = baseFusion(data, settings.seed);
    const choice = choose(search, this.#results);
    if (!choice) return { settings: this.#unsearched(), fusion: { base, tuned: base }, heldOut: null };
    const baseMrr = this.#heldOut.baseMrr();
    const free = settings.alpha === undefined && search.strengths.length > 1;
    const alpha = free && choice.mrr <= baseMrr ? 0 : choice.settings.alpha;
    const parts: HeldOutScores[] = [];
    this.#deciding = true;
    for (const [fold, { held }] of folds.entries()) {
      const adapted = yield* this.#adaptedScores(choice, fold);
      parts.push({ questions: held, dense: scoresAt(this.#heldOut.base(fold), adapted, alpha) });
    }
    this.#deciding = false;
    this.#heldOut.forget();
    return {
      settings: { ...choice.settings, alpha },
      fusion: { base, tuned: fusionOf(heldOutFusion(data, fusionSamples(data, parts)).weights) },
      heldOut: { base: baseMrr, tuned: alpha === 0 ? baseMrr : choice.mrr },
    };
  }

  /** Scores of a fold by the choice: kept from its trial, or by training that trial again up to its look. */
  async *#adaptedScores(
    { candidate, look }: Choice,
    fold: number,
  ): AsyncGenerator<TrainingStep, Matrix, void> {
    const kept = this.#heldOut.kept(keyOf(candidate, fold, look));
    if (kept) return kept;
    const questions = this.#ground.folds[fold]!.trained;
    const total = this.#searchSteps();
    this.#progress.taken = 0;
    yield* takeSteps(this.#ground, this.#progress, {
      phase: "search",
      settings: this.#ground.search.candidates[candidate]!,
      questions,
      looks: [stepsTo(this.#ground, look + 1, questions.length)],
      done: total,
      total,
    });
    this.#progress.taken = 0;
    return await this.#heldOut.scores(fold);
  }

  async *#train(settings: ChosenSettings): AsyncGenerator<TrainingStep, void, void> {
    const total = finalSteps(this.#ground, settings.epochs);
    const questions = this.#ground.data.usable;
    yield* takeSteps(this.#ground, this.#progress, {
      phase: "final",
      settings,
      questions,
      looks: [total],
      done: 0,
      total,
    });
  }

  async state(): Promise<RecipeState> {
    const { steps } = this.#ground;
    const tensors = await steps.capture();
    for (const [name, { values }] of this.#bestWeights) tensors[`best.${name}`] = values;
    return {
      format: 1,
      recipe: "adapter",
      fingerprint: this.#fingerprint,
      progress: {
        mode: "recommended",
        results: this.#results,
        final: this.#final,
        step: this.#deciding ? 0 : this.#progress.taken,
        looks: [...this.#looks],
        losses: [...this.#progress.losses],
        best: this.#best,
      },
      tensors,
    };
  }

  async weights(): Promise<Weights> {
    const { settings, steps } = this.#ground;
    return mergeAdapter(settings.adapter, await steps.weights(), this.#final?.settings.alpha ?? 1);
  }

  async keep(): Promise<TrainedAdapter> {
    return this.#final ? await this.#keepFinal(this.#final) : this.#keepBest();
  }

  async #keepFinal({ settings, fusion, heldOut }: FinalPlan): Promise<TrainedAdapter> {
    const total = finalSteps(this.#ground, settings.epochs);
    const notes = notesOf({ settings, fusion, heldOut });
    if (this.#progress.taken < total) notes.push(`Stopped at step ${this.#progress.taken} of ${total}.`);
    return {
      config: this.#ground.settings.adapter,
      weights: await this.weights(),
      chosen: { ...settings, epochs: (settings.epochs * this.#progress.taken) / total },
      fusion,
      losses: [...this.#progress.losses],
      heldOut,
      notes,
    };
  }

  #keepBest(): TrainedAdapter {
    const { data, settings, search } = this.#ground;
    const { alpha, candidate, epochs } = this.#best;
    const fusion = baseFusion(data, settings.seed);
    return {
      config: settings.adapter,
      weights: mergeAdapter(settings.adapter, this.#bestWeights, alpha),
      chosen: { ...search.candidates[candidate]!, alpha, epochs },
      fusion: { base: fusion, tuned: fusion },
      losses: [],
      heldOut: null,
      notes: [
        "Stopped during the search: the best weights so far, which have not seen a quarter of the questions.",
      ],
    };
  }

  dispose(): void {
    this.#heldOut.forget();
    this.#ground.steps.dispose();
  }

  #unsearched(): ChosenSettings {
    const { learningRate, scale, alpha, epochs } = this.#ground.settings;
    const { looks, epochsPerLook } = this.#ground.search;
    return {
      learningRate: learningRate ?? UNSEARCHED.learningRate,
      scale: scale ?? UNSEARCHED.scale,
      alpha: alpha ?? UNSEARCHED.alpha,
      epochs: epochs ?? looks * epochsPerLook,
    };
  }

  /** Steps of the given trials; without an argument those of the whole search. */
  #searchSteps(trials?: readonly TrialResult[]): number {
    const { search, folds } = this.#ground;
    const stepsOf = (fold: number): number =>
      stepsTo(this.#ground, search.looks, folds[fold]!.trained.length);
    if (trials) return trials.reduce((sum, { fold }) => sum + stepsOf(fold), 0);
    return trialCount(search).reduce((sum, count, fold) => sum + count * stepsOf(fold), 0);
  }
}

function notesOf({ settings, heldOut }: FinalPlan): string[] {
  if (!heldOut)
    return ["All questions belong to one group, so nothing could be held out: settings are defaults."];
  if (settings.alpha === 0)
    return ["No setting beat the base on held-out questions, so the adapter changes nothing."];
  if (heldOut.tuned > heldOut.base) return [];
  const figures = `MRR@10 ${heldOut.tuned.toFixed(3)} against ${heldOut.base.toFixed(3)}`;
  return [
    `On held-out questions the adapter does not beat the base (${figures}). A residual or a linear adapter may.`,
  ];
}

function keyOf(candidate: number, fold: number, look: number): string {
  return `${candidate} ${fold} ${look}`;
}

export async function openRecommendedRun(
  backend: Backend,
  data: TrainingData,
  settings: AdapterSettings,
  saved?: RecipeState,
  options: PullOptions = {},
): Promise<AdapterRun> {
  const ground = await layGround(backend, data, settings, options);
  const run = new RecommendedRun(ground, await HeldOut.open(ground));
  if (saved) run.restore(saved);
  return run;
}
