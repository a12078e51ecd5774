import { languageOf } from "./source-languages.ts";
import { detectTextFormat } from "./text-format.ts";

/** What a file is, found by its content; its ending decides only where that is silent. */
export type FileKind =
  | "pdf"
  | "docx"
  | "zip" // or gzip: what readArchive opens
  | "parquet"
  | "json"
  | "jsonl"
  | "csv"
  | "tsv"
  | "html"
  | "markdown"
  | "code"
  | "text"
  | "binary"; // of no kind that is read

const HEAD = 65_536;
const ZIP_ENTRY = "PK\u0003\u0004";
const ZIP_END = "PK\u0005\u0006"; // an archive without entries
const PDF_HEADER = /(?:^|[^ -~])%PDF-\d/; // not inside a sentence about it
const PDF_MARK = 1024; // the header may stand behind other bytes (PDF 32000-1, implementation note 13)

/** A guess good enough to choose a reader; the reader has the last word. Never throws. */
export function fileKind(name: string, bytes: Uint8Array): FileKind {
  const binary = binaryFileKind(name, bytes);
  if (binary !== undefined) return binary;
  const start = headText(bytes);
  if (start === undefined) return "binary";
  return textKind(name, start);
}

/** The kinds that are told by their first bytes. */
export function binaryFileKind(name: string, bytes: Uint8Array): FileKind | undefined {
  const start = latin(bytes.subarray(0, PDF_MARK));
  if (PDF_HEADER.test(start)) return "pdf";
  if (start.startsWith("PAR1")) return "parquet";
  if (start.startsWith(ZIP_ENTRY) || start.startsWith(ZIP_END))
    return /\.docx$/i.test(name) || holdsWord(bytes) ? "docx" : "zip";
  return start.startsWith("\u001f\u008b\u0008") ? "zip" : undefined;
}

/** The name of one of the first entries lies in the folder of Word's own parts (PKWARE APPNOTE §4.3.7). */
function holdsWord(bytes: Uint8Array): boolean {
  const start = latin(bytes.subarray(0, HEAD));
  for (let at = 0; at >= 0; at = start.indexOf(ZIP_ENTRY, at + 1)) {
    if (start.startsWith("word/", at + 30)) return true;
  }
  return false;
}

function textKind(name: string, start: string): FileKind {
  const first = start.trimStart();
  if (/^\{/.test(first)) return isJsonLines(name, first) ? "jsonl" : "json";
  if (/^\[/.test(first) && /\.json$/i.test(name)) return "json";
  if (/\.(?:jsonl|ndjson)$/i.test(name)) return "jsonl";
  if (/\.json$/i.test(name)) return "json";
  const format = detectTextFormat(name, start);
  if (format === "html") return "html";
  if (/\.tsv$/i.test(name)) return "tsv";
  if (/\.csv$/i.test(name)) return "csv";
  if (languageOf(name, start) !== undefined) return "code";
  return format;
}

/** One object a line: the first line closes its own braces and another begins after it, or the ending says so. */
function isJsonLines(name: string, start: string): boolean {
  if (/\.(?:jsonl|ndjson)$/i.test(name)) return true;
  const [first, second] = start.split(/\r?\n/, 2);
  return first!.trimEnd().endsWith("}") && (second?.startsWith("{") ?? false);
}

function headText(bytes: Uint8Array): string | undefined {
  const head = bytes.subarray(0, HEAD);
  if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder("utf-16le").decode(head);
  if (head[0] === 0xfe && head[1] === 0xff) return new TextDecoder("utf-16be").decode(head);
  return head.includes(0) ? undefined : new TextDecoder().decode(head);
}

function latin(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}
