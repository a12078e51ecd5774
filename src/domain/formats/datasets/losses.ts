import type { RetrievalData } from "./dataset-format.ts";
import { judgedQueries, type JudgedQuery } from "./judged.ts";
import { isMadeId } from "./text-rows.ts";

/** What a format has a place for. */
export interface Holds {
  readonly ids: "all" | "questions" | "none";
  readonly passagesByText: boolean | "in a document"; // else by id
  readonly manyPositives: boolean;
  readonly grades: boolean;
  readonly negatives: boolean;
  readonly unusedPassages: boolean; // those of no question
  readonly documents: boolean;
  readonly splits: boolean;
  readonly prompts: boolean;
}

/** "1 of 40 questions has", "12 of 40 questions have". */
export function share(
  count: number,
  total: number,
  what: string,
  [one, many]: readonly [string, string],
): string {
  return `${count} of ${total} ${total === 1 ? what : `${what}s`} ${count === 1 ? one : many}`;
}

/** "1 judgement", "12 judgements". */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

export const HAS = ["has", "have"] as const;
export const IS = ["is", "are"] as const;

/** What of the data a format named `label` cannot hold: one sentence with counts for each kind of loss. */
export function retrievalLosses(label: string, data: RetrievalData, holds: Holds): string[] {
  const queries = judgedQueries(data.dataset, data.prompts);
  return [
    ...lostJudgements(label, queries, holds),
    ...lostPassages(label, data, queries, holds),
    ...lostIds(label, data, holds),
    ...lostBeside(label, data, holds),
  ];
}

function lostJudgements(label: string, queries: readonly JudgedQuery[], holds: Holds): string[] {
  const total = queries.length;
  const losses: string[] = [];
  const unanswered = queries.filter(({ positives }) => positives.length === 0).length;
  if (unanswered > 0)
    losses.push(`${share(unanswered, total, "question", HAS)} no right passage; they are left out.`);
  const several = queries.filter(({ positives }) => positives.length > 1).length;
  if (several > 0 && !holds.manyPositives)
    losses.push(
      `${share(several, total, "question", HAS)} more than one right passage; ${label} keeps the first.`,
    );
  const grades = queries.flatMap(({ positives }) => positives.map(({ grade }) => grade));
  const graded = grades.filter((grade) => grade !== 1).length;
  if (graded > 0 && !holds.grades) {
    const what = share(graded, grades.length, "judgement", HAS);
    losses.push(`${what} a grade other than 1; ${label} knows only right and wrong.`);
  }
  const wrong = queries.reduce((sum, { negatives }) => sum + negatives.length, 0);
  if (wrong > 0 && !holds.negatives) {
    const asked = queries.filter(({ negatives }) => negatives.length > 0).length;
    const have = share(asked, total, "question", HAS);
    losses.push(`${have} wrong passages (${wrong} in all); ${label} has no place for them.`);
  }
  return losses;
}

function lostPassages(
  label: string,
  { dataset: { passages } }: RetrievalData,
  queries: readonly JudgedQuery[],
  holds: Holds,
): string[] {
  const losses: string[] = [];
  const used = new Set(
    queries.flatMap(({ positives, negatives }) => [
      ...positives.map(({ passage }) => passage.id),
      ...(holds.negatives ? negatives.map(({ id }) => id) : []),
    ]),
  );
  const unused = passages.length - used.size;
  if (unused > 0 && !holds.unusedPassages) {
    const what = share(unused, passages.length, "passage", ["stands", "stand"]);
    losses.push(`${what} with no question that is written; ${label} has no place for them.`);
  }
  const kept = holds.unusedPassages ? passages : passages.filter(({ id }) => used.has(id));
  const within = holds.passagesByText === "in a document";
  const keys = kept.map(({ text, document = "" }) => (within ? JSON.stringify([document, text]) : text));
  const copies = kept.length - new Set(keys).size;
  if (copies > 0 && holds.passagesByText) {
    const what = share(copies, passages.length, "passage", ["repeats", "repeat"]);
    losses.push(`${what} the text of another; ${label} tells passages apart by text, so they become one.`);
  }
  return losses;
}

function lostIds(label: string, { dataset }: RetrievalData, holds: Holds): string[] {
  const losses: string[] = [];
  const given = (rows: readonly { readonly id: string }[]): number =>
    rows.filter(({ id }) => !isMadeId(id)).length;
  const questions = holds.ids === "none" ? given(dataset.queries) : 0;
  const passages = holds.ids === "all" ? 0 : given(dataset.passages);
  const lost = [
    ...(questions > 0 ? [counted(questions, "question")] : []),
    ...(passages > 0 ? [counted(passages, "passage")] : []),
  ];
  if (lost.length > 0)
    losses.push(`The ids of ${lost.join(" and ")} are not written; ${label} has no place for them.`);
  const copies = dataset.queries.length - new Set(dataset.queries.map(({ text }) => text)).size;
  if (copies > 0 && holds.ids === "none") {
    const what = share(copies, dataset.queries.length, "question", ["repeats", "repeat"]);
    losses.push(`${what} the text of another; without ids they are read as one question.`);
  }
  return losses;
}

function lostBeside(label: string, { dataset, splits = [], prompts }: RetrievalData, holds: Holds): string[] {
  const losses: string[] = [];
  const documents = dataset.passages.filter(({ document }) => document !== undefined).length;
  if (documents > 0 && !holds.documents) {
    const what = share(documents, dataset.passages.length, "passage", ["names", "name"]);
    losses.push(`${what} a source document; ${label} has no place for it.`);
  }
  if (splits.length > 1 && !holds.splits) {
    const names = splits.map(({ name, queries }) => `${name} (${queries.length})`).join(", ");
    losses.push(`The splits ${names} are joined in one file; write them one at a time to keep them apart.`);
  }
  if (prompts !== undefined && prompts.size > 0 && !holds.prompts) {
    const what = share(prompts.size, dataset.queries.length, "question", HAS);
    losses.push(`${what} an instruction before the text; ${label} has no place for it.`);
  }
  const made = dataset.queries.filter(
    ({ origin }) => origin !== undefined && origin.kind !== "imported",
  ).length;
  if (made > 0) {
    const what = share(made, dataset.queries.length, "question", ["says", "say"]);
    losses.push(`${what} who made it; ${label} has no place for it.`);
  }
  return losses;
}
