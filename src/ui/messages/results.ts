import type { EvaluationReport, MetricName, SystemName, Verdict } from "../../domain/eval/report.ts";
import { count, difference, metric, percent, plural, points, probability } from "../format.ts";
import type { Outcome, RowFilter, RowOrder, ScoreWithout } from "../query-rows.ts";
import type { SearchView, VerdictView } from "../verdict.ts";

/** A piece of a sentence; what carries the result is strong. */
export interface Segment {
  readonly text: string;
  readonly strong?: boolean;
}

const VIEWS: Readonly<Record<SearchView, string>> = { dense: "Dense", hybrid: "Hybrid", lexical: "Lexical" };

const SYSTEMS: Readonly<Record<SystemName, string>> = {
  bm25: "BM25",
  base: "Base",
  baseInstruction: "Base + instruction",
  tuned: "Tuned",
  hybridBase: "Hybrid base",
  hybridTuned: "Hybrid tuned",
};

const VERDICTS: Readonly<Record<Verdict | "no-tuning", string>> = {
  better: "Better",
  worse: "Worse",
  "cannot-tell": "No reliable change",
  "no-tuning": "Nothing to tune",
};

const METRICS: Readonly<Partial<Record<MetricName, string>>> = {
  "mrr@10": "MRR@10",
  "ndcg@10": "nDCG@10",
  "map@100": "MAP@100",
};

const FILTERS: Readonly<Record<RowFilter, string>> = {
  all: "All",
  won: "Won",
  lost: "Lost",
  same: "Same",
  "both-fail": "Both fail",
};

const OUTCOMES: Readonly<Record<Outcome, string>> = {
  won: "won",
  lost: "lost",
  same: "same",
  "both-fail": "found by neither",
};

const ORDERS: Readonly<Record<RowOrder, string>> = {
  change: "Largest change",
  before: "Worst before",
  after: "Worst after",
  copy: "Least copied words",
  file: "Order of the file",
};

const SUBJECTS: Readonly<Record<SearchView, readonly [string, string]>> = {
  dense: ["Tuned", "base"],
  hybrid: ["Tuned, fused with word search,", "the base fused the same way"],
  lexical: ["Word search (BM25)", ""],
};

function interval(delta: { low: number; high: number }): string {
  return `95 % CI ${points(delta.low)}…${points(delta.high)}`;
}

/** The hero of Results, in pieces. */
export function verdictSegments(view: VerdictView): readonly Segment[] {
  const [subject, baseline] = SUBJECTS[view.view];
  const now = view.after ?? view.before;
  const start: Segment[] = [
    { text: `${subject} finds the right passage in the top 5 for ` },
    { text: percent(now["hit@5"]), strong: true },
    { text: ` of ${plural(view.queries, "unseen question", "unseen questions")}` },
  ];
  if (!view.after || !view.hit5) return [...start, { text: "." }];
  return [
    ...start,
    { text: `; ${baseline} ` },
    { text: percent(view.before["hit@5"]), strong: true },
    { text: ` (${points(view.hit5.value)} points, ${interval(view.hit5)}).` },
  ];
}

/** "Tuned finds the right passage in the top 5 for 87 % of 148 unseen questions; base 71 % (+16 points, 95 % CI +6…+27)." */
export function verdictSentence(view: VerdictView): string {
  return verdictSegments(view)
    .map((segment) => segment.text)
    .join("");
}

/** What the verdict rests on: the interval of MRR@10. */
function judgedBy(view: VerdictView): string {
  if (!view.after || !view.mrr10) return "";
  const { value, low, high, p } = view.mrr10;
  const change = `${metric(view.before["mrr@10"])} → ${metric(view.after["mrr@10"])}`;
  return `Judged by MRR@10: ${change} (${difference(value)}, 95 % CI ${difference(low)}…${difference(high)}, p ${probability(p)}), over ${plural(view.clusters, "group", "groups")} of questions.`;
}

/** hit@5 moved beyond its interval while MRR@10, which decides, did not. */
function onlyTopChanged(view: VerdictView): boolean {
  return view.hit5 !== null && (view.hit5.low > 0 || view.hit5.high < 0);
}

function advice(view: VerdictView): readonly string[] {
  if (view.verdict === "cannot-tell") {
    return [
      ...(onlyTopChanged(view) ? ["The top 5 changed, the ranking as a whole did not reliably."] : []),
      `The interval of MRR@10 holds zero: ${plural(view.queries, "question", "questions")} can show a change of ${metric(view.smallestDetectable)} MRR@10 or more, not a smaller one.`,
      "More test questions narrow the interval; about four times as many halve it.",
      "More or better training questions help most where the base fails: see the Queries tab.",
      "If hybrid search is what you run, read that view first: word search often brings more than tuning.",
    ];
  }
  if (view.verdict === "worse") {
    return [
      "Keep the base: the adapter moves right passages down.",
      "Look at the lost questions: training questions that copy their passage teach the wrong thing.",
    ];
  }
  return [];
}

