import type { Share } from "./calibration.ts";
import type { Delta, Metrics, Verdict } from "./report.ts";

// What the analyses around a run say: before it (triage, learning curve) and after it (comparison, drift, merge curve,
// thresholds, losers). Plain data: they cross to workers, are kept as findings and are written as JSON headless.
// Fractions lie in 0–1; "points" in sentences are hundredths. Intervals are 95 %, over clusters of questions.

/** An estimate with its 95 % interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What triage puts side by side; "trialAdapter" was trained with usual settings on the other documents. */
export type TriageSystem =
  "bm25" | "base" | "baseInstruction" | "hybridFitted" | "hybridReciprocalRank" | "trialAdapter" | "reranker";

export interface TriageRow {
  readonly system: TriageSystem;
  readonly metrics: Metrics;
  readonly delta: Delta | null; // of mrr@10 against `base`, the same questions; null for base itself
  readonly questions: number; // fewer for the re-ranker, which reads a sample
}

/** A reason behind the sentence of triage, each with its figures; the page words them by `kind`. */
export type TriageReason =
  | { readonly kind: "base-high"; readonly hit10: Interval; readonly limit: number }
  | { readonly kind: "ceiling-low"; readonly recall100: Interval; readonly limit: number }
  | { readonly kind: "no-headroom"; readonly headroom: number; readonly detectable: number }
  | {
      readonly kind: "few-questions";
      readonly questions: number;
      readonly clusters: number;
      readonly needed: number;
    }
  | { readonly kind: "cheap-gain"; readonly system: TriageSystem; readonly delta: Delta }
  | { readonly kind: "trainable"; readonly delta: Delta } // the trial adapter gains on documents it has not seen
  | { readonly kind: "not-trainable"; readonly delta: Delta } // it does not, or cannot be told to
  | { readonly kind: "copied-questions"; readonly medianCopyRate: number }; // flatters BM25

/**
 * "unlikely": fine-tuning is unlikely to help. "not-yet": too few questions to train or to judge. "cheap-first": a step
 * without training gains already and should be kept either way. "likely": worth a run. "open": these questions do not
 * tell; an adapter takes seconds, so trying is the test.
 */
export type TriageVerdict = "unlikely" | "not-yet" | "cheap-first" | "likely" | "open";

/** Before training: judged on training questions only, the test split stays closed. */
export interface TriageReport {
  readonly questions: number;
  readonly clusters: number;
  readonly passages: number;
  readonly rows: readonly TriageRow[];
  readonly ceiling: Interval; // share of questions with a right passage among the best 100 of the best search
  readonly fusion: { readonly dense: number; readonly lexical: number };
  readonly smallestDetectable: {
    readonly train: number; // Δ of mrr@10 at 80 % power on these questions
    readonly test: number | null; // on the test split, whose size alone is looked at; null without one
    readonly testQuestions: number;
    readonly testClusters: number;
  };
  readonly verdict: TriageVerdict;
  readonly sentence: string; // "Fine-tuning is unlikely to help: …"
  readonly reasons: readonly TriageReason[]; // the weightiest first
  readonly notes: readonly string[];
}

/** One run in a comparison: its figures on the shared questions, and against its own base. */
export interface ComparedRun {
  readonly id: string;
  readonly name: string; // "Run 3"
  readonly model: string; // what it started from, as people call it
  readonly metrics: Readonly<Partial<Record<ComparedMetric, number>>>;
  readonly base: Readonly<Partial<Record<ComparedMetric, number>>>;
  readonly delta: Delta; // mrr@10 against its base
  readonly adjusted: number; // Holm-adjusted p over all runs compared
  readonly verdict: Verdict; // by `adjusted` < .05 and the interval's side
}

export type ComparedMetric = "hit@1" | "hit@3" | "hit@5" | "hit@10" | "mrr@10";

/** Two runs against each other, question by question. */
export interface PairComparison {
  readonly first: string; // run ids; delta is second − first
  readonly second: string;
  readonly delta: Delta;
  readonly adjusted: number; // Holm over all pairs
  readonly verdict: Verdict; // "better": the second is
  readonly smallestDetectable: number;
}

/** Up to four runs on the questions that all of them were judged on. */
export interface RunComparison {
  readonly questions: number;
  readonly clusters: number;
  readonly runs: readonly ComparedRun[];
  readonly pairs: readonly PairComparison[];
  readonly rows: readonly ComparedQuestion[];
  readonly notes: readonly string[]; // "Run 2 was judged on other data: 12 of its questions are left out."
}

export interface ComparedQuestion {
  readonly query: string;
  readonly text: string;
  readonly base: number | null; // rank by the base of the first run
  readonly ranks: readonly (number | null)[]; // in the order of `runs`
}

export interface CurvePoint {
  readonly questions: number; // trained on
  readonly clusters: number;
  readonly error: Interval; // 1 − MRR@10 on held-out training questions
}

