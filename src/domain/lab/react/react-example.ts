import type { LabExample } from "../lab-task.ts";
import type { ReactStep } from "./steps.ts";
import type { ReactTool } from "./tools.ts";

/** A question and what an agent did about it. */
export interface ReactExample extends LabExample {
  readonly question: string;
  readonly system: string; // what the model is told first, "" for nothing
  readonly tools: readonly ReactTool[];
  readonly steps: readonly ReactStep[]; // at least one; an answer is the last
  readonly observations: readonly string[]; // after each action but a last one, in order
  readonly answers: readonly string[]; // that count as right; none: whether the agent succeeds cannot be judged
}
