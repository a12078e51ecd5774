import { groupsOf, rightPassages } from "../../domain/data/dataset.ts";
import type { Dataset } from "../../domain/data/dataset.ts";
import type { ScoreThreshold } from "../../domain/eval/advice-types.ts";
import { candidatesOf } from "../../domain/eval/candidates.ts";
import { HITS, scoredQuestions, thresholdOf, type ScoredQuestion } from "../../domain/eval/threshold.ts";
import { scoreCandidates } from "../../domain/recipes/cross-encoder/rerank.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { RunRecord } from "../storage/records.ts";
import { adviceGround, withModel } from "./advice-ground.ts";
import { rerankerAt } from "./export-tuned.ts";
import { keepForRun } from "./guard-drift.ts";
import { firstSearch } from "./judge-tuned.ts";
import { ladderParts } from "./ladder.ts";
import { openTest } from "./openings.ts";
import { projectGround, sideVectors } from "./verdict-ground.ts";
import type { AdviceControl, AdvicePorts } from "./verdict-ground.ts";

export const PRECISION = 0.9;
const RERANK_DEPTH = 30;
const RERANK_QUESTIONS = 200;
const SEED = 0;

/** From which score on the answers of a run can be trusted; kept with the run. */
export async function calibrateRun(
  ports: AdvicePorts,
  runId: string,
  target: number,
  control: AdviceControl,
): Promise<ScoreThreshold> {
  const run = await ports.workspace.runs.get(runId);
  const { dataHash } = await projectGround(ports.workspace, run.projectId);
  const value =
    run.recipe.task === "cross-encoder"
      ? await ofReranker(ports, run, target, control)
      : await ofSearch(ports, run, target, control);
  await keepForRun(ports, run, "threshold", dataHash, value);
  return value;
}

async function ofSearch(
  ports: AdvicePorts,
  run: RunRecord,
  target: number,
  control: AdviceControl,
): Promise<ScoreThreshold> {
  if (run.recipe.task === "router") {
    throw new RetuneError("unsupported", "A router is calibrated while it trains: see its results.");
  }
  const ground = await adviceGround(ports, run, "thresholds", control);
  const scores = await withModel(ports, run, 1, (model) => ground.scores(1, model, control));
  const questions = scoredQuestions(ground.dataset, scores);
  return thresholdOf(questions, { score: "cosine", basis: ground.basis, target, seed: SEED });
}

async function ofReranker(
  ports: AdvicePorts,
  run: RunRecord,
  target: number,
  control: AdviceControl,
): Promise<ScoreThreshold> {
  const ground = await projectGround(ports.workspace, run.projectId);
  const held = run.rung !== undefined;
  if (!held) await openTest(ports.workspace, run, "thresholds");
  const whole = held ? ladderParts(ground.data.train).judge : ground.data.test;
  const dataset = { ...whole, queries: spread(whole.queries, RERANK_QUESTIONS) };
  const logits = await candidateLogits(ports, run, dataset, control);
  const clusters = groupsOf(dataset);
  const questions = dataset.queries.map((query, row): ScoredQuestion => {
    const right = rightPassages(query);
    const hits = logits[row]!.map(({ passage, score }) => ({ score, right: right.has(passage) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, HITS);
    return { cluster: clusters[row]!, hits };
  });
  return thresholdOf(questions, { score: "logit", basis: held ? "held-out" : "test", target, seed: SEED });
}

/** The first search's best passages of each question with the re-ranker's logits. */
export async function candidateLogits(
  ports: AdvicePorts,
  run: RunRecord,
  dataset: Dataset,
  control: AdviceControl,
): Promise<readonly (readonly { readonly passage: string; readonly score: number }[])[]> {
  if (run.recipe.task !== "cross-encoder") throw new RetuneError("unsupported", "This run is no re-ranker.");
  const { workspace, models } = ports;
  const { encoder } = await projectGround(workspace, run.projectId);
  const vectors = await sideVectors(workspace, { encoder }, dataset);
  const depth = Math.min(RERANK_DEPTH, dataset.passages.length);
  const candidates = candidatesOf(dataset, firstSearch(dataset, vectors), { depth, forceGold: false });
  const model = await rerankerAt({ workspace, models }, run, run.recipe.base, 1);
  const backend = await ports.openBackend(undefined);
  try {
    const scores = await scoreCandidates(backend, model, dataset, candidates, control);
    return candidates.map((columns, row) =>
      Array.from(columns, (column, place) => ({
        passage: dataset.passages[column]!.id,
        score: scores[row]![place]!,
      })),
    );
  } finally {
    backend.dispose();
  }
}

/** At most `most` of the rows, spread over the file. */
export function spread<Row>(rows: readonly Row[], most: number): readonly Row[] {
  const stride = Math.max(1, rows.length / most);
  return Array.from({ length: Math.min(most, rows.length) }, (_, place) => rows[Math.floor(place * stride)]!);
}
