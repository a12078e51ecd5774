import { groupsOf, passageIndex, type Dataset } from "../../domain/data/dataset.ts";
import { positivesOf } from "../../domain/eval/evaluate.ts";
import { cosineScores } from "../../domain/eval/dense.ts";
import { judge, type Judged, type Positive } from "../../domain/eval/judge.ts";
import { idOrder, METRIC_NAMES } from "../../domain/eval/metrics.ts";
import { rowOf, selectRows, type Matrix } from "../../domain/matrix.ts";
import { applyAdapter } from "../../domain/models/apply-adapter.ts";
import { canMerge, mergeAdapter } from "../../domain/models/merge-adapter.ts";
import { AdapterTrials, heldOutAdapters } from "../../domain/recipes/adapter-trials.ts";
import type { HeldOutAdapter } from "../../domain/recipes/adapter-trials.ts";
import type { AdapterSettings } from "../../domain/recipes/adapter-job.ts";
import { passageScores } from "../../domain/recipes/held-out-fusion.ts";
import { scoresAt } from "../../domain/recipes/held-out.ts";
import type { TrainingData } from "../../domain/recipes/training-data.ts";
import type { RunRecord } from "../storage/records.ts";
import { ladderParts } from "./ladder.ts";
import { modelAt, vectorsBy, type ModelAt } from "./model-at.ts";
import { openTest } from "./openings.ts";
import { queryInstructionOf } from "./recipe-facts.ts";
import { loadResult } from "./result-store.ts";
import type { TestOpening } from "../../domain/eval/advice-types.ts";
import { runInputs } from "./run-adapter.ts";
import { projectGround, requireQuestions } from "./verdict-ground.ts";
import type { AdviceControl, AdvicePorts } from "./verdict-ground.ts";

// The questions that an analysis of a run is judged on. Validation chooses: questions that the judged weights have not
// seen. An adapter is trained again without each quarter of the documents, which takes seconds; a run of the ladder has
// its own held-out questions. For other encoders only the test split is unseen, and looking at it counts as an opening.

const FOLDS = 4;
const MOST_SCORES = 8e6; // questions × passages in memory
const MRR = METRIC_NAMES.indexOf("mrr@10");

/** Questions with the scores of a run at any strength. */
export interface AdviceGround {
  readonly basis: "held-out" | "test";
  readonly dataset: Dataset; // the judged questions, each with a right passage, over all passages
  readonly clusters: readonly string[];
  readonly positives: readonly (readonly Positive[])[];
  /** Cosines [Q, N] at a strength; `model` is the run at that strength. */
  scores(strength: number, model: ModelAt, control?: AdviceControl): Promise<Matrix>;
  /** At once, where a run is an adapter: scores that order passages as those at a strength do. */
  readonly mixed?: (strength: number) => Matrix;
}

export function judged({ dataset, positives }: AdviceGround, scores: Matrix): readonly Judged[] {
  return judge(scores, positives, idOrder(dataset.passages.map(({ id }) => id)));
}

export function reciprocalRanksOf(rows: readonly Judged[]): readonly number[] {
  return rows.map(({ metrics }) => metrics[MRR]!);
}

/**
 * Lays the ground for a run; for adapters this trains. Counts an opening where it has to use the test split. With
 * `training` given, these questions are looked at: by what has not seen them where that can be had in seconds.
 */
export async function adviceGround(
  ports: AdvicePorts,
  run: RunRecord,
  purpose: TestOpening["purpose"],
  control: AdviceControl = {},
  training?: Dataset,
): Promise<AdviceGround> {
  const { recipe, imported, rung, projectId } = run;
  if (training && (recipe.task !== "adapter" || imported)) return plainGround("held-out", training);
  if (rung !== undefined && !training) {
    const { data } = await projectGround(ports.workspace, projectId);
    return plainGround("held-out", ladderParts(data.train).judge);
  }
  if (recipe.task === "adapter" && !imported) return retrainedGround(ports, run, recipe.settings, control);
  const { data } = await projectGround(ports.workspace, projectId);
  await openTest(ports.workspace, run, purpose);
  return plainGround("test", data.test);
}

