import { LexicalIndex } from "../eval/bm25.ts";
import { dotScores, inverseNorms } from "../eval/dense.ts";
import { chooseFusion, fusionOf, zScores, type FusionChoice, type FusionSample } from "../eval/fusion.ts";
import { idOrder } from "../eval/metrics.ts";
import type { Fusion } from "../eval/report.ts";
import { rowOf, selectRows, type Matrix } from "../matrix.ts";
import { foldsOf, type PreparedData } from "./training-data.ts";

export const FOLDS = 4; // 25 % of the groups are held out at a time
const SAMPLES = 1000; // two weights need no more questions

/** Dot products of questions with unit passages: what cosines are, up to a factor for each question. */
export function passageScores(queries: Matrix, corpus: Matrix): Matrix {
  const scores = dotScores(queries, corpus);
  const scale = inverseNorms(corpus);
  const values = new Float32Array(scores.length);
  for (let index = 0; index < values.length; index++)
    values[index] = scores[index]! * scale[index % corpus.rows]!;
  return { rows: queries.rows, columns: corpus.rows, values };
}

/** Held-out questions of one fold with their scores by an adapter that has not seen them: dense [questions, N]. */
export interface HeldOutScores {
  readonly questions: ArrayLike<number>;
  readonly dense: Matrix;
}

/** z-scores of both parts for every held-out question; at most SAMPLES of them, spread evenly. */
export function fusionSamples(data: PreparedData, folds: readonly HeldOutScores[]): readonly FusionSample[] {
  const index = new LexicalIndex(data.dataset.passages.map((passage) => passage.text));
  const lexical = new Float64Array(index.passages);
  const all = folds.flatMap(({ questions, dense }, fold) =>
    Array.from({ length: questions.length }, (_, row) => ({
      fold,
      question: questions[row]!,
      dense: rowOf(dense, row),
    })),
  );
  const stride = Math.max(1, all.length / SAMPLES);
  const chosen = Array.from(
    { length: Math.min(SAMPLES, all.length) },
    (_, place) => all[Math.floor(place * stride)]!,
  );
  return chosen.map(({ fold, question, dense }) => {
    index.scoreInto(data.dataset.queries[question]!.text, lexical.fill(0));
    return { dense: zScores(dense), lexical: zScores(lexical), positives: data.positives[question]!, fold };
  });
}

/** Equal or fitted weights, whichever wins on the held-out questions. */
export function heldOutFusion(data: PreparedData, samples: readonly FusionSample[]): FusionChoice {
  return chooseFusion(samples, idOrder(data.dataset.passages.map((passage) => passage.id)));
}

/** The fusion of BM25 with the base vectors: no adapter, so nothing of the training file was seen. */
export function baseFusion(data: PreparedData, seed: number): Fusion {
  const foldOf = foldsOf(data, FOLDS, seed);
  const parts = Array.from({ length: FOLDS }, (_, fold): HeldOutScores => {
    const questions = Array.from(data.usable.filter((_question, place) => foldOf[place] === fold)).slice(
      0,
      SAMPLES,
    );
    return { questions, dense: passageScores(selectRows(data.queries, questions), data.corpus) };
  });
  return fusionOf(heldOutFusion(data, fusionSamples(data, parts)).weights);
}
