import type { Failure } from "../failure.ts";

/** What the one button of a failure does; the screen that shows the card carries it out. */
export type Remedy =
  | "resume"
  | "cpu-mode"
  | "storage"
  | "more-questions"
  | "slower"
  | "model-folder"
  | "open-sources"
  | "reload";

export interface FailureText {
  readonly title: string;
  readonly reason: string; // plain words; the message of the error itself follows
  readonly remedy?: { readonly kind: Remedy; readonly label: string };
}

const RESUME = { kind: "resume", label: "Resume from the last checkpoint" } as const;
const CPU = { kind: "cpu-mode", label: "Continue in CPU mode" } as const;
const STORAGE = { kind: "storage", label: "Show what can be freed" } as const;
const SOURCES = { kind: "open-sources", label: "Back to the sources" } as const;
const RELOAD = { kind: "reload", label: "Reload the page" } as const;

const TEXTS: Readonly<Partial<Record<Failure["code"], FailureText>>> = {
  "device-lost": {
    title: "The GPU went away",
    reason: "The browser or the driver reset the device. Nothing before the last checkpoint is lost.",
    remedy: RESUME,
  },
  "out-of-memory": {
    title: "The device ran out of memory",
    reason: "Resume continues from the last checkpoint; a smaller batch or CPU mode needs less memory.",
    remedy: RESUME,
  },
  "no-webgpu": {
    title: "No usable GPU",
    reason: "This browser offers no WebGPU, or only a software one. Adapters train well in CPU mode.",
    remedy: CPU,
  },
  hung: { title: "The device stopped answering", reason: "A step made no progress.", remedy: RESUME },
  "not-finite": {
    title: "The loss left the numbers",
    reason: "A value became infinite or undefined, mostly because the learning rate is too high.",
    remedy: { kind: "slower", label: "Set up again with half the learning rate" },
  },
  "storage-full": {
    title: "The browser's storage is full",
    reason: "The last good checkpoint is safe. Free space, then resume.",
    remedy: STORAGE,
  },
  "storage-broken": {
    title: "Storage does not answer",
    reason: "The browser refused to read or write.",
    remedy: RELOAD,
  },
  "storage-blocked": {
    title: "Another tab holds the storage",
    reason: "A tab with another version of Retune is open. Close it, then reload.",
    remedy: RELOAD,
  },
  corrupt: {
    title: "Stored data does not match its checksum",
    reason: "It was left untouched and is not used.",
  },
  "owned-elsewhere": {
    title: "Another tab trains this run",
    reason: "It can be watched here and controlled there, so that two tabs never write the same run.",
  },
  "model-missing": {
    title: "A model is not here",
    reason: "What needs it waits until it is: stored results stay.",
    remedy: { kind: "model-folder", label: "Choose a model folder" },
  },
  network: { title: "The connection failed", reason: "What was received so far is kept." },
  "too-little-data": {
    title: "Too few questions",
    reason: "A result from so few questions would be chance.",
    remedy: { kind: "more-questions", label: "Get more questions" },
  },
  defect: {
    title: "Something in Retune broke",
    reason: "This is a defect. The diagnostics help to find it.",
    remedy: RELOAD,
  },
  E_UTF8: {
    title: "The file is not UTF-8 text",
    reason: "Save it as UTF-8 and add it again.",
    remedy: SOURCES,
  },
  E_BINARY: {
    title: "The file is binary",
    reason: "Retune reads PDF, Word, text, Markdown, HTML, source code, tables and datasets.",
    remedy: SOURCES,
  },
  E_EMPTY: { title: "The file is empty", reason: "", remedy: SOURCES },
  E_TOO_LARGE: { title: "The file is too large", reason: "Split it and add the parts.", remedy: SOURCES },
  E_JSON: { title: "The JSON is broken", reason: "", remedy: SOURCES },
  E_FIELD: { title: "A field is missing or has the wrong kind", reason: "", remedy: SOURCES },
  E_REFERENCE: { title: "A question points to a passage that is not there", reason: "", remedy: SOURCES },
  E_DUPLICATE: { title: "An id occurs twice", reason: "", remedy: SOURCES },
  E_TEMPLATE: { title: "The model cannot read this conversation", reason: "", remedy: SOURCES },
  E_ZIP: { title: "The zip cannot be read", reason: "" },
  E_PDF: { title: "The PDF is broken", reason: "Save or download it again.", remedy: SOURCES },
  E_PDF_PASSWORD: {
    title: "The PDF is locked by a password",
    reason: "Save it without one and add it again.",
    remedy: SOURCES,
  },
  E_PDF_NO_TEXT: {
    title: "The PDF is a scan",
    reason: "Its pages are pictures.",
    remedy: SOURCES,
  },
  E_DOCX: { title: "The Word document cannot be read", reason: "Save it anew.", remedy: SOURCES },
  E_PARQUET: { title: "The Parquet file cannot be read", reason: "Write it again.", remedy: SOURCES },
  E_CSV_QUOTE: { title: "A quote in the table never closes", reason: "", remedy: SOURCES },
  E_CSV_COLUMNS: { title: "The table's rows and header do not fit", reason: "", remedy: SOURCES },
  E_DEPTH: { title: "The file is nested too deep", reason: "", remedy: SOURCES },
  E_PICKLE: {
    title: "The pickle holds more than tensors",
    reason: "It was refused without running anything in it.",
  },
  E_MISMATCH: { title: "Right format, wrong model", reason: "" },
  E_UNKNOWN_FORMAT: {
    title: "The format is not known",
    reason: "Retune looked at the content, not at the name.",
  },
  E_CHECKSUM: { title: "The checksum does not match", reason: "The file changed after it was written." },
  unsupported: { title: "Not in this build", reason: "" },
};

/** The name, reason and remedy of an error code (ux.md B.3 and the catalogue of bad input). */
export function failureText(code: Failure["code"]): FailureText {
  return TEXTS[code] ?? { title: "That did not work", reason: "" };
}
