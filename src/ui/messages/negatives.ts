import type { MiningReport } from "../../domain/data/mining/mining-report.ts";
import type { MiningSearch, NegativeCandidate, NegativesFormat } from "../../app/studio-mining.ts";
import type { CohereMethod } from "../../domain/data/mining/cohere-rows.ts";
import { count, percent, plural, significant } from "../format.ts";

const SEARCHES: Readonly<Record<MiningSearch, string>> = {
  hybrid: "Hybrid",
  dense: "Meaning",
  bm25: "Words",
};

const STATES: Readonly<Record<NegativeCandidate["state"], string>> = {
  proposed: "Proposed",
  accepted: "Accepted",
  rejected: "Rejected",
};

const ROWS: Readonly<Record<NegativesFormat, string>> = {
  triplet: "Triplets: question, right, wrong",
  "n-tuple": "One row a question: right, then all wrong ones",
  "labeled-pair": "Pairs with a label, 1 or 0",
  "labeled-list": "Lists with labels",
  job: "The file a headless job takes as negatives (JSON)",
};

const COHERE: Readonly<Record<CohereMethod, string>> = {
  none: "No negatives",
  random: "Random negatives",
  cosine: "Nearest by meaning",
};

const originOf = ({ kind, rank, score }: NegativeCandidate): string => {
  const where =
    kind === "given" ? "came with the data" : kind === "random" ? "at random" : `rank ${rank ?? "?"}`;
  return score === null ? where : `${where} · score ${significant(score)}`;
};

const skippedRows = ({ skipped, copies, short }: MiningReport): readonly (readonly [string, number])[] => [
  ["Too close to the right passage (absolute margin)", skipped.absoluteMargin],
  ["Too close to the right passage (relative margin)", skipped.relativeMargin],
  ["Above the highest score", skipped.maxScore],
  ["Below the lowest score", skipped.minScore],
  ["Passages that repeat another's text", copies],
  ["Questions that got fewer than asked for", short],
];

export const negatives = {
  tab: "Negatives",
  intro:
    "A model learns most from passages that look right and are not. Find them for your training questions, look through them, and keep those that really do not answer.",
  empty: "No training questions yet",
  emptyText: "Negatives belong to questions. Import or write some first.",
  toQuestions: "Go to Questions",

  setup: "Find negatives",
  again: "Find negatives anew",
  search: "Search by",
  searches: SEARCHES,
  perQuestion: "Near misses for each question",
  random: "Random ones besides",
  randomHint: "Hard ones alone spoil the easy cases.",
  relative: "Relative margin",
  relativeHint: "0.05 leaves out what scores within 5 % of the right passage: it may well be right too.",
  absolute: "Absolute margin",
  absoluteHint: "Leaves out what scores less than this below the right passage.",
  more: "Window, thresholds and re-ranker",
  rangeMin: "Skip the best",
  rangeMinHint: "Ranks that are left out because they may be right.",
  rangeMax: "Look at ranks up to",
  rangeMaxHint: "Empty: as many as are needed.",
  sampling: "Take from the window",
  samplings: { top: "the best", random: "some at random" } as const,
  minScore: "Lowest score",
  maxScore: "Highest score",
  anyScore: "no limit",
  reranker: "Score with a re-ranker",
  noReranker: "no: keep the search's scores",
  rerankerHint:
    "Its scores take the search's place wherever a margin or a limit is compared; set one of these.",
  rerankerIdle: "Without a margin or a limit the re-ranker would change nothing.",
  seed: "Seed",
  start: "Find negatives",
  running: "Looking…",

  found: (report: MiningReport): string =>
    `${plural(report.mined, "near miss", "near misses")} and ${plural(report.random, "random one", "random ones")} for ${plural(report.questions, "question", "questions")}.`,
  outdated: "Questions or passages have changed since; find negatives anew to be sure.",
  histogram: "Scores of right passages and near misses",
  histogramHint: "Where the two overlap, a near miss may be right after all: raise a margin.",
  rescored: "Scores are the re-ranker's.",
  right: "Right passages",
  wrong: "Near misses",
  scoreFrom: "Score from",
  low: (value: number): string => significant(value),
  skippedTitle: "Left out",
  skippedRows,
  counted: (value: number): string => count(value),

  list: "Questions with negatives",
  summary: (accepted: number, total: number): string =>
    `${count(accepted)} of ${count(total)} accepted (${percent(total === 0 ? 0 : accepted / total)})`,
  acceptAll: "Accept all proposed",
  rejectAll: "Reject all proposed",
  removeAll: "Remove all",
  removeTitle: "Remove all negatives?",
  removeText:
    "Accepted and rejected ones become proposals again, and training mines its own. You can undo this.",
  undo: "Undo",
  undone: "Taken back.",
  of: (accepted: number, total: number): string => `${count(accepted)} of ${count(total)}`,
  positives: "Right",
  candidates: "Candidates",
  noCandidates: "Nothing was found for this question under these settings.",
  states: STATES,
  originOf,
  accept: "Accept",
  reject: "Reject",
  acceptThis: "Accept as negative",
  rejectThis: "Reject: it may be right",
  acceptQuestion: "Accept all of this question",
  kept: "Accepted ones are kept with the question; encoders and re-rankers train on them in place of freshly mined ones.",

  export: "Take negatives away",
  rows: "Accepted negatives",
  rowFormats: ROWS,
  cohere: "Cohere re-ranker file, as LlamaIndex writes it",
  cohereHint: "Nothing is uploaded: our own re-ranker trains on the same file.",
  cohereMethods: COHERE,
  cohereMode: "As LlamaIndex does it, defects included (a right passage can come out as a negative)",
  saveRows: "Save negatives",
  saveCohere: "Save file",
  method: "Negatives",
  perRow: "Negatives for each question",
  rowFormat: "As",
} as const;
