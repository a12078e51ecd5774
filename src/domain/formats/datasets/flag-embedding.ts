// FlagEmbedding's training file, for embedders and re-rankers alike:
// {"query", "pos": [texts], "neg": [texts], "pos_scores"?, "neg_scores"?, "prompt"?, "id"?} a line. Scores are a
// teacher's there. Ours: right texts with grades above 0 and wrong ones with 0 are grades; all else is a set of scored pairs.
import type { RerankCandidate, RerankDataset, RerankQuery } from "../../data/rerank-dataset.ts";
import type { DatasetFormat, FormatData, RetrievalData } from "./dataset-format.ts";
import { onlyFile, shareOfRows } from "./glimpse.ts";
import { readJsonRows, type JsonRow } from "./json-rows.ts";
import { judgedTexts } from "./judged.ts";
import { HAS, retrievalLosses, share } from "./losses.ts";
import { rowError, RowReport } from "./row-report.ts";
import { filesOf, jsonLines, soleFile } from "./single-file.ts";
import { textIds, TextRows } from "./text-rows.ts";
import { rightness, turnInto } from "./turn.ts";

const LABEL = "FlagEmbedding's file";
const KEYS = ["query", "pos", "neg", "pos_scores", "neg_scores", "prompt", "id"];

/** FlagEmbedding's JSON Lines; two kinds of data, told apart by the scores. */
export const flagEmbeddingFormat: DatasetFormat = {
  id: "flagembedding",
  label: "FlagEmbedding (JSON Lines)",
  kinds: ["retrieval", "scored"],

  detect(files) {
    const file = onlyFile(files);
    const confidence = file
      ? shareOfRows(file[1], ({ entries }) => entries.has("query") && entries.get("pos")?.kind === "array")
      : 0;
    return Promise.resolve(confidence > 0 ? { format: "flagembedding", confidence } : undefined);
  },

  async read(files, { skipBadRows = false } = {}) {
    const [name, bytes] = soleFile(files, LABEL);
    const report = new RowReport(skipBadRows);
    const rows: FlagRow[] = [];
    for (const row of readJsonRows(name, bytes, report, KEYS)) {
      const read = report.row(name, row.line, () => flagRow(row));
      if (read) rows.push(read);
    }
    const data = rows.some(isTaught)
      ? await scoredOf(rows, name, report)
      : await retrievalOf(rows, name, report);
    return { data, warnings: report.warnings, badRows: report.badRows };
  },

  async write(given) {
    const { data, losses } = await turnInto(["retrieval", "scored"], given);
    const { rows, lost } = data.kind === "retrieval" ? gradedRows(data) : taughtRows(data.pairs);
    return { files: filesOf("train.jsonl", jsonLines(rows)), losses: [...losses, ...lost] };
  },
};

interface FlagRow {
  readonly line: number;
  readonly id: string | undefined;
  readonly prompt: string | undefined;
  readonly query: string;
  readonly positives: readonly string[];
  readonly negatives: readonly string[];
  readonly positiveScores: readonly number[] | undefined;
  readonly negativeScores: readonly number[] | undefined;
}

function flagRow(row: JsonRow): FlagRow {
  const [positives, negatives] = [row.texts("pos"), row.texts("neg")];
  if (positives.length === 0) throw row.error("E_FIELD", '"pos" has no text; a question needs a right one');
  const prompt = row.has("prompt") ? row.string("prompt") : "";
  return {
    line: row.line,
    id: row.id("id"),
    prompt: prompt === "" ? undefined : prompt,
    query: row.text("query"),
    positives,
    negatives,
    positiveScores: scoresOf(row, "pos_scores", positives.length),
    negativeScores: scoresOf(row, "neg_scores", negatives.length),
  };
}

function scoresOf(row: JsonRow, key: string, texts: number): readonly number[] | undefined {
  const scores = row.numbers(key);
  if (scores === undefined || scores.length === texts) return scores;
  throw row.error("E_MISMATCH", `"${key}" has ${scores.length} numbers for ${texts} texts`);
}

/** Whether the scores say more than grades do. */
function isTaught({ positiveScores = [], negativeScores = [] }: FlagRow): boolean {
  return positiveScores.some((score) => score <= 0) || negativeScores.some((score) => score !== 0);
}

async function retrievalOf(rows: readonly FlagRow[], file: string, report: RowReport): Promise<FormatData> {
  const texts = new TextRows(file, report);
  for (const { line, id, prompt, query, positives, negatives, positiveScores } of rows) {
    const graded = positives.map((text, place) => ({ text, grade: positiveScores?.[place] ?? 1 }));
    const named = { ...(id === undefined ? {} : { id }), ...(prompt === undefined ? {} : { prompt }) };
    report.row(file, line, () => {
      texts.add({ line, ...named, query, positives: graded, negatives });
    });
  }
  return texts.data();
}

