import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn, type ImportWarning } from "../data/import-report.ts";
import { binaryKind, decodeText } from "./decode.ts";
import { readHtml } from "./html.ts";
import { readMarkdown } from "./markdown.ts";
import { readPlainText } from "./plain.ts";
import { plainText, type TextBlock, type TextDocument } from "./structure.ts";

export type TextFormat = "text" | "markdown" | "html";

export interface DocumentReading extends TextDocument {
  readonly format: TextFormat; // found in the content; the file's ending only decides where that is silent
  readonly text: string; // all blocks, a blank line between them
  readonly headings: readonly string[];
  readonly warnings: readonly ImportWarning[];
}

/**
 * A text file → its title, headings and paragraphs. Errors: those of decodeText; E_UNKNOWN_FORMAT for a known format that
 * is not read (PDF, Office); E_EMPTY for a page without text. `format` overrides what was detected.
 */
export function readDocument(name: string, bytes: Uint8Array, format?: TextFormat): DocumentReading {
  refuseOffice(name, bytes);
  const { text, warnings } = decodeText(bytes, name);
  const chosen = format ?? detectFormat(name, text);
  const { title, blocks } = readAs(chosen, text);
  if (blocks.length === 0) throw new RetuneError("E_EMPTY", `${opening(name)}no text in it`, placeIn(name));
  const headings = blocks.filter((block) => block.kind === "heading").map((block) => block.text);
  const shown = title ?? headings[0];
  const reading = { name, format: chosen, blocks, text: plainText(blocks), headings, warnings };
  return shown === undefined ? reading : { ...reading, title: shown };
}

/** HTML by its tags, Markdown by at least two of its marks or by the file's ending. */
export function detectFormat(name: string, text: string): TextFormat {
  const start = text.slice(0, 20_000);
  if (
    /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^]{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)[\s>]/i.test(start)
  )
    return "html";
  const tags = start.match(/<\/(?:p|div|h[1-6]|li|table|a|span|section|article)>/gi)?.length ?? 0;
  if (tags >= 3 && /\.(?:x?html?)$/i.test(name)) return "html";
  if (/\.(?:md|markdown|mdx)$/i.test(name)) return "markdown";
  const marks = [/^#{1,6}\s+\S/m, /^```/m, /\[[^\]\n]+\]\([^)\s]+\)/, /^\s*[-*]\s+\S/m, /\*\*\S[^*\n]*\*\*/];
  const found = marks.filter((mark) => mark.test(start)).length;
  if (found >= 2) return "markdown";
  return tags >= 6 ? "html" : "text";
}

function readAs(format: TextFormat, text: string): { title?: string; blocks: readonly TextBlock[] } {
  if (format === "html") return readHtml(text);
  return { blocks: format === "markdown" ? readMarkdown(text) : readPlainText(text) };
}

function refuseOffice(name: string, bytes: Uint8Array): void {
  const kind = binaryKind(bytes);
  if (kind === undefined || !/\.(?:pdf|docx?|xlsx?|pptx?|odt|epub|rtf)$/i.test(name)) return;
  throw new RetuneError(
    "E_UNKNOWN_FORMAT",
    `${opening(name)}${kind} cannot be read; save it as text, Markdown or HTML and import that`,
    placeIn(name, { byte: 0 }),
  );
}
