import type { ImportWarning } from "../../domain/data/import-report.ts";
import { sha256 } from "../../domain/data/hash.ts";
import { parseJson } from "../../domain/formats/json.ts";
import {
  looksLikeLlamaIndexDataset,
  readLlamaIndexDataset,
} from "../../domain/formats/llamaindex-dataset.ts";
import { passagesOf } from "../../domain/text/chunk.ts";
import type { TokenCounter } from "../../domain/text/chunk.ts";
import { checkFileSize, decodeText } from "../../domain/text/decode.ts";
import { readDocument, TEXT_FORMAT_NAMES } from "../../domain/text/documents.ts";
import type { RunControl } from "../../domain/ports.ts";
import { RetuneError, toWire } from "../../engine/errors.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { SourceRecord } from "../storage/records.ts";
import type { ChunkSettings, DatasetRole, ImportProblem, ImportReport } from "../studio-data.ts";

export interface InputFile {
  readonly name: string;
  readonly size: number;
  read(): Promise<Uint8Array>;
}

export interface ImportSettings {
  readonly projectId: string;
  readonly role?: DatasetRole;
  readonly chunking: ChunkSettings;
  readonly countTokens: TokenCounter;
}

export interface ImportOutcome {
  readonly report: ImportReport;
  readonly contents: readonly SourceContent[]; // of the accepted files
}

/**
 * Reads files of any supported format, found by their content. A file that cannot be read is reported with its error
 * and place; the others go on. Nothing is stored here: the caller writes `contents` in one transaction.
 */
export async function readFiles(
  files: readonly InputFile[],
  settings: ImportSettings,
  control: RunControl = {},
): Promise<ImportOutcome> {
  const contents: SourceContent[] = [];
  const reports: ImportReport["files"][number][] = [];
  for (const [index, file] of files.entries()) {
    if (control.signal?.aborted)
      throw new RetuneError("cancelled", "The import was cancelled; nothing was kept.");
    control.onProgress?.({ done: index, total: files.length, label: file.name });
    try {
      const { content, warnings } = await readFile(file, settings);
      contents.push(content);
      reports.push(accepted(content, warnings));
    } catch (error) {
      reports.push(refused(file.name, error));
    }
  }
  control.onProgress?.({ done: files.length, total: files.length });
  return { report: { files: reports }, contents };
}

interface ReadSource {
  readonly content: SourceContent;
  readonly warnings: readonly ImportWarning[];
}

async function readFile(file: InputFile, settings: ImportSettings): Promise<ReadSource> {
  checkFileSize(file.size, file.name);
  const bytes = await file.read();
  const source = {
    id: crypto.randomUUID(),
    projectId: settings.projectId,
    sequence: 0,
    name: file.name,
    bytes: bytes.length,
    passages: 0,
    questions: 0,
    hash: await sha256(bytes),
  };
  if (isJson(file.name, bytes)) return readDatasetFile(file.name, bytes, source, settings);
  const document = await readDocument(file.name, bytes);
  const passages = await passagesOf(document, chunkOptions(settings.chunking, settings.countTokens));
  const role = settings.role ?? "split";
  const record: SourceRecord = {
    ...source,
    role,
    format: TEXT_FORMAT_NAMES[document.format],
    blocks: document.blocks,
  };
  return { content: { source: record, passages, questions: [] }, warnings: document.warnings };
}

type OpenSource = Omit<SourceRecord, "role" | "format">;

function readDatasetFile(
  name: string,
  bytes: Uint8Array,
  source: OpenSource,
  settings: ImportSettings,
): ReadSource {
  const { text } = decodeText(bytes, name);
  if (!looksLikeLlamaIndexDataset(parseJson(text, name).root)) {
    const keys = "queries, corpus and relevant_docs";
    throw new RetuneError(
      "E_UNKNOWN_FORMAT",
      `${name}: JSON, but no dataset: the keys ${keys} are expected.`,
      {
        file: name,
      },
    );
  }
  const { dataset, warnings } = readLlamaIndexDataset(text, name);
  const record: SourceRecord = {
    ...source,
    role: settings.role ?? roleByName(name),
    format: "LlamaIndex dataset",
  };
  const questions = dataset.queries.map((query) => ({ ...query, state: "accepted" as const }));
  return { content: { source: record, passages: dataset.passages, questions }, warnings };
}

/** Train and validation files are told by their usual names; any other dataset is divided by document. */
export function roleByName(name: string): DatasetRole {
  if (/(^|[^a-z])train/i.test(name)) return "train";
  return /(^|[^a-z])(val|valid|validation|test|eval|dev)([^a-z]|$)/i.test(name) ? "test" : "split";
}

function isJson(name: string, bytes: Uint8Array): boolean {
  const start = new TextDecoder()
    .decode(bytes.subarray(0, 64))
    .replace(/^\ufeff/, "")
    .trimStart();
  return /\.json$/i.test(name) || start.startsWith("{");
}

export function chunkOptions(
  chunking: ChunkSettings,
  countTokens: TokenCounter,
): { maxTokens: number; overlapTokens: number; minTokens: number; countTokens: TokenCounter } {
  const minTokens = Math.min(24, Math.floor(chunking.maxTokens / 4));
  return { ...chunking, minTokens, countTokens };
}

function accepted(
  { source, passages, questions }: SourceContent,
  warnings: readonly ImportWarning[],
): ImportReport["files"][number] {
  const { name, format } = source;
  const counts = { passages: passages.length, questions: questions.length };
  return { name, format, accepted: true, ...counts, problems: warnings.map(asProblem) };
}

function asProblem(warning: ImportWarning): ImportProblem {
  const place = warning.place ?? {};
  return { severity: "warning", error: { code: warningCode(warning), message: warning.message, place } };
}

function warningCode({ code }: ImportWarning): ImportProblem["error"]["code"] {
  if (code === "duplicate-key" || code === "duplicate-text" || code === "duplicate-judgement")
    return "E_DUPLICATE";
  return code === "unknown-query" || code === "document" ? "E_REFERENCE" : "E_FIELD";
}

function refused(name: string, error: unknown): ImportReport["files"][number] {
  const problem: ImportProblem = { severity: "error", error: toWire(error) };
  return { name, format: "", accepted: false, passages: 0, questions: 0, problems: [problem] };
}