function plainGround(basis: AdviceGround["basis"], whole: Dataset): AdviceGround {
  const { dataset, positives } = usable(whole);
  return {
    basis,
    dataset,
    clusters: groupsOf(dataset),
    positives,
    async scores(_strength, model, control) {
      const { queries, corpus } = await vectorsBy(model, dataset, control);
      return cosineScores(queries, corpus);
    },
  };
}

function usable(whole: Dataset): Pick<AdviceGround, "dataset" | "positives"> & { readonly rows: number[] } {
  requireQuestions(whole);
  const places = passageIndex(whole);
  const most = Math.max(100, Math.floor(MOST_SCORES / whole.passages.length));
  const found = whole.queries.map((query) => positivesOf(query, places));
  const all = found.flatMap((own, row) => (own.length > 0 ? [row] : []));
  const stride = Math.max(1, all.length / most);
  const rows = Array.from(
    { length: Math.min(most, all.length) },
    (_, place) => all[Math.floor(place * stride)]!,
  );
  const dataset = { passages: whole.passages, queries: rows.map((row) => whole.queries[row]!) };
  return { dataset, positives: rows.map((row) => found[row]!), rows };
}

/** Every training question by an adapter that has not seen its document. */
async function retrainedGround(
  ports: AdvicePorts,
  run: RunRecord,
  settings: AdapterSettings,
  control: AdviceControl,
): Promise<AdviceGround> {
  const { train } = await runInputs(ports.workspace, run, settings.queryInstruction);
  requireQuestions(train.dataset);
  const instructed = queryInstructionOf(run.recipe) !== "";
  const queries = (instructed ? train.vectors.queriesInstruction : undefined) ?? train.vectors.queries;
  const data: TrainingData = { dataset: train.dataset, queries, corpus: train.vectors.corpus };
  const adapters = await retrained(ports, run, data, settings, control);
  const { dataset, positives, rows } = usable(train.dataset);
  const moved = (strength: number): Matrix => {
    const all = selectRows(queries, rows);
    const place = new Map(rows.map((row, index) => [row, index]));
    for (const { questions, weights } of adapters) {
      const own = questions.filter((row) => place.has(row));
      const mixed = mergeAdapter(settings.adapter, weights, strength);
      const part = applyAdapter(settings.adapter, mixed, selectRows(queries, own));
      for (const [index, row] of own.entries())
        all.values.set(rowOf(part, index), place.get(row)! * all.columns);
    }
    return all;
  };
  return {
    ...{ basis: "held-out" as const, dataset, clusters: groupsOf(dataset), positives },
    scores: (strength) => Promise.resolve(cosineScores(moved(strength), data.corpus)),
    ...(canMerge(settings.adapter) ? { mixed: mixedScores(moved(0), moved(1), data.corpus) } : {}),
  };
}

/**
 * An adapter with a strength is y(α) = (1 − α)·x + α·y(1), so dot products with passages mix likewise, and the length of
 * y(α) orders nothing: two matrices of scores hold every strength.
 */
export function mixedScores(base: Matrix, tuned: Matrix, corpus: Matrix): (strength: number) => Matrix {
  const [before, after] = [passageScores(base, corpus), passageScores(tuned, corpus)];
  return (strength) => scoresAt(before, after, strength);
}

async function retrained(
  { workspace, openBackend }: AdvicePorts,
  run: RunRecord,
  data: TrainingData,
  settings: AdapterSettings,
  control: AdviceControl,
): Promise<readonly HeldOutAdapter[]> {
  const { chosen } = await loadResult(workspace.checkpoints, run.id);
  const backend = await openBackend(undefined);
  try {
    const trials = await AdapterTrials.open(backend, data, settings, chosen);
    try {
      return await heldOutAdapters(trials, FOLDS, control);
    } finally {
      trials.dispose();
    }
  } finally {
    backend.dispose();
  }
}

/** Opens a run at a strength for one piece of work. */
export async function withModel<Result>(
  ports: AdvicePorts,
  run: RunRecord,
  strength: number,
  work: (model: ModelAt) => Promise<Result>,
): Promise<Result> {
  const model = await modelAt(ports, run, strength);
  try {
    return await work(model);
  } finally {
    await model.close();
  }
}
