// Questions that a teacher is to answer, as a person has them in a file: JSON Lines, a JSON list or CSV of
//
//   {"question": "…", "passages": ["…", "…"]}      also "query"; "contexts" or "context"; "document" or "group"; none: asked bare
//
// or a text with one question a line, each asked without passages.
import { decodeText } from "../../text/decode.ts";
import { textLines } from "../../text/lines.ts";
import type { JsonRow } from "../../formats/datasets/json-rows.ts";
import { idOf, keyOf, optionalText, readLabRows, textOf, type LabReadOptions } from "../lab-rows.ts";
import type { LabExample, LabRead } from "../lab-task.ts";

export interface AskedQuestion extends LabExample {
  readonly question: string;
  readonly passages: readonly string[]; // to answer from, best first
  readonly document: string | undefined;
}

const QUESTION = ["question", "query"];
const PASSAGES = ["passages", "contexts", "context"];
const DOCUMENT = ["document", "group"];

/** Errors: those of readLabRows; E_EMPTY where a text has no line. */
export function readAskedQuestions(
  file: string,
  bytes: Uint8Array,
  options?: LabReadOptions,
): LabRead<AskedQuestion> {
  if (!/\.(txt|md)$/i.test(file))
    return readLabRows(file, bytes, ["id", ...QUESTION, ...PASSAGES, ...DOCUMENT], askedIn, options);
  const rows = Array.from(textLines(decodeText(bytes, file).text), ({ text }) => {
    return text.trim() === "" ? "" : JSON.stringify({ question: text.trim() }); // blank ones count as lines, too
  });
  return readLabRows(file, new TextEncoder().encode(rows.join("\n")), ["question"], askedIn, options);
}

function askedIn(row: JsonRow): AskedQuestion {
  const question = textOf(row, QUESTION);
  const document = optionalText(row, DOCUMENT);
  const id = idOf(row);
  return { id, line: row.line, group: document ?? id, question, passages: passagesOf(row), document };
}

function passagesOf(row: JsonRow): readonly string[] {
  const key = keyOf(row, PASSAGES);
  if (key === undefined) return [];
  return row.entries.get(key)?.kind === "array" ? row.texts(key) : [row.text(key)];
}
