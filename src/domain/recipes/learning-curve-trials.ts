// The trials behind a learning curve (eval/learning-curve.ts): a quarter of the documents is held out, the rest is put in
// a random order, and adapters are trained on its first n/8 … n; two orders, averaged, so that one odd document does not
// make a curve.
import type { Backend } from "../../engine/backend.ts";
import { groupsOf, passageIndex } from "../data/dataset.ts";
import type { LearningCurve } from "../eval/advice-types.ts";
import { cosineScores } from "../eval/dense.ts";
import { positivesOf } from "../eval/evaluate.ts";
import { judge } from "../eval/judge.ts";
import { FRACTIONS, learningCurveOf, type CurveSample } from "../eval/learning-curve.ts";
import { idOrder, METRIC_NAMES } from "../eval/metrics.ts";
import { selectRows, type Matrix, type Weights } from "../matrix.ts";
import { applyAdapter } from "../models/apply-adapter.ts";
import type { RunControl } from "../ports.ts";
import { CounterRandom } from "../random.ts";
import type { AdapterSettings, ChosenSettings } from "./adapter-job.ts";
import { AdapterTrials } from "./adapter-trials.ts";
import type { TrainingData } from "./training-data.ts";

const HELD_OUT = 4; // one part of four
const ORDERS = 2;
const MOST_SCORES = 8e6; // held-out questions × passages in memory
const LEAST_HELD = 100;
const MRR = METRIC_NAMES.indexOf("mrr@10");

/** Trains and judges all sizes. Errors: "too-little-data", "cancelled", those of a run. */
export async function learnCurve(
  backend: Backend,
  data: TrainingData,
  settings: AdapterSettings,
  chosen: Partial<ChosenSettings> | null,
  { signal, onProgress }: RunControl = {},
): Promise<LearningCurve> {
  const trials = await AdapterTrials.open(backend, data, settings, chosen);
  try {
    const ground = new CurveJudge(data, trials.folds(HELD_OUT), settings.seed);
    const plans = ground.plans();
    const total = plans.reduce((sum, { trained }) => sum + trained.length, 0);
    const found = new Map<number, CurveSample[]>();
    let done = 0;
    for (const { trained, clusters, place } of plans) {
      onProgress?.({ done, total, label: `Training on ${trained.length} questions` });
      const reciprocalRanks = ground.reciprocalRanks(settings, await trials.train(trained, signal));
      const sample = { questions: trained.length, clusters, reciprocalRanks };
      found.set(place, [...(found.get(place) ?? []), sample]);
      done += trained.length;
    }
    onProgress?.({ done: total, total });
    const samples = [...found.values()].map(averaged).sort((a, b) => a.questions - b.questions);
    const base = ground.reciprocalRanks(settings, null);
    return learningCurveOf({ samples, base, clusters: ground.clusters, seed: settings.seed });
  } finally {
    trials.dispose();
  }
}

interface SizePlan {
  readonly place: number; // which size
  readonly trained: readonly number[];
  readonly clusters: number;
}

class CurveJudge {
  readonly clusters: readonly string[]; // of the held-out questions
  readonly #data: TrainingData;
  readonly #held: readonly number[];
  readonly #learn: readonly (readonly number[])[]; // questions of each cluster
  readonly #seed: number;
  readonly #order: Uint32Array;

  constructor(data: TrainingData, foldOf: Int32Array, seed: number) {
    const groups = groupsOf(data.dataset);
    const rows = Array.from(foldOf.keys());
    this.#data = data;
    this.#seed = seed;
    const most = Math.max(LEAST_HELD, Math.floor(MOST_SCORES / data.corpus.rows));
    const held = rows.filter((row) => foldOf[row] === 0);
    const stride = Math.max(1, held.length / most);
    this.#held = Array.from(
      { length: Math.min(most, held.length) },
      (_, at) => held[Math.floor(at * stride)]!,
    );
    this.clusters = this.#held.map((row) => groups[row]!);
    const clusters = new Map<string, number[]>();
    for (const row of rows.filter((each) => foldOf[each]! > 0)) {
      clusters.set(groups[row]!, [...(clusters.get(groups[row]!) ?? []), row]);
    }
    this.#learn = [...clusters.values()];
    this.#order = idOrder(data.dataset.passages.map(({ id }) => id));
  }

  /** Sizes that differ, each in its orders; the whole needs no second one. */
  plans(): readonly SizePlan[] {
    const whole = this.#learn.length;
    const counts = [...new Set(FRACTIONS.map((fraction) => Math.round(fraction * whole)))].filter(
      (count) => count > 1,
    );
    return counts.flatMap((clusters, place) =>
      Array.from({ length: clusters === whole ? 1 : ORDERS }, (_, order) => {
        const shuffled = CounterRandom.stream(this.#seed, 72 + order).permutation(whole);
        const trained = Array.from(shuffled.subarray(0, clusters), (index) => this.#learn[index]!).flat();
        return { place, trained, clusters };
      }),
    );
  }

  /** Of the held-out questions among all passages of the file; null: by the base. */
  reciprocalRanks({ adapter }: AdapterSettings, weights: Weights | null): readonly number[] {
    const { dataset, queries, corpus } = this.#data;
    const own = selectRows(queries, this.#held);
    const moved: Matrix = weights ? applyAdapter(adapter, weights, own) : own;
    const places = passageIndex(dataset);
    const positives = this.#held.map((row) => positivesOf(dataset.queries[row]!, places));
    return judge(cosineScores(moved, corpus), positives, this.#order).map(({ metrics }) => metrics[MRR]!);
  }
}

/** One size over its orders. */
function averaged(samples: readonly CurveSample[]): CurveSample {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    questions: Math.round(mean(samples.map(({ questions }) => questions))),
    clusters: samples[0]!.clusters,
    reciprocalRanks: samples[0]!.reciprocalRanks.map((_rank, row) =>
      mean(samples.map(({ reciprocalRanks }) => reciprocalRanks[row]!)),
    ),
  };
}
