// BEIR: corpus.jsonl {"_id", "title", "text"}, queries.jsonl {"_id", "text"} and qrels/SPLIT.tsv with query-id, corpus-id
// and a whole-number score, as a folder or a zip. BEIR's models encode a title and its text as "title text"; so does a
// passage here, its title being the document's name. A score of 0 or less says that the passage was judged wrong.
import type { RetuneError } from "../../../engine/errors.ts";
import type { Judgement, Passage, Query } from "../../data/dataset.ts";
import { glimpseOfBeir, requireBeirFiles, type BeirFile, type BeirFiles } from "./beir-files.ts";
import { writeBeir } from "./beir-writer.ts";
import type { DatasetFormat, DatasetSplit, Reading, RetrievalData } from "./dataset-format.ts";
import { readJsonRows, type JsonRow } from "./json-rows.ts";
import { readQrels } from "./qrels.ts";
import { rowError, RowReport } from "./row-report.ts";
import { asPromise } from "./single-file.ts";
import { toRetrieval } from "./turn.ts";

const CORPUS_KEYS = ["_id", "title", "text", "metadata"];
const QUERY_KEYS = ["_id", "text", "metadata"];

/** A BEIR folder or zip. */
export const beirFormat: DatasetFormat = {
  id: "beir",
  label: "BEIR (corpus, queries, qrels)",
  kinds: ["retrieval"],

  detect(files) {
    const found = glimpseOfBeir(files);
    const confidence = found ? (found.qrels.length > 0 ? 1 : 0.6) : 0;
    return Promise.resolve(confidence > 0 ? { format: "beir", confidence } : undefined);
  },

  read(files, { skipBadRows = false } = {}) {
    return asPromise(() => new BeirReader(requireBeirFiles(files), skipBadRows).read());
  },

  async write(given) {
    const { data, losses } = await toRetrieval(given);
    const written = writeBeir(data);
    return { files: written.files, losses: [...losses, ...written.losses] };
  },
};

interface GatheredJudgements {
  readonly grades: Map<string, number>; // right passages
  readonly wrong: Set<string>;
}

class BeirReader {
  readonly #files: BeirFiles;
  readonly #report: RowReport;
  readonly #judgements = new Map<string, GatheredJudgements>();
  readonly #splits = new Map<string, Set<string>>();

  constructor(files: BeirFiles, skipBadRows: boolean) {
    this.#files = files;
    this.#report = new RowReport(skipBadRows);
  }

