/**
 * What can go wrong, as codes that cross threads and processes. A message says what happened, where (file, line,
 * byte, step), the numbers involved, and the next move.
 */
export type ErrorCode =
  | "shape" // tensors that do not fit an operation
  | "unsupported" // a request outside what this build can do
  | "device-lost"
  | "out-of-memory"
  | "no-webgpu"
  | "hung" // no progress within the watchdog's time
  | "not-finite"
  | "cancelled"
  | "storage-full"
  | "storage-broken"
  | "storage-blocked" // another tab holds an older or newer schema
  | "corrupt" // a checksum or a manifest disagrees
  | "owned-elsewhere" // another tab owns this run
  | "model-missing"
  | "network"
  | "too-little-data"
  | "usage" // the command line or a job file is off
  | ImportErrorCode;

/** Codes of the bad-input catalogue: every importer answers with one of these and a place. */
export type ImportErrorCode =
  | "E_UTF8"
  | "E_BINARY"
  | "E_EMPTY"
  | "E_TOO_LARGE"
  | "E_JSON"
  | "E_NUMBER"
  | "E_DEPTH"
  | "E_FIELD"
  | "E_REFERENCE"
  | "E_DUPLICATE"
  | "E_CSV_QUOTE"
  | "E_CSV_COLUMNS"
  | "E_ZIP"
  | "E_PDF"
  | "E_PDF_PASSWORD"
  | "E_PDF_NO_TEXT" // pages without a text layer: scans
  | "E_DOCX"
  | "E_PARQUET"
  | "E_PICKLE"
  | "E_SAFETENSORS"
  | "E_NPY"
  | "E_ONNX"
  | "E_TOKENIZER"
  | "E_TEMPLATE" // a chat template that is missing, broken, refuses a conversation or takes turns apart
  | "E_VERSION"
  | "E_CHECKSUM"
  | "E_MISMATCH" // right format, wrong model or dimension
  | "E_UNKNOWN_FORMAT";

export interface ErrorPlace {
  readonly file?: string;
  readonly line?: number; // from 1
  readonly column?: number; // from 1
  readonly byte?: number; // from 0
}

/** The one error class of the program; everything else that is thrown is a defect. */
export class RetuneError extends Error {
  readonly code: ErrorCode;
  readonly place: ErrorPlace;

  constructor(code: ErrorCode, message: string, place: ErrorPlace = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = "RetuneError";
    this.code = code;
    this.place = place;
  }
}

/** What of an error crosses a worker or process boundary: the class is lost there, the code is not. */
export interface WireError {
  readonly code: ErrorCode | "defect";
  readonly message: string;
  readonly place: ErrorPlace;
  readonly stack?: string;
}

export function toWire(error: unknown): WireError {
  if (error instanceof RetuneError) return { code: error.code, message: error.message, place: error.place };
  if (error instanceof Error) {
    return {
      code: "defect",
      message: error.message,
      place: {},
      ...(error.stack ? { stack: error.stack } : {}),
    };
  }
  return { code: "defect", message: String(error), place: {} };
}

export function fromWire(wire: WireError): Error {
  if (wire.code === "defect") return new Error(wire.message);
  return new RetuneError(wire.code, wire.message, wire.place);
}
