import type { SearchAnswer, SearchHit } from "../studio-playground.ts";

/** Reads every passage of the last column anew and orders them by that; the other columns are cut to `top`. */
export async function reranked(
  answer: SearchAnswer,
  top: number,
  score: (passages: readonly string[]) => Promise<Float32Array>,
): Promise<SearchAnswer> {
  const started = performance.now();
  const first = answer.tuned.length > 0 ? answer.tuned : answer.base;
  const logits = await score(first.map(({ text }) => text));
  const hits = first.map((hit, index): SearchHit => ({
    ...hit,
    score: logits[index]!,
    otherRank: index + 1,
  }));
  hits.sort((a, b) => b.score - a.score || a.otherRank! - b.otherRank!);
  const rerank = performance.now() - started;
  return {
    ...answer,
    base: answer.base.slice(0, top),
    tuned: answer.tuned.slice(0, top),
    reranked: hits.slice(0, top),
    latency: { ...answer.latency, rerank, reranked: first.length },
  };
}