export const results = {
  title: "Results",
  run: "Run",
  runOption: (number: number, text: string): string => `Run ${number}: ${text}`,
  view: "Search",
  views: VIEWS,
  tabs: {
    summary: "Summary",
    queries: "Queries",
    changes: "What got worse",
    advice: "Advice",
    compare: "Compare",
    map: "Map",
    config: "Config",
  },
  export: "Export",
  tryIt: "Try it",
  empty: "No result yet",
  emptyText: "Train first: a run is judged by itself when it ends, on questions it has never seen.",
  toTrain: "Go to Train",
  loading: "Loading the report…",
  verdicts: VERDICTS,
  systems: SYSTEMS,
  judgedBy,
  advice,
  whatToDo: "What to do",
  lexicalNote: (report: EvaluationReport): string => {
    const best = report.systems.hybridTuned ?? report.systems.tuned;
    return best
      ? `It has no weights to tune. Tuned and fused with it, search finds ${percent(best["hit@5"])}.`
      : "It has no weights to tune.";
  },
  otherViews: "The other searches",
  intervals: "Change by tuning, with 95 % interval, in points",
  intervalName: (view: SearchView, name: MetricName): string => `${VIEWS[view]} ${results.metricName(name)}`,
  intervalText: (name: string, delta: { value: number; low: number; high: number }): string =>
    `${name}: ${points(delta.value)} (${points(delta.low)} to ${points(delta.high)})`,
  zero: "0",
  metricName: (name: MetricName): string => METRICS[name] ?? name,
  metricsTitle: "All measures, side by side",
  metricsCaption: (view: SearchView): string =>
    `Δ is ${view === "hybrid" ? "hybrid tuned − hybrid base" : "tuned − base, asked the same way"}; interval by paired bootstrap over groups, p by sign flips.`,
  metric: "Measure",
  delta: "Δ",
  interval: "95 % CI",
  p: "p",
  allMetrics: "Show every measure",
  lowOverlapTitle: "Where words do not give it away",
  lowOverlapText: (report: EvaluationReport): string =>
    `In the median question ${percent(report.medianCopyRate)} of the words stand in its passage, which flatters word search. These are the ${plural(report.lowOverlap.queries, "question", "questions")} with at most ${percent(report.lowOverlap.copyRateAtMost)}.`,
  detectable: (value: number): string =>
    `Smallest change this test could show (80 % power): ${metric(value)} MRR@10, measured on this run’s own differences. What Train says before a run is a forecast from training questions, so the two figures differ.`,
  leaksUnknown: "Whether test questions stand in training too was not looked into for these data.",
  toLeaks: "See leaks under Data",
  withoutLeaks: ({ left, questions, hit5, mrr10 }: ScoreWithout): string =>
    `${plural(left, "test question stands", "test questions stand")} in training too, or nearly so. Without ${left === 1 ? "it" : "them"} (${plural(questions, "question", "questions")} left): hit@5 ${metric(hit5[0])} → ${metric(hit5[1])}, MRR@10 ${metric(mrr10[0])} → ${metric(mrr10[1])}.`,
  copyBeside: (rate: number): string => `median copy rate ${percent(rate)}`,

  filter: "Filter",
  filters: FILTERS,
  filterCount: (filter: RowFilter, rows: number): string => `${FILTERS[filter]} ${count(rows)}`,
  order: "Sort by",
  orders: ORDERS,
  find: "Find in questions",
  outcomes: (counts: Readonly<Record<Outcome, number>>): string =>
    `${count(counts.won)} won, ${count(counts.lost)} lost, ${count(counts.same)} same, ${count(counts["both-fail"])} found by neither`,
  behind: "The questions behind it:",
  outcome: (outcome: Outcome, rows: number): string => `${count(rows)} ${OUTCOMES[outcome]}`,
  rows: "Questions",
  question: "Question",
  before: "Before",
  after: "After",
  change: "Change",
  rank: (rank: number | null): string => (rank === null ? "–" : count(rank)),
  rankChange: (before: number | null, after: number | null): string =>
    `rank ${before ?? "not found"} before, ${after ?? "not found"} after`,
  won: "won",
  lost: "lost",
  same: "same",
  bothFail: "not found",
  noRows: "No question matches.",
  rowTitle: "One question",
  rightPassage: "Right passage",
  firstOf: (system: SystemName): string => `First with ${SYSTEMS[system]}`,
  firstIsRight: "the right one",
  rankOf: (rank: number | null): string =>
    rank === null ? "right passage not found" : `right passage at rank ${count(rank)}`,
  copyRate: (rate: number): string => `${percent(rate)} of its words stand in the passage`,
  rowLink: "Copy a link to this row",
  passageUnknown: "This passage is not in the project any more.",

  settings: "Settings of the run",
  chosen: "Chosen on held-out groups",
  chosenNames: { learningRate: "Learning rate", scale: "Scale", alpha: "Merge α", epochs: "Epochs" },
  fusion: "Fusion weights",
  dense: "dense",
  lexical: "lexical",
  device: "Device",
  seconds: "Time",
  jobFile: "As a job file",
  jobFileHint:
    "The same run without a page: save it as job.json, put the data from Models beside it under the names it gives, and call",
  jobCommand: "npm run -s retune -- run job.json --out result",
} as const;
