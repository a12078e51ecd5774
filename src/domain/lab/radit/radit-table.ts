import type { LanguageModel } from "../../generate/language-model.ts";
import { mean } from "../../eval/statistics.ts";
import type { RunControl } from "../../ports.ts";
import { compareAnswers, figuresOf, type LabFigure } from "../compare.ts";
import type { LabAnswer, LabSettings, LabTask } from "../lab-task.ts";
import type { RaditExample } from "./radit-example.ts";

export type RaditSide = "base" | "tuned";

/** One cell of the table retriever {base, tuned} × model {base, tuned}. */
export interface RaditCell {
  readonly retriever: RaditSide;
  readonly model: RaditSide;
  readonly figures: Readonly<Record<string, number>>; // every measure of the task
  readonly against: readonly LabFigure[]; // this cell against base × base, paired; empty for that cell itself
}

/** How well a retriever finds the right passage; null where no row says which it is. */
export interface RetrieverHits {
  readonly hitAt1: number;
  readonly hitAtK: number;
  readonly k: number;
  readonly mrr: number;
}

export interface RaditTable {
  readonly cells: readonly RaditCell[];
  readonly hits: Readonly<Record<RaditSide, RetrieverHits | null>>;
}

/** Rows with the passages of each retriever, in one order. */
export type RaditRows = Readonly<Record<RaditSide, readonly RaditExample[]>>;

/** Asks both models over both retrievers' passages. `known` are answers that are there already. */
export async function raditTable(
  task: LabTask<RaditExample>,
  rows: RaditRows,
  models: Readonly<Record<RaditSide, LanguageModel>>,
  settings: LabSettings & { readonly seed: number },
  known: readonly { retriever: RaditSide; model: RaditSide; answers: readonly LabAnswer[] }[] = [],
  control?: RunControl,
): Promise<RaditTable> {
  const answers = new Map<string, readonly LabAnswer[]>();
  for (const { retriever, model, answers: own } of known) answers.set(`${retriever} ${model}`, own);
  const cells: RaditCell[] = [];
  for (const retriever of ["base", "tuned"] as const) {
    for (const model of ["base", "tuned"] as const) {
      const key = `${retriever} ${model}`;
      const own = answers.get(key) ?? (await task.examine(models[model], rows[retriever], settings, control));
      answers.set(key, own);
      const first = answers.get("base base")!;
      const against = own === first ? [] : compareAnswers(task, rows.base, first, own, settings.seed).figures;
      cells.push({ retriever, model, figures: figuresOf(task, own), against });
    }
  }
  return { cells, hits: { base: hitsOf(rows.base), tuned: hitsOf(rows.tuned) } };
}

/** Over rows that name their right passage. */
export function hitsOf(examples: readonly RaditExample[]): RetrieverHits | null {
  const judged = examples.filter(({ right }) => right !== undefined);
  if (judged.length === 0) return null;
  const ranks = judged.map(({ right, retrieved }) => retrieved.findIndex(({ text }) => text === right));
  const share = (most: number): number => mean(ranks.map((rank) => (rank >= 0 && rank < most ? 1 : 0)));
  const k = Math.max(...judged.map(({ retrieved }) => retrieved.length));
  return {
    hitAt1: share(1),
    hitAtK: share(k),
    k,
    mrr: mean(ranks.map((rank) => (rank < 0 ? 0 : 1 / (rank + 1)))),
  };
}
