// The tables that sentence-transformers trains on, in its column order: (anchor, positive), (anchor, positive, negative…)
// and (query, passage, score). Column names are free there, the order counts, and "label" and "score" are reserved.
import { RetuneError } from "../../../engine/errors.ts";
import { opening, placeIn } from "../../data/import-report.ts";
import { rerankDatasetOf } from "../../data/rerank-dataset.ts";
import type {
  DatasetFiles,
  DatasetFormat,
  Detection,
  ReadOptions,
  Reading,
  RetrievalData,
} from "./dataset-format.ts";
import { onlyFile } from "./glimpse.ts";
import { judgedTexts, type JudgedTexts } from "./judged.ts";
import { HAS, retrievalLosses, share, type Holds } from "./losses.ts";
import { RowReport } from "./row-report.ts";
import { soleFile } from "./single-file.ts";
import { textIds, TextRows } from "./text-rows.ts";
import { glimpseTable, readMappedRows, writeTextTable } from "./text-tables.ts";
import { toRetrieval, toScored } from "./turn.ts";

const CONTAINERS = ["jsonl", "csv", "tsv", "parquet"] as const;
type TableFormatId = "st-pairs" | "st-triplets" | "st-scored";

const HOLDS: Holds = {
  ids: "none",
  passagesByText: true,
  manyPositives: true,
  grades: false,
  negatives: true,
  unusedPassages: false,
  documents: false,
  splits: false,
  prompts: false,
};

/** (anchor, positive), a row for every right text of a question. */
export const pairsFormat: DatasetFormat = {
  id: "st-pairs",
  label: "sentence-transformers pairs (table)",
  kinds: ["retrieval"],
  containers: CONTAINERS,
  detect: (files) => detectTable("st-pairs", files),
  read: (files, options) => readJudgedTable(files, options),
  async write(given, { container = "jsonl" } = {}) {
    const { data, losses } = await toRetrieval(given);
    const rows = judgedTexts(data).flatMap(({ text, positives }) =>
      positives.map((each) => [text, each.text]),
    );
    const beside = retrievalLosses("a table of pairs", data, { ...HOLDS, negatives: false });
    const { files, losses: own } = await writeTextTable(container, ["anchor", "positive"], rows);
    return { files, losses: [...losses, ...beside, ...own] };
  },
};

/** (anchor, positive, negative…), a row for every right text, and for every wrong one where their numbers differ. */
export const tripletsFormat: DatasetFormat = {
  id: "st-triplets",
  label: "sentence-transformers triplets (table)",
  kinds: ["retrieval"],
  containers: CONTAINERS,
  detect: (files) => detectTable("st-triplets", files),
  read: (files, options) => readJudgedTable(files, options),
  async write(given, { container = "jsonl" } = {}) {
    const { data, losses } = await toRetrieval(given);
    const queries = judgedTexts(data);
    const written = queries.filter(({ negatives }) => negatives.length > 0);
    if (written.length === 0) throw noNegatives(queries.length);
    const { columns, rows } = tripletRows(written);
    const { files, losses: own } = await writeTextTable(container, columns, rows);
    return { files, losses: [...losses, ...lostOfTriplets(data, queries, written), ...own] };
  },
};

/** (query, passage, score), the labelled pairs of cross-encoders and of losses over scores. */
export const scoredFormat: DatasetFormat = {
  id: "st-scored",
  label: "sentence-transformers scored pairs (table)",
  kinds: ["scored"],
  containers: CONTAINERS,
  detect: (files) => detectTable("st-scored", files),
  read: readScoredTable,
  async write(given, { container = "jsonl" } = {}) {
    const { data, losses } = await toScored(given);
    const rows = data.pairs.queries.flatMap(({ text, candidates }) =>
      candidates.map((candidate) => [text, candidate.text, candidate.score]),
    );
    const { files, losses: own } = await writeTextTable(container, ["query", "passage", "score"], rows);
    return { files, losses: [...losses, ...own] };
  },
};

