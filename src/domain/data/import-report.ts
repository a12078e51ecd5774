import type { ErrorPlace } from "../../engine/errors.ts";

/** Things worth telling a person about an import that went through all the same. */
export type ImportWarningCode =
  | "duplicate-key" // one id twice in the file: as in Python the last value wins
  | "duplicate-text" // two ids with one text
  | "duplicate-judgement" // one passage twice in a query's list
  | "unknown-query" // relevance of a query that the file does not hold
  | "all-equal" // every question has one text
  | "leak" // a text stands in training and in validation
  | "mode" // the file says it is not about text
  | "document" // a document name for a passage that the file does not hold
  | "lone-surrogate" // half a character
  | "hidden-characters" // bidi controls and zero-width marks
  | "one-column" // a table of one column: its separator may be another
  | "scanned-pages" // pages of a PDF that are pictures
  | "left-out" // parts of a document that hold no text: pictures, drawings
  | "right-and-wrong" // a text given as right and as wrong for one question: it counts as right
  | "joined-rows" // rows of one question, joined
  | "unjudged" // questions without a right passage, left out
  | "grade" // grades of another scale than the file's own
  | "evidence" // evidence that is no passage of its document
  | "role-order" // messages of one role after another
  | "context-length" // chats longer than models commonly read
  | "splits" // splits of the set that are not kept
  | "extra-key";

export interface ImportWarning {
  readonly code: ImportWarningCode;
  readonly message: string;
  readonly count: number;
  readonly place?: ErrorPlace; // of the first case
}

/** Sizes past which an importer answers E_TOO_LARGE or E_DEPTH instead of trying. */
export const IMPORT_LIMITS = {
  fileBytes: 512_000_000, // a JavaScript string holds no more
  textCharacters: 1_000_000, // one passage or question
  nameCharacters: 255, // ids may be longer, file names in archives not
  keyCharacters: 4096,
  depth: 64,
  records: 1_000_000,
  expandedBytes: 2_000_000_000,
  expansion: 200, // decompressed : compressed
} as const;

/** An ErrorPlace with the file name where it is known. */
export function placeIn(file: string | undefined, place: ErrorPlace = {}): ErrorPlace {
  return file === undefined ? place : { ...place, file };
}

/** "name.json: " as the opening of a message, or nothing. */
export function opening(file: string | undefined): string {
  return file === undefined ? "" : `${file}: `;
}
