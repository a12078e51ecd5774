import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn, type ImportWarning } from "../data/import-report.ts";
import type { RunControl } from "../ports.ts";
import { binaryKind, decodeText } from "./decode.ts";
import { binaryFileKind } from "./file-kind.ts";
import { readHtml } from "./html.ts";
import { readMarkdown } from "./markdown.ts";
import { readPlainText } from "./plain.ts";
import { languageOf } from "./source-languages.ts";
import { plainText, type DocumentContent, type TextDocument } from "./structure.ts";
import { detectTextFormat } from "./text-format.ts";

export type TextFormat = "text" | "markdown" | "html" | "code" | "pdf" | "docx";

/** How the formats are called in front of people. */
export const TEXT_FORMAT_NAMES: Readonly<Record<TextFormat, string>> = {
  text: "Text",
  markdown: "Markdown",
  html: "Web page",
  code: "Source code",
  pdf: "PDF",
  docx: "Word document",
};

export interface DocumentReading extends TextDocument {
  readonly format: TextFormat; // found in the content; the file's ending only decides where that is silent
  readonly text: string; // all blocks, a blank line between them
  readonly headings: readonly string[];
  readonly warnings: readonly ImportWarning[];
  readonly pages?: number; // of a PDF
}

export interface DocumentControl extends RunControl {
  readonly format?: TextFormat; // instead of what was found
}

/**
 * A document → its title, headings and paragraphs. Errors: those of decodeText, readPdf and readDocx; E_UNKNOWN_FORMAT
 * for a known format that is not read (Office); E_EMPTY for one without text; "cancelled" when the signal fires.
 * Progress counts pages where there are pages. The readers of PDF and DOCX are loaded when the first one is met.
 */
export async function readDocument(
  name: string,
  bytes: Uint8Array,
  control: DocumentControl = {},
): Promise<DocumentReading> {
  const { format, content } = await readContent(name, bytes, control);
  const { title, blocks, warnings } = content;
  if (blocks.length === 0) throw new RetuneError("E_EMPTY", `${opening(name)}no text in it`, placeIn(name));
  const headings = blocks.filter((block) => block.kind === "heading").map((block) => block.text);
  const shown = title ?? headings[0];
  const pages = content.pages === undefined ? {} : { pages: content.pages };
  const reading = { name, format, blocks, text: plainText(blocks), headings, warnings, ...pages };
  return shown === undefined ? reading : { ...reading, title: shown };
}

interface FoundContent {
  readonly format: TextFormat;
  readonly content: DocumentContent;
}

async function readContent(name: string, bytes: Uint8Array, control: DocumentControl): Promise<FoundContent> {
  const kind = control.format ?? binaryFileKind(name, bytes);
  if (kind === "pdf") {
    const { readPdf } = await import("./pdf.ts");
    return { format: kind, content: await readPdf(name, bytes, control) };
  }
  if (kind === "docx") {
    const { readDocx } = await import("./docx.ts");
    return { format: kind, content: await readDocx(name, bytes) };
  }
  refuseOffice(name, bytes);
  return readText(name, bytes, control.format);
}

async function readText(
  name: string,
  bytes: Uint8Array,
  chosen: TextFormat | undefined,
): Promise<FoundContent> {
  const { text, warnings } = decodeText(bytes, name);
  const format = chosen ?? detectFormat(name, text);
  if (format === "html") return { format, content: { ...readHtml(text), warnings } };
  if (format === "code") {
    const { readSourceCode } = await import("./source-code.ts");
    return { format, content: { blocks: readSourceCode(text, name, languageOf(name, text)), warnings } };
  }
  const blocks = format === "markdown" ? readMarkdown(text) : readPlainText(text);
  return { format, content: { blocks, warnings } };
}

/** The format of a text: a web page, source code by its ending, Markdown, or plain. */
export function detectFormat(name: string, text: string): TextFormat {
  const format = detectTextFormat(name, text);
  return format !== "html" && languageOf(name, text) !== undefined ? "code" : format;
}

function refuseOffice(name: string, bytes: Uint8Array): void {
  const kind = binaryKind(bytes);
  if (kind === undefined || !/\.(?:docx?|xlsx?|pptx?|odt|epub|rtf)$/i.test(name)) return;
  const next = "save it as PDF, DOCX, text, Markdown or HTML and import that";
  const locked = /x$/i.test(name) && kind.includes("old Office"); // an encrypted DOCX hides in the old container
  const what = locked
    ? `it is locked by a password or in an old format; ${next}, without a password`
    : `${kind} cannot be read; ${next}`;
  throw new RetuneError("E_UNKNOWN_FORMAT", opening(name) + what, placeIn(name, { byte: 0 }));
}
