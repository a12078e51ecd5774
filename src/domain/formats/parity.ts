// retune_parity.json and verify.py: 32 fixed texts with the outputs that this build computed, and ten lines of Python that
// compute them again with the library the folder is meant for. A person who doubts an export runs one command.
import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import { rowOf, type Matrix } from "../matrix.ts";
import { utf8 } from "./folder-reader.ts";
import { JsonFields } from "./json-fields.ts";
import { PARITY_PAIRS, PARITY_TEXTS } from "./parity-texts.ts";
import { VERIFY_SCRIPTS, type ExportLayout } from "./verify-scripts.ts";

export const PARITY_FILE = "retune_parity.json";
export const VERIFY_FILE = "verify.py";

export type { ExportLayout };

/** What was computed here of PARITY_TEXTS or PARITY_PAIRS. Vectors are compared at length 1. */
export type ParityOutputs =
  | {
      readonly kind: "vectors";
      readonly vectors: Matrix; // [32, D] of the texts without any instruction
      readonly queryVectors?: Matrix; // [32, D] of instruction + text, through the query adapter
      readonly pooling: "cls" | "mean";
      readonly maxTokens: number;
    }
  | {
      readonly kind: "logits";
      readonly logits: ArrayLike<number>; // [32] of the pairs
      readonly maxTokens: number;
    };

/** Both files. Tolerance: the largest difference of a number; fp16 and int8 graphs are judged by their cosine. */
export function writeParity(outputs: ParityOutputs, layout: ExportLayout): ReadonlyMap<string, Uint8Array> {
  const common = { format: "retune-parity", version: 1, tolerance: 1e-4, max_tokens: outputs.maxTokens };
  const content =
    outputs.kind === "vectors"
      ? {
          ...common,
          pooling: outputs.pooling,
          texts: PARITY_TEXTS,
          vectors: unitRows(outputs.vectors),
          ...(outputs.queryVectors ? { query_vectors: unitRows(outputs.queryVectors) } : {}),
        }
      : { ...common, pairs: PARITY_PAIRS, logits: Array.from(outputs.logits) };
  return new Map([
    [PARITY_FILE, compactJson(content)],
    [VERIFY_FILE, utf8(VERIFY_SCRIPTS[layout])],
  ]);
}

/** One line a text and a vector: neither one long line nor a line a number. */
function compactJson(content: Readonly<Record<string, unknown>>): Uint8Array {
  const members = Object.entries(content).map(([key, value]) => {
    if (!Array.isArray(value)) return `"${key}": ${JSON.stringify(value)}`;
    return `"${key}": [\n${value.map((item) => `  ${JSON.stringify(item)}`).join(",\n")}\n]`;
  });
  return utf8(`{\n${members.join(",\n")}\n}\n`);
}

function unitRows(matrix: Matrix): readonly (readonly number[])[] {
  if (matrix.rows !== PARITY_TEXTS.length) {
    const text = `${matrix.rows} vectors for the ${PARITY_TEXTS.length} texts of the parity file`;
    throw new RetuneError("shape", text);
  }
  return PARITY_TEXTS.map((_, row) => {
    const values = Array.from(rowOf(matrix, row));
    const length = Math.hypot(...values) || 1;
    return values.map((value) => Math.fround(value / length));
  });
}

export interface ReadParity {
  readonly tolerance: number;
  readonly texts: readonly string[]; // or
  readonly pairs: readonly (readonly string[])[];
  readonly outputs: readonly (readonly number[])[]; // a vector a text, or one logit a pair
}

/** A parity file of ours. E_FIELD where it holds something else; E_VERSION where a newer Retune wrote it. */
export function readParity(text: string, file?: string): ReadParity {
  const fields = JsonFields.parse(text, file);
  if (fields.text("format") !== "retune-parity") throw fields.error("format", "this is no parity file");
  if (fields.number("version") > 1) {
    throw fields.error("version", "written by a newer Retune; update Retune", "E_VERSION");
  }
  const plain = fields.plain();
  const texts = fields.has("texts") ? fields.texts("texts") : [];
  const pairs = fields.has("pairs") ? (plain["pairs"] as unknown[]) : [];
  const outputs = rowsOf(plain["vectors"] ?? plain["logits"]);
  const wellFormed = Array.isArray(pairs) && pairs.every(isPair);
  if (!wellFormed || !outputs || outputs.length !== texts.length + pairs.length) {
    const message = `${opening(file)}texts or pairs and their outputs do not belong together; export again`;
    throw new RetuneError("E_FIELD", message, placeIn(file));
  }
  return { tolerance: fields.number("tolerance"), texts, pairs, outputs };
}

function isPair(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length === 2 && value.every((item) => typeof item === "string");
}

function rowsOf(value: unknown): readonly (readonly number[])[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const rows = value.map((row: unknown) => (Array.isArray(row) ? (row as unknown[]) : [row]));
  const numbers = rows.every((row) => row.every((item) => typeof item === "number"));
  return numbers ? rows : undefined;
}