async function detectTable(format: TableFormatId, files: DatasetFiles): Promise<Detection | undefined> {
  const file = onlyFile(files);
  const guess = file && (await glimpseTable(...file));
  if (!guess) return undefined;
  const { mapping } = guess;
  const own = mapping.score === undefined ? (mapping.negatives ? "st-triplets" : "st-pairs") : "st-scored";
  return own === format ? { format, ...guess } : undefined;
}

/** Rows of one anchor make one question; their right and wrong texts are joined. */
async function readJudgedTable(
  files: DatasetFiles,
  { mapping, skipBadRows = false }: ReadOptions = {},
): Promise<Reading> {
  const [name, bytes] = soleFile(files, "A table");
  const report = new RowReport(skipBadRows);
  const rows = new TextRows(name, report, { spread: true });
  for (const { line, query, positive, negatives } of await readMappedRows(name, bytes, report, mapping))
    rows.add({ line, query, positives: [{ text: positive, grade: 1 }], negatives });
  return { data: await rows.data(), warnings: report.warnings, badRows: report.badRows };
}

async function readScoredTable(
  files: DatasetFiles,
  { mapping, skipBadRows = false }: ReadOptions = {},
): Promise<Reading> {
  const [name, bytes] = soleFile(files, "A table");
  const report = new RowReport(skipBadRows);
  const seen = new Set<string>();
  if (mapping && mapping.score === undefined) throw noScore(name);
  const pairs = (await readMappedRows(name, bytes, report, mapping)).flatMap((row) => {
    const { line, query, positive: context, score } = row;
    if (score === undefined) throw noScore(name);
    const key = JSON.stringify([query, context]);
    if (seen.has(key)) {
      report.warn("duplicate-judgement", name, line, "the pair stands above too; the first score counts");
      return [];
    }
    seen.add(key);
    return [{ query, context, score }];
  });
  if (pairs.length === 0) throw report.nothingRead(name, "no pair in it");
  const dataset = rerankDatasetOf(pairs);
  const ids = await textIds(
    "q",
    dataset.queries.map(({ text }) => text),
  );
  const queries = dataset.queries.map((query, index) => ({ ...query, id: ids[index]! }));
  const data = { kind: "scored", pairs: { ...dataset, queries } } as const;
  return { data, warnings: report.warnings, badRows: report.badRows };
}

/** Columns for the wrong texts where every question has as many, else a row for each of them. */
function tripletRows(queries: readonly JudgedTexts[]): {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
} {
  const counts = new Set(queries.map(({ negatives }) => negatives.length));
  const [most = 1] = counts;
  const isWide = counts.size === 1 && most > 1;
  const names = isWide ? Array.from({ length: most }, (_, place) => `negative_${place + 1}`) : ["negative"];
  const rows = queries.flatMap(({ text, positives, negatives }) =>
    positives.flatMap((positive) =>
      isWide
        ? [[text, positive.text, ...negatives]]
        : negatives.map((negative) => [text, positive.text, negative]),
    ),
  );
  return { columns: ["anchor", "positive", ...names], rows };
}

function lostOfTriplets(
  data: RetrievalData,
  queries: readonly JudgedTexts[],
  written: readonly JudgedTexts[],
): readonly string[] {
  const left = queries.length - written.length;
  const kept = new Set(written.map(({ id }) => id));
  const dataset = { ...data.dataset, queries: data.dataset.queries.filter(({ id }) => kept.has(id)) };
  const beside = retrievalLosses("a table of triplets", { ...data, dataset }, HOLDS);
  if (left === 0) return beside;
  return [
    `${share(left, queries.length, "question", HAS)} no wrong text; a triplet needs one, so they are left out.`,
    ...beside,
  ];
}

function noScore(file: string): RetuneError {
  const what = 'scored pairs need a column of numbers, "score" or "label"; name it';
  return new RetuneError("E_CSV_COLUMNS", `${opening(file)}${what}`, placeIn(file, { line: 1 }));
}

function noNegatives(count: number): RetuneError {
  const what = `triplets need wrong texts and none of ${count} questions has one; mine negatives first`;
  return new RetuneError("E_EMPTY", what);
}
