/** Metric keys as in run.json: hit@k, accuracy@k, precision@k, recall@k for k 1, 3, 5, 10; mrr@10, ndcg@10, map@100. */
export type MetricName =
  `${"hit" | "accuracy" | "precision" | "recall"}@${1 | 3 | 5 | 10}` | "mrr@10" | "ndcg@10" | "map@100";

export type Metrics = Readonly<Record<MetricName, number>>; // fractions 0–1

/** The systems every report shows side by side. */
export type SystemName = "base" | "baseInstruction" | "bm25" | "hybridBase" | "hybridTuned" | "tuned";

/** A paired difference with its 95 % cluster-bootstrap interval and two-sided sign-flip p. */
export interface Delta {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly p: number;
}

export type Verdict = "better" | "worse" | "cannot-tell";

export interface Fusion {
  readonly lexical: {
    readonly kind: "bm25";
    readonly k1: number;
    readonly b: number;
    readonly tokens: string;
  };
  readonly normalise: "z-score per query over all passages, population sd";
  readonly weights: { readonly dense: number; readonly lexical: number };
}

/** One judged question: ranks from 1, null where the right passage is not in the list at all. */
export interface QueryRow {
  readonly query: string; // id
  readonly text: string;
  readonly right: string; // passage id of the first positive
  readonly copyRate: number; // share of the question's words found in its passage, 0–1
  readonly ranks: Readonly<Partial<Record<SystemName, number | null>>>;
  readonly top: Readonly<Partial<Record<SystemName, string>>>; // the passage each system puts first
}

/** Everything Results shows: computed on the judged set only. */
export interface EvaluationReport {
  readonly queries: number;
  readonly clusters: number;
  readonly systems: Readonly<Partial<Record<SystemName, Metrics>>>; // absent where not computed
  readonly lowOverlap: {
    readonly queries: number;
    readonly copyRateAtMost: number; // the median
    readonly systems: Readonly<Partial<Record<SystemName, Metrics>>>;
  };
  readonly medianCopyRate: number;
  readonly delta: Readonly<Record<MetricName, Delta>> | null; // tuned − base with the same instruction
  readonly deltaHybrid: Readonly<Record<MetricName, Delta>> | null; // hybridTuned − hybridBase
  readonly verdict: Verdict;
  readonly verdictHybrid: Verdict;
  readonly smallestDetectable: number; // Δ of mrr@10 at 80 % power
  readonly fusion: { readonly base: Fusion; readonly tuned: Fusion };
  readonly rows: readonly QueryRow[];
}
