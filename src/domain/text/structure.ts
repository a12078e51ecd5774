import type { ImportWarning } from "../data/import-report.ts";

/** A document after its format is gone: headings and paragraphs in reading order. */
export interface TextDocument {
  readonly name: string; // file name, the group for splits
  readonly title?: string;
  readonly blocks: readonly TextBlock[];
}

export interface TextBlock {
  readonly kind: "heading" | "paragraph" | "code" | "item";
  readonly level: number; // 1–6 for headings, else 0
  readonly text: string; // headings and items are one line; a paragraph keeps its own line breaks as spaces
  readonly page?: number; // from 1, where the format has pages
}

/** What a reader of one format finds. */
export interface DocumentContent {
  readonly title?: string;
  readonly blocks: readonly TextBlock[];
  readonly warnings: readonly ImportWarning[];
  readonly pages?: number; // of a PDF
}

/** The blocks as one text, a blank line between them. */
export function plainText(blocks: readonly TextBlock[]): string {
  return blocks.map((block) => block.text).join("\n\n");
}

export function squeezed(text: string): string {
  return text.replace(/[\s\u00a0]+/gu, " ").trim();
}
