import type { Dataset } from "../../data/dataset.ts";
import type { CandidateScores } from "../../eval/candidates.ts";
import type { PairScorer, TextPair } from "../../models/score-pairs.ts";
import type { RunControl } from "../../ports.ts";

/** Logits of each question's candidate passages (columns of the dataset), for `rerankReport`. Progress counts questions. */
export async function scoreCandidates(
  scorer: PairScorer,
  { queries, passages }: Dataset,
  candidates: readonly Uint32Array[],
  control: RunControl = {},
): Promise<CandidateScores> {
  const pairs = candidates.flatMap((columns, query) =>
    Array.from(columns, (column): TextPair => [queries[query]!.text, passages[column]!.text]),
  );
  const logits = await scorer.score(pairs, control);
  let at = 0;
  return candidates.map((columns) => logits.slice(at, (at += columns.length)));
}
