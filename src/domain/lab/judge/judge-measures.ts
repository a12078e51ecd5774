import type { LabAnswer, LabMeasure } from "../lab-task.ts";
import { cohenKappa, confusionMatrix, spearman } from "./agreement.ts";
import { scoreOfVerdict, VERDICTS, type Consensus, type Verdict } from "./verdicts.ts";

/** What an answer's `detail` holds: the two sides of every figure that is no mean of rows, and both calls for the page. */
export interface PairwiseDetail {
  readonly kind: "pairwise";
  readonly right: Verdict;
  readonly said: Verdict | null; // the verdict of both calls together; null where one cannot be read
  readonly original: Verdict | null; // of the answers as given
  readonly flipped: Verdict | null; // of the exchanged answers, in that call's own letters
  readonly consensus: Consensus | null;
}

export interface CorrectnessDetail {
  readonly kind: "correctness";
  readonly right: number;
  readonly said: number | null;
}

export type JudgeDetail = PairwiseDetail | CorrectnessDetail;

export const SCORES = [1, 2, 3, 4, 5] as const;

export const JUDGE_MEASURES: readonly LabMeasure[] = [
  {
    key: "agreement",
    label: "Agreement",
    meaning:
      "How often the judge says what the reference says; a verdict that changes with the order counts as a tie.",
    better: "higher",
    unit: "share",
  },
  {
    key: "kappa",
    label: "Cohen's κ",
    meaning:
      "Agreement beyond what chance would give: 0 is chance, 1 is full agreement; scores weigh misses by their square.",
    better: "higher",
    unit: "number",
    summary: kappaOf,
  },
  {
    key: "spearman",
    label: "Spearman's ρ",
    meaning: "Whether the judge puts answers in the reference's order: 1 always, 0 no better than chance.",
    better: "higher",
    unit: "number",
    summary: spearmanOf,
  },
  {
    key: "positionConsistency",
    label: "Position consistency",
    meaning: "How often the verdict stays the same when the two answers change places.",
    better: "higher",
    unit: "share",
  },
  {
    key: "conclusiveAgreement",
    label: "Agreement where conclusive",
    meaning:
      "Agreement on the rows where the two calls give one side more votes or are both ties, as LlamaIndex counts it.",
    better: "higher",
    unit: "share",
  },
  {
    key: "inconclusive",
    label: "Inconclusive",
    meaning: "Rows where the calls contradict each other or cannot be read: no verdict.",
    better: "lower",
    unit: "number",
    summary: inconclusiveOf,
  },
];

function detailOf({ detail }: LabAnswer): JudgeDetail {
  return detail as unknown as JudgeDetail;
}

export interface JudgeConfusion {
  readonly labels: readonly string[]; // the last, "none", is what could not be read
  readonly counts: readonly (readonly number[])[]; // rows: reference, columns: the judge
}

/** What the reference said against what the judge said. */
export function judgeConfusion(answers: readonly LabAnswer[]): JudgeConfusion {
  const details = answers.map(detailOf);
  const isPairwise = details[0]?.kind === "pairwise";
  const labels = [...(isPairwise ? VERDICTS : SCORES.map(String)), "none"];
  const right = details.map((each) => labelOf(each.right));
  const said = details.map((each) => (each.said === null ? "none" : labelOf(each.said)));
  return { labels, counts: confusionMatrix(right, said, labels) };
}

function labelOf(value: Verdict | number): string {
  return typeof value === "number" ? String(wholeScore(value)) : value;
}

/** Halves go up, as people round marks. */
export function wholeScore(score: number): number {
  return Math.min(5, Math.max(1, Math.round(score)));
}

/** Verdicts that cannot be read are a label of their own; scores that cannot are left out, being at no distance from others. */
function kappaOf(answers: readonly LabAnswer[]): number | undefined {
  const { counts } = judgeConfusion(answers);
  const isPairwise = answers.some((answer) => detailOf(answer).kind === "pairwise");
  if (isPairwise) return cohenKappa(counts);
  return cohenKappa(
    counts.slice(0, SCORES.length).map((row) => row.slice(0, SCORES.length)),
    "quadratic",
  );
}

function spearmanOf(answers: readonly LabAnswer[]): number | undefined {
  const read = answers.map(detailOf).filter(({ said }) => said !== null);
  return spearman(
    read.map(({ right }) => orderOf(right)),
    read.map(({ said }) => orderOf(said!)),
  );
}

function orderOf(value: Verdict | number): number {
  return typeof value === "number" ? value : scoreOfVerdict(value);
}

function inconclusiveOf(answers: readonly LabAnswer[]): number | undefined {
  const details = answers.map(detailOf);
  const open = details.filter((each) =>
    each.kind === "pairwise" ? each.consensus?.winner === undefined : each.said === null,
  );
  return details.length > 0 ? open.length : undefined;
}
