// Which column of a table is what. sentence-transformers goes by the order of columns and reserves "label" and "score";
// names are read first all the same, and a guess by order alone is called ambiguous.
import { RetuneError } from "../../../engine/errors.ts";
import { opening, placeIn } from "../../data/import-report.ts";
import type { Table, TableCell } from "../table-rows.ts";
import type { ColumnMapping } from "./dataset-format.ts";

const QUERY = [
  "anchor",
  "query",
  "question",
  "sentence1",
  "sentence_1",
  "sentence_a",
  "text1",
  "text_a",
  "premise",
];
const POSITIVE = [
  ...["positive", "pos", "positive_1", "context", "passage", "document", "answer", "response", "sentence2"],
  ...["sentence_2", "sentence_b", "text2", "text_b", "hypothesis", "text"],
];
const SCORE = ["score", "label", "scores", "labels", "similarity", "similarity_score", "relevance", "grade"];
const NEGATIVE = /^(?:hard[_ -]?)?neg(?:ative)?s?(?:[_ -]?\d+)?$/;
const ID = /(?:^|[_ -])(?:id|idx|index)$/;
const SAMPLE = 50;

export interface ColumnGuess {
  readonly mapping: ColumnMapping;
  readonly confidence: number;
  readonly ambiguous?: string;
}

/** A guess from names and the first rows; undefined where there are no two columns of texts. */
export function guessColumns(table: Table): ColumnGuess | undefined {
  const columns = table.columns.map((name, place) => ({
    name,
    key: name.trim().toLowerCase(),
    kind: kindOf(table, place),
  }));
  const score = SCORE.flatMap((key) =>
    columns.filter((column) => column.key === key && column.kind === "number"),
  )[0];
  const negatives = columns.filter(
    ({ key, kind }) => NEGATIVE.test(key) && (kind === "text" || kind === "texts"),
  );
  const texts = columns.filter(
    (column) => column.kind === "text" && !negatives.includes(column) && !ID.test(column.key),
  );
  const named = (keys: readonly string[]): string[] =>
    keys.flatMap((key) => texts.filter((column) => column.key === key).map(({ name }) => name));
  const queries = named(QUERY);
  const positives = named(POSITIVE);
  const [query = texts.find(({ name }) => !positives.includes(name))?.name] = queries;
  const [positive = texts.find(({ name }) => name !== query)?.name] = positives;
  if (query === undefined || positive === undefined) return undefined;
  const others = texts.map(({ name }) => name).filter((name) => name !== query && name !== positive);
  const third = queries.length === 0 && positives.length === 0 && negatives.length === 0 && !score;
  const wrong = third ? others : negatives.map(({ name }) => name);
  const mapping = {
    query,
    positive,
    ...(wrong.length > 0 ? { negatives: wrong } : {}),
    ...(score && wrong.length === 0 ? { score: score.name } : {}),
  };
  const ambiguous = ambiguity(mapping, queries, positives);
  if (ambiguous !== undefined)
    return { mapping, confidence: queries.length + positives.length > 0 ? 0.5 : 0.3, ambiguous };
  return { mapping, confidence: query === "anchor" || wrong.length > 0 || score ? 0.95 : 0.8 };
}

function ambiguity(
  { query, positive }: ColumnMapping,
  queries: readonly string[],
  positives: readonly string[],
): string | undefined {
  if (queries.length === 0 || positives.length === 0) {
    const known = queries.length + positives.length > 0 ? "only one of the columns has" : "no column has";
    return `${known} a known name; "${query}" is taken for the question and "${positive}" for the right text, by their order`;
  }
  if (queries.length > 1) return `${listed(queries)} may all be the question; "${query}" is taken`;
  if (positives.length > 1) return `${listed(positives)} may all be the right text; "${positive}" is taken`;
  return undefined;
}

function listed(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function kindOf({ rows }: Table, place: number): "text" | "number" | "texts" | "other" {
  const cells = rows.slice(0, SAMPLE).map(({ cells: own }) => own[place]);
  const filled = cells.filter((cell) => cell !== undefined && cell !== null && cell !== "");
  if (filled.length === 0) return "other";
  if (filled.every((cell) => numberOf(cell) !== undefined)) return "number";
  if (filled.every((cell) => typeof cell === "string")) return "text";
  const isTexts = (cell: TableCell): boolean =>
    Array.isArray(cell) && cell.every((item: TableCell) => typeof item === "string");
  return filled.every((cell) => isTexts(cell!)) ? "texts" : "other";
}

/** A score: a number, a boolean, or a text that is a number. */
export function numberOf(cell: TableCell | undefined): number | undefined {
  if (typeof cell === "boolean") return Number(cell);
  if (typeof cell === "number") return Number.isFinite(cell) ? cell : undefined;
  if (typeof cell !== "string" || cell.trim() === "") return undefined;
  const value = Number(cell);
  return Number.isFinite(value) ? value : undefined;
}

/** Where the mapped columns stand; E_CSV_COLUMNS naming one that the table lacks. */
export function placesOf(
  table: Table,
  file: string,
  mapping: ColumnMapping,
): {
  readonly query: number;
  readonly positive: number;
  readonly negatives: readonly number[];
  readonly score: number | undefined;
} {
  const place = (name: string): number => {
    const found = table.columns.indexOf(name);
    if (found >= 0) return found;
    const known = table.columns.slice(0, 12).join(", ");
    const what = `the column ${JSON.stringify(name)} is missing; the table has ${known}`;
    throw new RetuneError("E_CSV_COLUMNS", opening(file) + what, placeIn(file, { line: 1 }));
  };
  return {
    query: place(mapping.query),
    positive: place(mapping.positive),
    negatives: (mapping.negatives ?? []).map(place),
    score: mapping.score === undefined ? undefined : place(mapping.score),
  };
}
