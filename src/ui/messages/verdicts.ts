import type {
  ComparedRun,
  DriftReport,
  LearningCurve,
  LoserCluster,
  MergeCurve,
  MergePoint,
  PairComparison,
  Remedy,
  RunComparison,
  ScoreThreshold,
  TriageReason,
  TriageReport,
  TriageSystem,
  TriageVerdict,
} from "../../domain/eval/advice-types.ts";
import type { Delta } from "../../domain/eval/report.ts";
import {
  count,
  difference,
  duration,
  metric,
  percent,
  plural,
  points,
  probability,
  significant,
} from "../format.ts";

const SYSTEMS: Readonly<Record<TriageSystem, string>> = {
  bm25: "Word search (BM25)",
  base: "Base",
  baseInstruction: "Base + instruction",
  hybridFitted: "Hybrid, weights fitted",
  hybridReciprocalRank: "Hybrid, by ranks (RRF)",
  trialAdapter: "Adapter, trained for a moment",
  reranker: "Untrained re-ranker",
};

const VERDICTS: Readonly<Record<TriageVerdict, string>> = {
  unlikely: "Unlikely to help",
  "not-yet": "Not yet",
  "cheap-first": "A cheap step first",
  likely: "Worth a run",
  open: "Open: try it",
};

const REMEDIES: Readonly<Record<Remedy, string>> = {
  "hard-negative": "Make the intruders hard negatives",
  "fix-label": "Count the intruder as right too",
  "drop-query": "Drop these questions",
};

const interval = ({ low, high }: { low: number; high: number }): string => `${points(low)} … ${points(high)}`;

function reason(why: TriageReason): string {
  switch (why.kind) {
    case "base-high":
      return `The base already finds ${percent(why.hit10.value)} in its top 10; above ${percent(why.limit)} little is left to gain.`;
    case "ceiling-low":
      return `Even among the best 100 only ${percent(why.recall100.value)} of the questions have their passage: look at chunks and labels first.`;
    case "no-headroom":
      return `What is left to gain (${points(why.headroom)} points) is less than these questions could show (${points(why.detectable)}).`;
    case "few-questions":
      return `There are ${plural(why.questions, "question", "questions")} in ${plural(why.clusters, "group", "groups")}; ${count(why.needed)} would be enough to tell.`;
    case "cheap-gain":
      return `${SYSTEMS[why.system]} gains ${interval(why.delta)} points of MRR@10 without any training.`;
    case "trainable":
      return `An adapter trained for a moment gains ${interval(why.delta)} points on documents it has not seen, over the base it starts from (with the instruction, where that is better).`;
    case "not-trainable":
      return `An adapter trained for a moment gains nothing that can be told (${interval(why.delta)} points).`;
    case "copied-questions":
      return `In the median question ${percent(why.medianCopyRate)} of the words stand in its passage, which flatters word search.`;
  }
}

