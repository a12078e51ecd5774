import type { Dataset } from "../dataset.ts";
import type { MinedPreview } from "../negatives.ts";
import type { MiningSettings } from "./settings.ts";

/** The output formats of sentence-transformers' mine_hard_negatives. */
export const MINED_FORMATS = ["triplet", "n-tuple", "labeled-pair", "labeled-list"] as const;
export type MinedFormat = (typeof MINED_FORMATS)[number];

type Cell = string | number | readonly string[] | readonly number[];

/** A table as sentence-transformers' trainers take it: the columns' order is what they read. */
export interface MinedTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Scored {
  readonly text: string;
  readonly score: number;
}

/** A question with what answers it and what does not. */
export interface JudgedTexts {
  readonly anchor: string;
  readonly right: readonly Scored[];
  readonly wrong: readonly Scored[];
}

/**
 * What was mined as training rows:
 *   "triplet"       anchor, positive, negative; one row for each (positive, negative)          [, scores of both]
 *   "n-tuple"       anchor, positive, negative_1 …; only questions that have `perQuestion`     [, scores]
 *   "labeled-pair"  anchor, positive (of either kind), label 1 or 0                            [score instead]
 *   "labeled-list"  anchor, texts, labels; one row for each positive                           [scores instead]
 */
export function minedTable(
  questions: readonly JudgedTexts[],
  format: MinedFormat,
  options: { readonly scores: boolean; readonly perQuestion: number },
): MinedTable {
  switch (format) {
    case "triplet":
      return triplets(questions, options.scores);
    case "n-tuple":
      return tuples(questions, options.scores, options.perQuestion);
    case "labeled-pair":
      return pairs(questions, options.scores);
    case "labeled-list":
      return lists(questions, options.scores);
  }
}

/** The texts of what was mined, questions of one text once. */
export function judgedTexts({ queries, passages }: Dataset, mined: MinedPreview): JudgedTexts[] {
  const known = new Set<unknown>();
  const textOf = ({ passage, score }: { readonly passage: number; readonly score: number }): Scored => ({
    text: passages[passage]!.text,
    score,
  });
  return queries.flatMap(({ text }, question) => {
    const right = mined.positives[question]!;
    if (right.length === 0 || known.has(right)) return []; // questions of one text share their lists
    known.add(right);
    return [{ anchor: text, right: right.map(textOf), wrong: mined.queries[question]!.map(textOf) }];
  });
}

/** With positives included the ranking is the point: an n-tuple whatever was asked for, as sentence-transformers has it. */
export function formatFor(settings: MiningSettings, wanted: MinedFormat): MinedFormat {
  return settings.includePositives ? "n-tuple" : wanted;
}

function triplets(questions: readonly JudgedTexts[], scores: boolean): MinedTable {
  const rows = questions.flatMap(({ anchor, right, wrong }) =>
    right.flatMap((positive) =>
      wrong.map((negative) => [
        ...[anchor, positive.text, negative.text],
        ...(scores ? [[positive.score, negative.score]] : []),
      ]),
    ),
  );
  return { columns: ["anchor", "positive", "negative", ...(scores ? ["scores"] : [])], rows };
}

function tuples(questions: readonly JudgedTexts[], scores: boolean, count: number): MinedTable {
  const rows = questions
    .filter(({ wrong }) => wrong.length === count)
    .flatMap(({ anchor, right, wrong }) =>
      right.map((positive) => [
        ...[anchor, positive.text, ...wrong.map(({ text }) => text)],
        ...(scores ? [[positive.score, ...wrong.map(({ score }) => score)]] : []),
      ]),
    );
  const names = Array.from({ length: count }, (_, index) => `negative_${index + 1}`);
  return { columns: ["anchor", "positive", ...names, ...(scores ? ["scores"] : [])], rows };
}

function pairs(questions: readonly JudgedTexts[], scores: boolean): MinedTable {
  const rows = questions.flatMap(({ anchor, right, wrong }) => [
    ...right.map(({ text, score }) => [anchor, text, scores ? score : 1]),
    ...wrong.map(({ text, score }) => [anchor, text, scores ? score : 0]),
  ]);
  return { columns: ["anchor", "positive", scores ? "score" : "label"], rows };
}

function lists(questions: readonly JudgedTexts[], scores: boolean): MinedTable {
  const rows = questions
    .filter(({ wrong }) => wrong.length > 0)
    .flatMap(({ anchor, right, wrong }) =>
      right.map((positive) => {
        const all = [positive, ...wrong];
        const judged = scores ? all.map(({ score }) => score) : all.map((_, index) => (index === 0 ? 1 : 0));
        return [anchor, all.map(({ text }) => text), judged];
      }),
    );
  return { columns: ["anchor", "positive", scores ? "scores" : "labels"], rows };
}

/** One JSON object a line, as datasets' load_dataset("json") reads it. */
export function writeMinedJsonLines({ columns, rows }: MinedTable): string {
  return rows
    .map((row) => `${JSON.stringify(Object.fromEntries(columns.map((name, index) => [name, row[index]])))}\n`)
    .join("");
}
