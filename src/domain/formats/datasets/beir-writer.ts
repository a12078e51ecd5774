import type { Passage } from "../../data/dataset.ts";
import type { RetrievalData, Writing } from "./dataset-format.ts";
import { judgedQueries, type JudgedQuery } from "./judged.ts";
import { retrievalLosses } from "./losses.ts";
import { quotedField } from "../csv.ts";
import { jsonLines } from "./single-file.ts";

const HEADER = "query-id\tcorpus-id\tscore\n";
const DEFAULT_SPLIT = "test"; // what BEIR's own loader asks for
const MOST_LEVELS = 10;

/** Wrong passages get the score 0; a title that opens a passage's text becomes BEIR's title again. */
export function writeBeir(data: RetrievalData): Writing {
  const queries = judgedQueries(data.dataset).filter(({ positives }) => positives.length > 0);
  const { levelOf, loss } = gradeLevels(queries);
  const utf8 = new TextEncoder();
  const files = new Map([
    ["corpus.jsonl", utf8.encode(jsonLines(data.dataset.passages.map(corpusRow)))],
    [
      "queries.jsonl",
      utf8.encode(jsonLines(queries.map(({ id, text }) => ({ _id: id, text, metadata: {} })))),
    ],
  ]);
  const all = { name: DEFAULT_SPLIT, queries: queries.map(({ id }) => id) };
  const byId = new Map(queries.map((query) => [query.id, query]));
  for (const { name, queries: ids } of data.splits ?? [all]) {
    const own = ids.flatMap((id) => byId.get(id) ?? []);
    const rows = own.flatMap((query) => qrelsRows(query, levelOf));
    files.set(`qrels/${name}.tsv`, utf8.encode(HEADER + rows.join("")));
  }
  const losses = retrievalLosses("BEIR", data, {
    ids: "all",
    passagesByText: false,
    manyPositives: true,
    grades: true,
    negatives: true,
    unusedPassages: true,
    documents: true,
    splits: true,
    prompts: false,
  });
  return { files, losses: [...losses, ...loss, ...outsideSplits(data, queries)] };
}

function corpusRow({ id, text, document }: Passage): object {
  if (document === undefined) return { _id: id, title: "", text, metadata: {} };
  const rest = text.startsWith(`${document} `) ? text.slice(document.length + 1) : "";
  if (rest.trim() !== "" && document.trim() === document && document !== "")
    return { _id: id, title: document, text: rest, metadata: {} };
  return { _id: id, title: "", text, metadata: { document } };
}

function qrelsRows({ id, positives, negatives }: JudgedQuery, levelOf: (grade: number) => number): string[] {
  const row = (passage: Passage, score: number): string =>
    `${quotedField(id, "\t")}\t${quotedField(passage.id, "\t")}\t${score}\n`;
  return [
    ...positives.map(({ passage, grade }) => row(passage, levelOf(grade))),
    ...negatives.map((passage) => row(passage, 0)),
  ];
}

/** BEIR's scores are whole numbers: other grades become levels 1, 2, … in their order, ten of them at most. */
function gradeLevels(queries: readonly JudgedQuery[]): {
  readonly levelOf: (grade: number) => number;
  readonly loss: readonly string[];
} {
  const grades = queries.flatMap(({ positives }) => positives.map(({ grade }) => grade));
  const values = [...new Set(grades)].sort((one, other) => one - other);
  if (values.every((value) => Number.isInteger(value))) return { levelOf: (grade) => grade, loss: [] };
  const highest = values.at(-1)!;
  const levels = Math.min(values.length, MOST_LEVELS);
  const levelOf = (grade: number): number =>
    values.length <= MOST_LEVELS
      ? values.indexOf(grade) + 1
      : Math.max(1, Math.ceil((levels * grade) / highest));
  const range = `${format(values[0]!)} to ${format(highest)}`;
  const loss = `BEIR's scores are whole numbers: grades from ${range} became the levels 1 to ${levels}, their order kept.`;
  return { levelOf, loss: [loss] };
}

function format(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Questions that no split names are written, but no file judges them. */
function outsideSplits({ splits }: RetrievalData, queries: readonly JudgedQuery[]): string[] {
  if (!splits) return [];
  const named = new Set(splits.flatMap((split) => split.queries));
  const outside = queries.filter(({ id }) => !named.has(id)).length;
  return outside === 0
    ? []
    : [`${outside} questions stand in no split, so their judgements are not written.`];
}
