import type { Backend } from "../../../engine/backend.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { CandidateScores } from "../../eval/candidates.ts";
import type { CrossEncoderModel } from "../../models/encoder-model.ts";
import { openPairScorer, type TextPair } from "../../models/score-pairs.ts";
import type { RunControl } from "../../ports.ts";

/**
 * Logits of each question's candidate passages (columns of the dataset) by a cross-encoder that is opened for them.
 * Progress counts pairs. Errors: those of openPairScorer, "cancelled".
 */
export async function scoreCandidates(
  backend: Backend,
  model: CrossEncoderModel,
  { queries, passages }: Dataset,
  candidates: readonly Uint32Array[],
  control: RunControl = {},
): Promise<CandidateScores> {
  const pairs = candidates.flatMap((columns, query) =>
    Array.from(columns, (column): TextPair => [queries[query]!.text, passages[column]!.text]),
  );
  const scorer = await openPairScorer(backend, model);
  try {
    const logits = await scorer.score(pairs, control);
    let at = 0;
    return candidates.map((columns) => logits.slice(at, (at += columns.length)));
  } finally {
    scorer.dispose();
  }
}