/** Words around runs: triage before one; comparison, drift, thresholds and losers after it. */
export const verdicts = {
  stale: "The data have changed since this was found. Work it out again.",
  again: "Work it out again",
  cancel: "Cancel",
  delta: (delta: Delta): string => `${points(delta.value)} (${interval(delta)})`,
  p: (p: number): string => probability(p),

  before: "Before you train: is it needed, and is there enough data?",

  triage: "Is tuning needed?",
  triageText:
    "Tries every search that needs no training on your training questions and says what is left to gain. The test questions stay closed.",
  triageAction: "Try what is there",
  triageVerdicts: VERDICTS,
  triageSystem: (system: TriageSystem): string => SYSTEMS[system],
  triageReason: reason,
  triageColumns: {
    system: "Search",
    hit5: "hit@5",
    hit10: "hit@10",
    mrr: "MRR@10",
    change: "Δ MRR@10, points",
  },
  triageSample: (questions: number): string => `${plural(questions, "question", "questions")} only`,
  triageBasis: ({ questions, clusters, passages }: TriageReport): string =>
    `${plural(questions, "question", "questions")} in ${plural(clusters, "group", "groups")}, ${plural(passages, "passage", "passages")}; 95 % intervals over groups.`,
  ceiling: ({ ceiling }: TriageReport): string =>
    `Ceiling: ${percent(ceiling.value)} of the questions (${percent(ceiling.low)} … ${percent(ceiling.high)}) have a right passage among the best 100. What is not there, no re-ranker can find.`,
  detectable: ({ smallestDetectable: { test, testQuestions, testClusters } }: TriageReport): string =>
    test === null
      ? "There is no test split yet, so a run could not be judged."
      : `About the smallest change the test split could show, judging by the training questions (${plural(testQuestions, "question", "questions")} in ${plural(testClusters, "group", "groups")}, 80 % power): ${points(test)} points of MRR@10. A forecast: Results says it again from the run’s own differences, so the two figures differ.`,
  reranker: "Try a re-ranker too",
  noReranker: "none",

  curve: "Would more data help?",
  curveText:
    "Trains adapters on an eighth to all of your training documents and fits how the error falls. Takes seconds.",
  curveAction: "Draw the learning curve",
  curveChart: "Error by training questions",
  curveQuestions: "Questions",
  curveError: "1 − MRR@10",
  curveFit: "Fit",
  curveSummary: ({ points: places, base, heldOut }: LearningCurve): string =>
    `Error on ${plural(heldOut, "held-out question", "held-out questions")}: ${significant(base)} without training, ${places.map(({ questions, error }) => `${significant(error.value)} with ${count(questions)}`).join(", ")}.`,

  advice: "What this run does elsewhere, how far to trust its scores, and how much of it to take.",
  openings: "The test split",
  threshold: "When to trust an answer",
  thresholdText:
    "Turns scores into probabilities and finds the score from which first hits are right nine times out of ten.",
  thresholdAction: "Calibrate the scores",
  thresholdResult: ({ threshold, score, target, precision, answered, reached }: ScoreThreshold): string =>
    threshold === null
      ? `No score makes first hits right in ${percent(target)} of the cases.`
      : `From ${score === "cosine" ? "a cosine" : "a logit"} of ${significant(threshold)} on, ${percent(precision.value)} of first hits are right (95 % interval ${percent(precision.low)} … ${percent(precision.high)})${reached ? "" : `, which may be less than ${percent(target)}`}. ${percent(answered)} of the questions get such an answer.`,
  thresholdFacts: ({ kind, platt, ece, pairs, basis }: ScoreThreshold): string =>
    `${kind === "platt" ? `Platt: σ(${significant(platt.a)}·s ${platt.b < 0 ? "−" : "+"} ${significant(Math.abs(platt.b))})` : "Isotonic steps"}, from ${count(pairs)} pairs of ${basis === "test" ? "test questions" : "held-out questions"}; expected calibration error ${percent(ece, 1)}.`,
  reliability: "How sure, and how often right",
  reliabilityColumns: { predicted: "Said", observed: "Was right", pairs: "Pairs" },

  drift: "What became of everything else",
  driftText:
    "Asks general questions and looks at your own passages before and after: tuning must not spoil what it was not made for.",
  driftAction: "Check for drift",
  driftFacts: (report: DriftReport): readonly (readonly [string, string])[] => [
    [
      "nDCG@10 on general questions",
      `${metric(report.general.before)} → ${metric(report.general.after)} (${difference(report.general.delta.value)})`,
    ],
    ["Neighbours kept (top 10)", percent(report.neighbourOverlap)],
    ["Same text, old and new vector (cosine)", metric(report.meanCosine)],
    ["Order of hits kept (rank-biased overlap, 1 = all)", metric(report.rankBiasedOverlap)],
    ["Shape of the vectors kept (linear CKA, 1 = all)", metric(report.linearCka)],
  ],
  index: ({ index }: DriftReport): string =>
    index.kind === "valid"
      ? "Index stays valid"
      : `Re-embed ${plural(index.chunks, "chunk", "chunks")}${index.seconds === null ? "" : `, about ${duration(index.seconds)}`}`,
  kept: "General search is kept",
  notKept: "A loss on general questions cannot be ruled out",

  merge: "How much of it to take",
  mergeText:
    "Between the base (0) and the tuned model (1): what your questions gain, and what general questions lose.",
  mergeAction: "Draw both curves",
  mergeChart: "Target and general questions by strength",
  mergeTarget: "Your questions, MRR@10",
  mergeGeneral: "General questions, nDCG@10",
  mergeSummary: ({ points: places, sentence }: MergeCurve): string =>
    `${sentence} At strength 0 ${metric(places[0]!.target)} and ${metric(places[0]!.general)}, at 1 ${metric(places.at(-1)!.target)} and ${metric(places.at(-1)!.general)}.`,
  mergeStrength: "Strength",
  mergeAt: (point: MergePoint): string =>
    `Strength ${point.strength.toFixed(2)}: your questions ${metric(point.target)}, general ones ${metric(point.general)} (${difference(point.generalDelta.value)}${point.nonInferior ? ", kept" : ", a loss cannot be ruled out"}).`,
  mergeBasis: ({ basis }: MergeCurve): string =>
    basis === "test"
      ? "Drawn on the test questions: choosing a strength by it uses the test up."
      : "Drawn on held-out training questions; the test stays closed.",
  mergeExport: "An export takes the strength you give it there.",

  changes: "Which questions moved, and what those that got worse have in common.",
  side: "Questions",
  sides: { test: "Test", train: "Training" },
  changesTitle: "What got worse",
  changesText: "Ranks of every question before and after, grouped by document and by words.",
  changesAction: "Find what got worse",
  tally: (wins: number, losses: number, ties: number): string =>
    `${count(wins)} better, ${count(losses)} worse, ${count(ties)} the same, by what counts for MRR@10: a move below rank 10 is none.`,
  noLosers: "No question got worse.",
  testCare:
    "These questions are the judge. Change one only if it is wrong itself; dropping what got worse makes the next verdict look better than it is.",
  cluster: ({ kind, name, queries, share }: LoserCluster): string =>
    `${kind === "document" ? "From" : "About"} “${name}”: ${plural(queries.length, "question", "questions")}, ${percent(share)} of those that got worse`,
  alone: (queries: number): string =>
    `On ${queries === 1 ? "its" : "their"} own: ${plural(queries, "question", "questions")}`,
  remedies: REMEDIES,
  remedyFor: (remedy: Remedy, cluster: string): string => `${REMEDIES[remedy]}: ${cluster}`,
  suggested: "suggested",
  rank: (before: number | null, after: number | null): string =>
    `rank ${before ?? "not found"} → ${after ?? "not found"}`,
  intruder: "Now first:",
  repeat: "Repeat the run on the changed data",
  single: "This question only:",
  list: "Its questions",

  compareHint: "Choose two to four judged runs. Every look at several runs at once is corrected for (Holm).",
  choose: "Runs",
  compared: "Runs side by side",
  comparedRun: (what: string, model: string): string => `${what}, from ${model}`,
  comparedBasis: ({ questions, clusters }: RunComparison): string =>
    `On the ${plural(questions, "question", "questions")} in ${plural(clusters, "group", "groups")} that all of them were judged on.`,
  comparedColumns: {
    run: "Run",
    hit5: "hit@5",
    mrr: "MRR@10",
    base: "Base",
    change: "Δ, points",
    p: "p (Holm)",
    verdict: "Verdict",
  },
  runVerdict: ({ verdict }: Pick<ComparedRun, "verdict">): string =>
    verdict === "better" ? "better" : verdict === "worse" ? "worse" : "cannot tell",
  pairs: "Against each other",
  pair: (
    { delta, adjusted, verdict, smallestDetectable }: PairComparison,
    first: string,
    second: string,
  ): string => {
    const change = `${points(delta.value)} points of MRR@10 (${interval(delta)}, p ${probability(adjusted)})`;
    if (verdict === "cannot-tell") {
      return `${second} against ${first}: ${change}. That is no reliable difference; these questions could show ${points(smallestDetectable)}.`;
    }
    return `${second} is ${verdict} than ${first}: ${change}.`;
  },
  comparedRows: "Where they differ most",
  question: "Question",
  fewRuns: "There is one judged run. Train another one to compare.",

  report: "Report",
  reportTitle: "Take the report along",
  reportText:
    "Everything found about this run in one file: the verdict, figures, intervals, recipe, hashes, how often the test was opened. It opens anywhere, without a connection.",
  reportRows: "With my questions and passages (leave this off before you share it)",
  reportHtml: "Save as a page (.html)",
  reportJson: "Save as data (.json)",
  saved: (name: string): string => `${name} saved.`,
} as const;
