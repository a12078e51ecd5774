import { RetuneError, type ErrorCode } from "../../../engine/errors.ts";
import type { Passage, Query } from "../../data/dataset.ts";
import { opening } from "../../data/import-report.ts";
import { decodeText } from "../../text/decode.ts";
import { parseJson, type JsonDocument, type JsonNode, type JsonObject } from "../json.ts";
import type { Reading } from "./dataset-format.ts";
import { RowReport } from "./row-report.ts";

const FLOAT = "FLOAT SELECTED: "; // how evidence names a figure or table: by its caption

/** Errors with line: those of parseJson; E_FIELD, E_DUPLICATE for a paper or question; E_EMPTY without any question. */
export function readQasper(file: string, bytes: Uint8Array, skipBadRows: boolean): Reading {
  const { text, warnings } = decodeText(bytes, file);
  const report = new RowReport(skipBadRows);
  report.include(warnings);
  return new QasperReader(parseJson(text, file), file, report).read();
}

/** A paper's passages by what evidence may say. */
interface PaperTexts {
  readonly document: string;
  readonly byText: Map<string, string>; // text → passage id
}

class QasperReader {
  readonly #document: JsonDocument;
  readonly #file: string;
  readonly #report: RowReport;
  readonly #passages: Passage[] = [];
  readonly #queries: Query[] = [];
  readonly #ids = new Set<string>();
  readonly #left = { blank: 0, copies: 0, unanswered: 0, answers: 0 };

  constructor(document: JsonDocument, file: string, report: RowReport) {
    this.#document = document;
    this.#file = file;
    this.#report = report;
  }