  read(): Reading {
    const passages = this.#rows(this.#files.corpus, CORPUS_KEYS, passageOf);
    const texts = this.#rows(this.#files.queries, QUERY_KEYS, (row) => ({
      id: idOf(row),
      text: row.text("text"),
    }));
    const passageIds = new Set(passages.map(({ id }) => id));
    const queryIds = new Set(texts.map(({ id }) => id));
    for (const file of this.#files.qrels) this.#readSplit(file, queryIds, passageIds);
    const queries = texts.flatMap((text) => this.#queryOf(text));
    if (queries.length === 0)
      throw this.#report.nothingRead(this.#files.queries.name, "no judged question in it");
    this.#noteLeftOut(texts.length - queries.length);
    const splits = this.#splitsOf(queries);
    const data: RetrievalData = { kind: "retrieval", dataset: { queries, passages }, splits };
    return { data, warnings: this.#report.warnings, badRows: this.#report.badRows };
  }

  #rows<T extends { readonly id: string }>(
    file: BeirFile,
    keys: readonly string[],
    read: (row: JsonRow) => T,
  ): T[] {
    const rows: T[] = [];
    const seen = new Set<string>();
    for (const row of readJsonRows(file.name, file.bytes(), this.#report, keys)) {
      const own = this.#report.row(file.name, row.line, () => {
        const value = read(row);
        if (seen.has(value.id))
          throw row.error("E_DUPLICATE", `the _id ${JSON.stringify(value.id)} stands above too`);
        return value;
      });
      if (own === undefined) continue;
      seen.add(own.id);
      rows.push(own);
    }
    if (rows.length === 0) throw this.#report.nothingRead(file.name, "no row in it");
    return rows;
  }

  #readSplit(
    file: BeirFile & { readonly split: string },
    queries: ReadonlySet<string>,
    passages: ReadonlySet<string>,
  ): void {
    const members = new Set<string>();
    this.#splits.set(file.split, members);
    for (const { line, query, passage, score } of readQrels(file.name, file.bytes(), this.#report)) {
      this.#report.row(file.name, line, () => {
        if (!queries.has(query)) throw unknown(file.name, line, "queries.jsonl", query);
        if (!passages.has(passage)) throw unknown(file.name, line, "corpus.jsonl", passage);
        members.add(query);
        this.#judge({ file: file.name, line, query }, { passage, grade: score });
      });
    }
  }

  #judge(
    { file, line, query }: { readonly file: string; readonly line: number; readonly query: string },
    { passage, grade }: Judgement,
  ): void {
    const own = this.#judgements.get(query) ?? { grades: new Map(), wrong: new Set() };
    this.#judgements.set(query, own);
    if (own.grades.has(passage) || own.wrong.has(passage)) {
      this.#report.warn(
        "duplicate-judgement",
        file,
        line,
        "the pair is judged above too; the first judgement counts",
      );
      return;
    }
    if (grade < 0) this.#report.warn("grade", file, line, `a score of ${grade} is read as wrong, like 0`);
    if (grade > 0) own.grades.set(passage, grade);
    else own.wrong.add(passage);
  }

  #queryOf({ id, text }: { readonly id: string; readonly text: string }): Query[] {
    const own = this.#judgements.get(id);
    if (!own || own.grades.size === 0) return [];
    const relevant = Array.from(own.grades, ([passage, grade]) => ({ passage, grade }));
    const negatives = own.wrong.size > 0 ? { negatives: [...own.wrong] } : {};
    return [
      { id, text, relevant, ...negatives, origin: { kind: "imported", detail: this.#files.queries.name } },
    ];
  }

  #splitsOf(queries: readonly Query[]): DatasetSplit[] {
    return Array.from(this.#splits, ([name, members]) => ({
      name,
      queries: queries.map(({ id }) => id).filter((id) => members.has(id)),
    }));
  }

  #noteLeftOut(unjudged: number): void {
    const { queries, others } = this.#files;
    if (unjudged > 0) {
      const what = `${unjudged} questions have no right passage in qrels; they are left out`;
      this.#report.warn("unjudged", queries.name, undefined, what, unjudged);
    }
    const [first] = others;
    if (first !== undefined)
      this.#report.warn("left-out", first, undefined, "no part of a BEIR dataset, not read", others.length);
  }
}

function idOf(row: JsonRow): string {
  const id = row.id("_id");
  if (id !== undefined) return id;
  throw row.error("E_FIELD", '"_id" is missing');
}

function passageOf(row: JsonRow): Passage {
  const id = idOf(row);
  const title = row.has("title") ? row.string("title").trim() : "";
  const text = row.string("text");
  const whole = title === "" ? text : text.trim() === "" ? title : `${title} ${text}`;
  if (whole.trim() === "") throw row.error("E_EMPTY", "title and text are blank");
  const document = documentOf(row) ?? (title === "" ? undefined : title);
  return { id, text: whole, ...(document === undefined ? {} : { document }) };
}

/** Our own note in "metadata", for documents whose name is no title of the text. */
function documentOf(row: JsonRow): string | undefined {
  const node = row.entries.get("metadata");
  const document = node?.kind === "object" ? node.entries.get("document") : undefined;
  return document?.kind === "string" ? document.value : undefined;
}

function unknown(file: string, line: number, where: string, id: string): RetuneError {
  return rowError("E_REFERENCE", file, line, `${JSON.stringify(id.slice(0, 60))} is not in ${where}`);
}
