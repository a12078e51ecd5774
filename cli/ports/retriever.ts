import { dirname } from "node:path";
import { readJsonRows } from "../../src/domain/formats/datasets/json-rows.ts";
import { RowReport } from "../../src/domain/formats/datasets/row-report.ts";
import { WORD_EMBEDDING, type TextEmbedding } from "../../src/domain/lab/radit/retrieval-tuning.ts";
import { inJob } from "../job.ts";
import type { LabJob } from "../job-lab.ts";
import { openEncoder } from "./encoder.ts";
import { readBytes } from "./files.ts";
import { embedTexts } from "./vectors.ts";

/** An encoder, or words hashed onto dimensions. */
export interface Embedding extends TextEmbedding {
  close(): Promise<void>;
}

/** The encoder that a job names, or counts of words where it names none. */
export async function openEmbedding(job: LabJob, root: string): Promise<Embedding> {
  const { retriever } = job;
  if (retriever === undefined) return { ...WORD_EMBEDDING, close: () => Promise.resolve() };
  const encoder = await inJob(job, "retriever", () => openEncoder(root, retriever, dirname(job.file)));
  const { name, queryInstruction } = encoder.identity;
  return {
    name,
    passages: (texts) => embedTexts(root, encoder, texts, { instruction: "", label: "passages" }),
    questions: (texts) =>
      embedTexts(root, encoder, texts, { instruction: queryInstruction, label: "questions" }),
    close: () => encoder.close(),
  };
}

/** Texts of a JSON Lines file of {"text"} rows, which a job names beside its rows. */
export async function passagesOf(file: string | undefined): Promise<readonly string[]> {
  if (file === undefined) return [];
  const report = new RowReport();
  const rows = readJsonRows(file, await readBytes(file, "passages"), report, ["id", "text", "document"]);
  const texts = Array.from(rows, (row) => row.text("text"));
  if (texts.length === 0) throw report.nothingRead(file, "no passage in it");
  return texts;
}
