// Training pairs of a re-ranker. Read: CSV with the columns query, context, score (as the guide's notebook writes with
// pandas, its unnamed index column included) and JSON Lines of the same names; "passage" or "text" may stand for context,
// "label" for score. Also Cohere's {"query", "relevant_passages", "hard_negatives"} rows (llamaindex.md §7).
import { RetuneError, type ErrorCode } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import { rerankDatasetOf, type RerankDataset, type RerankPair } from "../data/rerank-dataset.ts";
import { decodeText } from "../text/decode.ts";
import { readCsv } from "./csv.ts";
import type { JsonNode } from "./json.ts";
import { readJsonLines, type JsonLine } from "./jsonl.ts";

const CONTEXT = ["context", "passage", "text"] as const;
const SCORE = ["score", "label"] as const;

/**
 * All or nothing, with the line of the first bad row: E_FIELD (a field is missing or of the wrong type), E_NUMBER (a
 * score that is no number), E_EMPTY (a blank text, no rows), and the errors of readCsv, readJsonLines and decodeText.
 */
export function readRerankPairs(input: Uint8Array | string, file?: string): RerankDataset {
  const text = typeof input === "string" ? input : decodeText(input, file).text;
  const pairs = /^\s*\{/.test(text) ? pairsOfJsonLines(text, file) : pairsOfCsv(text, file);
  if (pairs.length === 0) throw failure("E_EMPTY", file, 1, "no pair in it");
  return rerankDatasetOf(pairs);
}

function pairsOfCsv(text: string, file: string | undefined): RerankPair[] {
  const { columns, rows } = readCsv(text, file);
  const column = (names: readonly string[]): string => {
    const found = names.find((name) => columns.includes(name));
    if (found !== undefined) return found;
    const known = columns.filter((name) => name !== "").join(", ");
    throw failure("E_CSV_COLUMNS", file, 1, `the column "${names[0]!}" is missing; the header has ${known}`);
  };
  const [query, context, score] = [column(["query"]), column(CONTEXT), column(SCORE)];
  return rows.map(({ line, fields }) => {
    const number = fields.get(score)!.trim();
    if (number === "" || !Number.isFinite(Number(number)))
      throw failure("E_NUMBER", file, line, `score ${JSON.stringify(number)} is no number`);
    return {
      query: filled(fields.get(query)!, "query", file, line),
      context: filled(fields.get(context)!, "context", file, line),
      score: Number(number),
    };
  });
}

function pairsOfJsonLines(text: string, file: string | undefined): RerankPair[] {
  const pairs: RerankPair[] = [];
  for (const row of readJsonLines(text, file)) {
    if (row.row.entries.has("relevant_passages")) pairs.push(...judgedRow(row, file));
    else pairs.push(pairRow(row, file));
  }
  return pairs;
}

function pairRow({ line, row }: JsonLine, file: string | undefined): RerankPair {
  const member = (names: readonly string[]): JsonNode => {
    const found = names.map((name) => row.entries.get(name)).find((node) => node !== undefined);
    if (found) return found;
    throw failure("E_FIELD", file, line, `"${names[0]!}" is missing`);
  };
  const score = member(SCORE);
  if (score.kind !== "number" && score.kind !== "boolean")
    throw failure("E_NUMBER", file, line, '"score" must be a number');
  return {
    query: textOf(member(["query"]), "query", file, line),
    context: textOf(member(CONTEXT), "context", file, line),
    score: Number(score.value),
  };
}

function judgedRow({ line, row }: JsonLine, file: string | undefined): RerankPair[] {
  const query = row.entries.get("query");
  if (!query) throw failure("E_FIELD", file, line, '"query" is missing');
  const asked = textOf(query, "query", file, line);
  const list = (name: string, score: number): RerankPair[] => {
    const node = row.entries.get(name);
    if (!node) return [];
    if (node.kind !== "array") throw failure("E_FIELD", file, line, `"${name}" must be a list of texts`);
    return node.items.map((item) => ({ query: asked, context: textOf(item, name, file, line), score }));
  };
  return [...list("relevant_passages", 1), ...list("hard_negatives", 0)];
}

function textOf(node: JsonNode, name: string, file: string | undefined, line: number): string {
  if (node.kind === "string") return filled(node.value, name, file, line);
  throw failure("E_FIELD", file, line, `"${name}" must be a text in quotes`);
}

function filled(text: string, name: string, file: string | undefined, line: number): string {
  if (text.trim() !== "") return text;
  throw failure("E_EMPTY", file, line, `${name} is blank; remove the row`);
}

function failure(code: ErrorCode, file: string | undefined, line: number, what: string): RetuneError {
  return new RetuneError(code, `${opening(file)}line ${line}: ${what}`, placeIn(file, { line }));
}