  read(): Reading {
    const { root } = this.#document;
    if (root.kind !== "object") throw this.#error("E_FIELD", root, "expected an object of papers");
    for (const { key } of this.#document.duplicates)
      this.#report.warn(
        "duplicate-key",
        this.#file,
        undefined,
        `the key ${JSON.stringify(key)} stands twice; the last counts`,
      );
    const names = this.#names(root);
    for (const [id, node] of root.entries) {
      this.#report.row(this.#file, 1, () => {
        this.#readPaper(id, names.get(id)!, node);
      });
    }
    if (this.#queries.length === 0)
      throw this.#report.nothingRead(this.#file, "no question with evidence in it");
    this.#noteLeftOut();
    const data = {
      kind: "retrieval",
      dataset: { queries: this.#queries, passages: this.#passages },
    } as const;
    return { data, warnings: this.#report.warnings, badRows: this.#report.badRows };
  }

  /** Documents are called by title where no other paper has it, else by the paper's id. */
  #names(root: JsonObject): Map<string, string> {
    const titles = new Map<string, string>();
    const counts = new Map<string, number>();
    for (const [id, node] of root.entries) {
      const title = node.kind === "object" ? node.entries.get("title") : undefined;
      const own = title?.kind === "string" && title.value.trim() !== "" ? title.value : id;
      titles.set(id, own);
      counts.set(own, (counts.get(own) ?? 0) + 1);
    }
    return new Map(Array.from(titles, ([id, title]) => [id, counts.get(title) === 1 ? title : id]));
  }

  #readPaper(id: string, document: string, node: JsonNode): void {
    if (node.kind !== "object")
      throw this.#error("E_FIELD", node, `paper ${JSON.stringify(id)} must be an object`);
    const paper: PaperTexts = { document, byText: new Map() };
    const texts = this.#texts(node);
    const questions = this.#items(node, "qas");
    for (const [place, text] of texts.entries()) this.#addPassage(paper, `${id}#${place + 1}`, text);
    for (const question of questions) {
      this.#report.row(this.#file, 1, () => {
        this.#readQuestion(paper, question);
      });
    }
  }

  /** Abstract, paragraphs and captions in their order, blank ones too, so that numbers do not shift. */
  #texts(paper: JsonObject): string[] {
    const abstract = paper.entries.get("abstract");
    const paragraphs = this.#items(paper, "full_text").flatMap((section) => {
      if (section.kind !== "object") throw this.#error("E_FIELD", section, "a section must be an object");
      return this.#items(section, "paragraphs").map((node) => {
        if (node.kind === "string") return node.value;
        throw this.#error("E_FIELD", node, '"paragraphs" must be a list of texts');
      });
    });
    const captions = this.#items(paper, "figures_and_tables").flatMap((figure) => {
      const caption = figure.kind === "object" ? figure.entries.get("caption") : undefined;
      return caption?.kind === "string" ? [caption.value] : [];
    });
    return [...(abstract?.kind === "string" ? [abstract.value] : [""]), ...paragraphs, ...captions];
  }

  #addPassage({ document, byText }: PaperTexts, id: string, text: string): void {
    const key = text.trim();
    if (key === "") this.#left.blank++;
    else if (byText.has(key)) this.#left.copies++;
    else {
      byText.set(key, id);
      this.#passages.push({ id, text, document });
    }
  }

  #readQuestion({ byText }: PaperTexts, node: JsonNode): void {
    if (node.kind !== "object") throw this.#error("E_FIELD", node, "a question must be an object");
    const [text, id] = [this.#text(node, "question"), this.#text(node, "question_id")];
    if (this.#ids.has(id))
      throw this.#error("E_DUPLICATE", node, `the question_id ${JSON.stringify(id)} stands above too`);
    const relevant = new Set<string>();
    for (const evidence of this.#evidence(node)) {
      const own = evidence.startsWith(FLOAT) ? evidence.slice(FLOAT.length) : evidence;
      const passage = byText.get(own.trim());
      if (passage !== undefined) relevant.add(passage);
      else this.#warnAt("evidence", node, "evidence that is no paragraph of its paper is left out");
    }
    this.#ids.add(id);
    if (relevant.size === 0) {
      this.#left.unanswered++;
      return;
    }
    const judgements = Array.from(relevant, (passage) => ({ passage, grade: 1 }));
    this.#queries.push({ id, text, relevant: judgements, origin: { kind: "imported", detail: this.#file } });
  }

  /** The evidence of all answers, in order; unanswerable ones have none. */
  #evidence(question: JsonObject): string[] {
    return this.#items(question, "answers").flatMap((given) => {
      const answer = given.kind === "object" ? given.entries.get("answer") : undefined;
      if (answer?.kind !== "object") throw this.#error("E_FIELD", given, 'an answer must be {"answer": {…}}');
      this.#left.answers++;
      return this.#items(answer, "evidence").map((node) => {
        if (node.kind === "string") return node.value;
        throw this.#error("E_FIELD", node, '"evidence" must be a list of texts');
      });
    });
  }

  #text(node: JsonObject, key: string): string {
    const own = node.entries.get(key);
    if (own?.kind === "string" && own.value.trim() !== "") return own.value;
    throw this.#error("E_FIELD", own ?? node, `"${key}" must be a text that is not blank`);
  }

  #items(node: JsonObject, key: string): readonly JsonNode[] {
    const own = node.entries.get(key);
    if (own === undefined || own.kind === "null") return [];
    if (own.kind === "array") return own.items;
    throw this.#error("E_FIELD", own, `"${key}" must be a list`);
  }

  #noteLeftOut(): void {
    const { blank, copies, unanswered, answers } = this.#left;
    const note = (code: "left-out" | "unjudged" | "duplicate-text", count: number, what: string): void => {
      if (count > 0) this.#report.warn(code, this.#file, undefined, `${count} ${what}`, count);
    };
    note("unjudged", unanswered, "questions have no evidence in their paper; they are left out");
    note("duplicate-text", copies, "paragraphs repeat another of their paper; they are left out");
    const beside = "answers are given in words too; these are not used, the evidence is";
    note("left-out", answers, blank === 0 ? beside : `${beside}; ${blank} blank paragraphs are left out`);
  }

  #warnAt(code: "evidence", node: JsonNode, what: string): void {
    this.#report.warn(code, this.#file, this.#document.placeOf(node.at).line, what);
  }

  #error(code: ErrorCode, node: JsonNode, what: string): RetuneError {
    const place = this.#document.placeOf(node.at);
    return new RetuneError(
      code,
      `${opening(this.#file)}line ${place.line}, column ${place.column}: ${what}`,
      place,
    );
  }
}
