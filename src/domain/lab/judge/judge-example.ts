import type { LabExample } from "../lab-task.ts";
import type { Verdict } from "./verdicts.ts";

interface JudgeRow extends LabExample {
  readonly question: string;
  readonly reference?: string;
  readonly feedback?: string;
  readonly instruction?: string;
}

export interface PairwiseExample extends JudgeRow {
  readonly kind: "pairwise";
  readonly answerA: string;
  readonly answerB: string;
  readonly verdict: Verdict;
}

export interface CorrectnessExample extends JudgeRow {
  readonly kind: "correctness";
  readonly answer: string;
  readonly score: number; // 1 to 5, fractions allowed
}

export type JudgeExample = PairwiseExample | CorrectnessExample;
