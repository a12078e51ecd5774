import { CounterRandom } from "../../random.ts";
import type { RerankCandidate, RerankDataset } from "../rerank-dataset.ts";

/**
 * A re-ranker cannot learn from right texts alone: every question that has no wrong one gets `count` right texts of other
 * questions, drawn by seed, as in-batch negatives are. What is right for the question itself is never among them.
 */
export function withInBatchNegatives(data: RerankDataset, count: number, seed: number): RerankDataset {
  const right = data.queries.map(({ candidates }) => candidates.filter(({ score }) => score > 0));
  const queries = data.queries.map((query, index) => {
    if (query.candidates.some(({ score }) => score === 0)) return query;
    const own = new Set(query.candidates.map(({ text }) => text));
    const drawn: RerankCandidate[] = [];
    for (const other of CounterRandom.stream(seed, 3000 + index).permutation(right.length)) {
      const [first] = right[other]!;
      if (drawn.length >= count) break;
      if (!first || own.has(first.text)) continue;
      own.add(first.text);
      drawn.push({ text: first.text, score: 0, kind: "random" });
    }
    return { ...query, candidates: [...query.candidates, ...drawn] };
  });
  return { ...data, queries };
}