/** Rows of one question are joined; of a text given twice the first stays. */
async function scoredOf(rows: readonly FlagRow[], file: string, report: RowReport): Promise<FormatData> {
  const gathered = new Map<string, GatheredPairs>();
  for (const row of rows) {
    report.row(file, row.line, () => {
      const key = row.id === undefined ? `text ${row.query}` : `id ${row.id}`;
      const known = gathered.get(key) ?? { id: row.id, text: row.query, candidates: new Map() };
      gather(row, known, file, report);
      gathered.set(key, known);
    });
  }
  const all = [...gathered.values()];
  if (all.length === 0) throw report.nothingRead(file, "no question in it");
  const unnamed = all.filter(({ id }) => id === undefined).map(({ text }) => text);
  const made = [...(await textIds("q", unnamed))].reverse();
  const queries = all.map(({ id, text, candidates }): RerankQuery => {
    const own = id ?? made.pop()!;
    return { id: own, text, group: `query:${text}`, candidates: [...candidates.values()] };
  });
  const labels = queries.every(({ candidates }) => candidates.every(({ score }) => score >= 0 && score <= 1));
  return { kind: "scored", pairs: { scores: labels ? "labels" : "teacher", queries } };
}

interface GatheredPairs {
  readonly id: string | undefined;
  readonly text: string;
  readonly candidates: Map<string, RerankCandidate>;
}

function gather(row: FlagRow, known: GatheredPairs, file: string, report: RowReport): void {
  const { line, query, positiveScores, negativeScores, negatives } = row;
  if (known.text !== query)
    throw rowError(
      "E_DUPLICATE",
      file,
      line,
      `the id ${JSON.stringify(row.id)} stands for another question above`,
    );
  if (!positiveScores || (!negativeScores && negatives.length > 0))
    throw rowError("E_FIELD", file, line, "scores are missing that other rows have");
  for (const candidate of candidatesOf(row)) {
    if (!known.candidates.has(candidate.text)) known.candidates.set(candidate.text, candidate);
    else
      report.warn(
        "duplicate-judgement",
        file,
        line,
        "a text stands twice for one question; the first counts",
      );
  }
  if (row.prompt !== undefined)
    report.warn("extra-key", file, line, '"prompt" is not used in a set of scored pairs');
}

function candidatesOf({ positives, negatives, positiveScores, negativeScores }: FlagRow): RerankCandidate[] {
  return [
    ...positives.map((text, place) => ({ text, score: positiveScores![place]!, kind: "positive" as const })),
    ...negatives.map((text, place) => ({ text, score: negativeScores![place]!, kind: "mined" as const })),
  ];
}

interface Written {
  readonly rows: readonly object[];
  readonly lost: readonly string[];
}

/** Every row has the same members, as the datasets library wants its columns. */
function gradedRows(data: RetrievalData): Written {
  const queries = judgedTexts(data);
  const isGraded = queries.some(({ positives }) => positives.some(({ grade }) => grade !== 1));
  const hasPrompts = queries.some(({ prompt }) => prompt !== undefined);
  const rows = queries.map(({ id, text, prompt = "", positives, negatives }) => ({
    query: text,
    pos: positives.map((positive) => positive.text),
    neg: negatives,
    ...(isGraded
      ? { pos_scores: positives.map(({ grade }) => grade), neg_scores: negatives.map(() => 0) }
      : {}),
    ...(hasPrompts ? { prompt } : {}),
    id,
  }));
  const lost = retrievalLosses(LABEL, data, {
    ids: "questions",
    passagesByText: true,
    manyPositives: true,
    grades: true,
    negatives: true,
    unusedPassages: false,
    documents: false,
    splits: false,
    prompts: true,
  });
  return { rows, lost };
}

function taughtRows(pairs: RerankDataset): Written {
  const { queries } = pairs;
  const right = rightness(pairs);
  const written = queries.filter(({ candidates }) => candidates.some(right));
  const left = queries.length - written.length;
  const rows = written.map(({ id, text, candidates }) => {
    const [positives, negatives] = [candidates.filter(right), candidates.filter((each) => !right(each))];
    return {
      query: text,
      pos: positives.map((each) => each.text),
      neg: negatives.map((each) => each.text),
      pos_scores: positives.map(({ score }) => score),
      neg_scores: negatives.map(({ score }) => score),
      id,
    };
  });
  const lost =
    left > 0 ? [`${share(left, queries.length, "question", HAS)} no right text; they are left out.`] : [];
  return { rows, lost };
}
