import type { Backend } from "../../../engine/backend.ts";
import { RetuneError } from "../../../engine/errors.ts";
import { choiceText, type RouterChoice } from "../../data/router-dataset.ts";
import { answerOf, type RouterAnswer } from "../../eval/classification.ts";
import { cosineScores } from "../../eval/dense.ts";
import { rowOf, type Matrix } from "../../matrix.ts";
import { applyAdapter } from "../../models/apply-adapter.ts";
import { openPairScorer } from "../../models/score-pairs.ts";
import type { CrossEncoderModel } from "../../models/encoder-model.ts";
import type { RunControl } from "../../ports.ts";
import { softmaxLogits } from "./head-steps.ts";
import type { TrainedRouter } from "./router-job.ts";
import { encoderScores, pairScores } from "./score-choices.ts";

/** Questions to route; `vectors` [texts, D] by the encoder a head was trained on, after its instruction. */
export interface RoutedQuestions {
  readonly texts: readonly string[];
  readonly vectors?: Matrix;
}

/** Scores [questions, choices] of a trained router. "usage" where a head lacks its vectors. */
export async function routerScores(
  backend: Backend,
  router: TrainedRouter,
  { texts, vectors }: RoutedQuestions,
  control: RunControl = {},
): Promise<Matrix> {
  if (router.kind === "encoder") {
    return await encoderScores(backend, router.model, texts, router.choiceVectors, control);
  }
  if (router.kind === "cross-encoder") {
    return await pairScores(backend, router.model, texts, router.choices, undefined, control);
  }
  if (!vectors) {
    throw new RetuneError(
      "usage",
      `router: a ${router.kind} router needs vectors of the questions by ${router.encoderName}`,
    );
  }
  if (router.kind === "softmax") return softmaxLogits(vectors, router.weight.values, router.bias);
  return cosineScores(applyAdapter(router.config, router.weights, vectors), router.choiceVectors);
}

/** One answer a row of scores: the best choice with its probability, accepted or "none of these". */
export function routed(router: TrainedRouter, scores: Matrix): readonly RouterAnswer[] {
  return Array.from({ length: scores.rows }, (_, row) =>
    answerOf(rowOf(scores, row), [], router.calibration),
  );
}

export interface RetrievedTool {
  readonly choice: RouterChoice;
  readonly score: number; // of the re-ranker where there is one, else of the router
  readonly rank: number; // in the first search, from 1
}

/**
 * The `keep` best of many tools for one question: the first `depth` by `first` [tools], re-ranked by a cross-encoder where
 * one is given. Several may be right.
 */
export async function retrieveTools(
  backend: Backend,
  question: string,
  choices: readonly RouterChoice[],
  first: Float32Array,
  { depth, keep, reranker }: { depth: number; keep: number; reranker?: CrossEncoderModel },
): Promise<readonly RetrievedTool[]> {
  const order = Uint32Array.from(choices.keys()).sort((a, b) => first[b]! - first[a]! || a - b);
  const found = Array.from(order.subarray(0, depth), (column, index): RetrievedTool => {
    return { choice: choices[column]!, score: first[column]!, rank: index + 1 };
  });
  if (!reranker) return found.slice(0, keep);
  const scorer = await openPairScorer(backend, reranker);
  try {
    const logits = await scorer.score(found.map(({ choice }) => [question, choiceText(choice)] as const));
    return found
      .map((tool, index) => ({ ...tool, score: logits[index]! }))
      .sort((a, b) => b.score - a.score || a.rank - b.rank)
      .slice(0, keep);
  } finally {
    scorer.dispose();
  }
}