/** Twice the data: what it should bring, or why that cannot be said. */
export type LearningAdvice =
  | {
      readonly kind: "forecast";
      readonly a: number;
      readonly b: number;
      readonly c: number; // err(n) = a + b·n^−c
      readonly doubled: Interval; // gain of MRR@10 at 2n, a fraction
      readonly reached: number; // MRR@10 at n by the fit
      readonly flat: boolean; // doubled.high below half a point: better labels before more data
    }
  | {
      readonly kind: "refused";
      readonly reason: "few-points" | "noise" | "few-questions";
      readonly detail: string;
    };

export interface LearningCurve {
  readonly points: readonly CurvePoint[]; // ascending
  readonly base: number; // 1 − MRR@10 without training, same questions
  readonly heldOut: number; // questions judged
  readonly advice: LearningAdvice;
  readonly sentence: string; // "Twice the data: +0.4 … +2.1 points of MRR@10."
}

/** What became of general questions and of vectors that nothing was trained on. */
export interface DriftReport {
  readonly generalQuestions: number;
  readonly generalPassages: number;
  readonly anchors: number; // texts compared old against new
  readonly meanCosine: number; // old against new vector of the same text
  readonly neighbourOverlap: number; // share of the ten nearest passages that stay, mean over questions
  readonly rankBiasedOverlap: number; // p = .9, over the best 100
  readonly linearCka: number;
  readonly general: { readonly before: number; readonly after: number; readonly delta: Delta }; // NDCG@10
  readonly margin: number; // .01
  readonly nonInferior: boolean; // delta.low > −margin
  readonly index:
    | { readonly kind: "valid" } // query side only: stored vectors stay as they are
    | { readonly kind: "embed-again"; readonly chunks: number; readonly seconds: number | null };
  readonly sentence: string;
}

export interface MergePoint {
  readonly strength: number; // 0 base … 1 tuned
  readonly target: number; // MRR@10
  readonly general: number; // NDCG@10 on the general set
  readonly generalDelta: Delta; // against strength 0
  readonly nonInferior: boolean;
}

export interface MergeCurve {
  readonly points: readonly MergePoint[]; // 0, .1, … 1
  readonly basis: "held-out" | "test"; // which questions `target` is of
  readonly best: number | null; // strength with the highest target among the non-inferior; null: none but 0
  readonly crossFitted: number | null; // target where the strength was chosen on the other half of the clusters
  readonly questions: number;
  readonly sentence: string;
}

/** A probability for a score, and from which score on answers are right often enough. */
export interface ScoreThreshold {
  readonly score: "cosine" | "logit"; // what is compared: of the tuned search, or of the re-ranker
  readonly platt: { readonly a: number; readonly b: number }; // P(right) = σ(a·s + b)
  readonly isotonic: readonly { readonly score: number; readonly probability: number }[] | null; // from 1,000 pairs on
  readonly kind: "platt" | "isotonic"; // which one has the lower log loss on held-out clusters
  readonly target: number; // .9
  readonly threshold: number | null; // score at and above which the first hit is taken; null: never often enough
  readonly precision: Share; // of taken first hits, on clusters the threshold was not fitted on
  readonly reached: boolean;
  readonly answered: number; // share of questions with a taken first hit
  readonly ece: number; // cross-fitted
  readonly pairs: number; // (question, hit) pairs it was fitted on
  readonly bins: readonly { readonly predicted: number; readonly observed: number; readonly pairs: number }[];
  readonly basis: "held-out" | "test";
}

/** One question before and after. */
export interface QueryDifference {
  readonly query: string;
  readonly text: string;
  readonly document: string; // cluster of its right passage
  readonly right: string; // passage id
  readonly before: number | null; // rank
  readonly after: number | null;
  readonly gain: number; // Δ of the reciprocal rank
  readonly intruder: string | null; // the passage now first, where it is a wrong one
  readonly intruderText: string | null;
}

export type Remedy = "hard-negative" | "fix-label" | "drop-query";

/** Losers that share a source document or words. */
export interface LoserCluster {
  readonly id: string;
  readonly kind: "document" | "terms";
  readonly name: string; // the document, or its three weightiest words
  readonly terms: readonly string[];
  readonly queries: readonly string[]; // ids, worst first
  readonly meanGain: number; // below 0
  readonly share: number; // of all losers
  readonly suggested: Remedy | null; // null: nothing that this side allows seems right
}

export interface DifferenceReport {
  readonly side: "train" | "test";
  readonly wins: number;
  readonly losses: number;
  readonly ties: number;
  readonly rows: readonly QueryDifference[]; // losses first, the worst on top
  readonly clusters: readonly LoserCluster[]; // the largest first; a loser may stand in one of each kind
  readonly remedies: readonly Remedy[]; // what this side allows: hard negatives teach only training questions
}

/** One look at the test split. */
export interface TestOpening {
  readonly number: number; // from 1
  readonly runId: string | null;
  readonly run: string; // "Run 3"
  readonly purpose: "judged" | "strength" | "merge-curve" | "thresholds";
  readonly testHash: string; // of the split as it was
}

export interface TestOpenings {
  readonly count: number; // of the present test split
  readonly earlier: number; // of test splits with other questions
  readonly openings: readonly TestOpening[];
  readonly sentence: string; // "This test set was opened 3 times."
}
