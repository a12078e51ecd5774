import type { BadRows, FileReport, ImportReport } from "../../app/studio-data.ts";
import type { SplitUse } from "../../domain/formats/datasets/sides.ts";
import type { ColumnRole, FoundFile, ReadAs, UnfinishedImport } from "../../app/studio-import.ts";
import { bytes, count, plural } from "../format.ts";

const READ_AS: Readonly<Record<ReadAs, string>> = {
  text: "Plain text",
  markdown: "Markdown",
  html: "Web page",
  code: "Source code",
  pdf: "PDF",
  docx: "Word document",
  passages: "Passages, one a row",
  llamaindex: "LlamaIndex dataset",
  beir: "BEIR dataset",
  flagembedding: "FlagEmbedding rows",
  cohere: "Cohere re-ranker rows",
  "st-pairs": "Questions with right passages",
  "st-triplets": "Questions with right and wrong passages",
  "st-scored": "Scored pairs, for a re-ranker",
  qasper: "QASPER papers",
  "openai-chat": "OpenAI chats",
};

const ROLES: Readonly<Record<ColumnRole, string>> = {
  question: "Question",
  passage: "Right passage",
  negative: "Wrong passage",
  score: "Score",
  id: "Id",
  document: "Document",
  ignore: "Not used",
};

const namesOf = (names: readonly string[]): string =>
  names.length <= 3
    ? names.join(", ")
    : `${names.slice(0, 2).join(", ")} and ${count(names.length - 2)} more`;

export const imports = {
  dropHint:
    "PDF, Word, Markdown, text, HTML, source code, CSV, JSON Lines, Parquet, datasets of LlamaIndex, BEIR and others, folders, or a zip of these. The content decides, not the name.",
  looking: "Looking at the files…",
  reading: "Reading…",
  timeLeft: (seconds: number): string =>
    seconds < 90
      ? `about ${Math.max(1, Math.round(seconds))} s left`
      : `about ${Math.round(seconds / 60)} min left`,
  cancel: "Cancel the import",
  cancelled: "The import was cancelled; nothing was kept.",

  chooseTitle: "What are these files?",
  chooseText: "Columns whose names do not say it need your word. Nothing is in the project yet.",
  readAs: "Read as",
  readAsOf: (name: string): string => `Read ${name} as`,
  formats: READ_AS,
  unopened: "Document, by its content",
  leaveOut: "Leave it out",
  columnsOf: (name: string): string => `First rows of ${name}`,
  columnRole: (column: string): string => `Column ${column} is`,
  roles: ROLES,
  ambiguous: (reason: string): string => `${reason[0]!.toUpperCase()}${reason.slice(1).replace(/\.$/, "")}.`,
  noPassage: "Say which column is the passage.",
  twice: (role: ColumnRole): string => `Only one column can be “${ROLES[role]}”.`,
  found: (file: FoundFile): string => bytes(file.bytes),
  importNow: (files: number): string => `Import ${plural(files, "file", "files")}`,
  notNow: "Not now",

  badTitle: (report: ImportReport): string => {
    const rows = report.files.reduce((sum, file) => sum + (waits(file) ? file.badRows!.count : 0), 0);
    return `${plural(rows, "row", "rows")} cannot be read`;
  },
  badText: "Nothing is in the project yet. What could be read waits for your word.",
  badRowsOf: (name: string, bad: BadRows): string => `${name}: ${plural(bad.count, "bad row", "bad rows")}`,
  badRow: (line: number, reason: string): string => `Line ${count(line)}: ${reason}`,
  badMore: (bad: BadRows): string => `… and ${count(bad.count - bad.shown.length)} more`,
  skipRows: (rows: number): string => `Skip ${plural(rows, "bad row", "bad rows")} and import the rest`,
  leaveFiles: (files: number): string => (files === 1 ? "Leave this file out" : "Leave these files out"),

  reportTitle: "Last import",
  reportTotal: ({ total, resumed }: ImportReport): string =>
    [
      `${count(total.accepted)} of ${plural(total.files, "file", "files")}`,
      `${plural(total.passages, "passage", "passages")}`,
      ...(resumed > 0 ? [`${count(resumed)} already read before`] : []),
    ].join(" · "),
  accepted: (file: FileReport): string =>
    [
      file.format,
      file.passages > 0 ? plural(file.passages, "passage", "passages") : "",
      file.questions > 0 ? plural(file.questions, "question", "questions") : "",
      file.pairs === undefined ? "" : plural(file.pairs, "scored pair", "scored pairs"),
      file.badRows ? `${plural(file.badRows.count, "bad row", "bad rows")} skipped` : "",
      file.copies === undefined ? "" : `${plural(file.copies, "repeated passage", "repeated passages")}`,
    ]
      .filter(Boolean)
      .join(", "),
  split: (use: SplitUse): string => {
    const questions = plural(use.questions, "question", "questions");
    const shared = use.elsewhere
      ? ` ${plural(use.elsewhere, "more is", "more are")} in the test too and will only be judged.`
      : "";
    return `Its split “${use.name}”: ${questions}, ${splitFate(use)}.${shared}`;
  },
  known: "already in the project, left as it is",
  refused: "not imported",
  waiting: "waits for your word",
  more: (files: number): string => `${plural(files, "more file", "more files")} came in without trouble.`,
  correct: "Read them differently",

  unfinished: ({ names, sources, passages }: UnfinishedImport): string =>
    sources === 0
      ? `The import of ${namesOf(names)} was not finished; nothing of it is in the project. Add the same files again, or discard it to import others.`
      : `The import of ${namesOf(names)} stopped before its end. ${plural(sources, "file", "files")} with ${plural(passages, "passage", "passages")} are read and kept; nothing of it is in the project yet. Add the same files again to go on from there.`,
  discard: "Discard it",

  exportTitle: "Take the dataset away",
  exportPart: "Part",
  parts: { train: "Training", test: "Test" },
  exportFormat: "Format",
  exportContainer: "File type",
  prepare: "Prepare",
  preparing: "Writing it and reading it back…",
  lossesTitle: "This format cannot hold everything:",
  noLosses: "Nothing is lost in this format.",
  save: (name: string, size: number): string => `Save ${name} (${bytes(size)})`,
} as const;

function splitFate({ name, side }: SplitUse): string {
  if (side === null) return "left out, as it is neither train, dev nor test";
  if (side === "test") return "only to judge by, over all passages";
  return /^train/i.test(name)
    ? "to train on"
    : "to train on too, as validation questions are held back from the training";
}

export function waits(file: FileReport): boolean {
  return !file.accepted && file.badRows !== undefined;
}
