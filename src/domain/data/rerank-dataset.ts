import { RetuneError } from "../../engine/errors.ts";

/** A text that a re-ranker scores for a question, and what it should say. */
export interface RerankCandidate {
  readonly text: string;
  readonly score: number; // 1 right, 0 wrong; between them a grade; a teacher's logit where the set says so
  readonly kind: "positive" | "mined" | "random" | "given";
  readonly passage?: string; // its id, where it comes from a dataset
}

export interface RerankQuery {
  readonly id: string;
  readonly text: string;
  readonly group: string; // splits and bootstrap clusters keep a group together
  readonly candidates: readonly RerankCandidate[]; // at least one, no text twice
}

/** What cross-encoders learn from: questions, each with texts and their scores. */
export interface RerankDataset {
  readonly queries: readonly RerankQuery[];
  readonly scores: "labels" | "teacher"; // labels lie in 0–1; a teacher's scores are logits of any size
}

/** One row of the pair form {query, context, score}. */
export interface RerankPair {
  readonly query: string;
  readonly context: string;
  readonly score: number;
}

/** All pairs, questions and candidates in order. */
export function pairsOf({ queries }: RerankDataset): RerankPair[] {
  return queries.flatMap(({ text, candidates }) =>
    candidates.map((candidate) => ({ query: text, context: candidate.text, score: candidate.score })),
  );
}

/**
 * Pairs as a dataset: rows of one question become one, in order of first appearance; of a (query, context) given twice
 * the first stays. Scores that leave 0–1 make it a teacher's set.
 */
export function rerankDatasetOf(pairs: readonly RerankPair[]): RerankDataset {
  const queries = new Map<string, Map<string, RerankCandidate>>();
  for (const { query, context, score } of pairs) {
    const candidates = queries.get(query) ?? new Map<string, RerankCandidate>();
    queries.set(query, candidates);
    if (!candidates.has(context)) candidates.set(context, { text: context, score, kind: "given" });
  }
  const labels = pairs.every(({ score }) => score >= 0 && score <= 1);
  return {
    scores: labels ? "labels" : "teacher",
    queries: Array.from(queries, ([text, candidates], index) => ({
      id: `q${index + 1}`,
      text,
      group: `query:${text}`,
      candidates: [...candidates.values()],
    })),
  };
}

/** "too-little-data" where nothing can be learnt: no question, or labels that are all alike. */
export function checkRerankDataset({ queries, scores }: RerankDataset): void {
  const values = new Set(queries.flatMap(({ candidates }) => candidates.map(({ score }) => score)));
  if (values.size > 1) return;
  const what = scores === "labels" ? "label" : "score";
  const pairs = queries.reduce((sum, { candidates }) => sum + candidates.length, 0);
  throw new RetuneError(
    "too-little-data",
    `re-ranker: ${pairs} pairs with ${values.size === 0 ? "no" : "one"} ${what} ` +
      `${[...values].join("")}: right and wrong texts are both needed; mine negatives first`,
  );
}
