import type { ImportWarning } from "../data/import-report.ts";
import type { Chat } from "../formats/datasets/chat.ts";
import { CHAT_KEYS, readChat } from "../formats/datasets/chat-reader.ts";
import type { BadRow } from "../formats/datasets/dataset-format.ts";
import { readJsonRows, type JsonRow } from "../formats/datasets/json-rows.ts";
import { RowReport } from "../formats/datasets/row-report.ts";

/** What one line of a training file holds: a conversation, or (Gradient's form) a text that is learnt as a whole. */
export type ChatLine = { readonly line: number } & ({ readonly chat: Chat } | { readonly text: string });

export interface ChatLines {
  readonly file: string;
  readonly lines: readonly ChatLine[];
  readonly badRows: readonly BadRow[]; // empty without skipBadRows
  readonly warnings: readonly ImportWarning[];
}

const TEXT_KEY = "inputs"; // LlamaIndex's GradientAIFineTuningHandler writes {"inputs": prompt and response}

/**
 * Reads OpenAI's chat JSON Lines, with the older functions or tools, and {"inputs": text}, keeping the numbers of lines.
 * Errors name file and line: those of readChat; E_EMPTY where nothing can be read. With `skipBadRows` bad lines are listed.
 */
export function readChatLines(
  file: string,
  bytes: Uint8Array,
  { skipBadRows = false }: { readonly skipBadRows?: boolean } = {},
): ChatLines {
  const report = new RowReport(skipBadRows);
  const lines: ChatLine[] = [];
  for (const row of readJsonRows(file, bytes, report, [...CHAT_KEYS, TEXT_KEY])) {
    const line = report.row(file, row.line, () => chatLine(row));
    if (line) lines.push(line);
  }
  if (lines.length === 0) throw report.nothingRead(file, "no conversation in it");
  return { file, lines, badRows: report.badRows, warnings: report.warnings };
}

function chatLine(row: JsonRow): ChatLine {
  const isText = row.has(TEXT_KEY) && !row.has("messages");
  return { line: row.line, ...(isText ? { text: row.text(TEXT_KEY) } : { chat: readChat(row) }) };
}
