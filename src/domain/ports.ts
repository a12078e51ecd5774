import type { Matrix } from "./matrix.ts";

/** Progress of a long operation; `total` is an estimate until the last event. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly label?: string;
}

export interface RunControl {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** What identifies an encoder's vectors: texts embedded under equal identities give equal vectors. */
export interface EncoderIdentity {
  readonly name: string; // "bge-small-en-v1.5", a folder name, an endpoint's model
  readonly hash: string; // SHA-256 over weights, tokenizer, pooling, precision
  readonly dimension: number;
  readonly maxTokens: number; // texts are cut there
  readonly precision: "fp32" | "int8" | "unknown";
  readonly queryInstruction: string; // the model's own recommendation, "" if none; trailing space counts
}

/** Turns texts into L2-normalised vectors. `encode` adds no instruction: the caller prefixes the texts. */
export interface Encoder {
  readonly identity: EncoderIdentity;
  /** texts [n] → [n, dimension], in the order given. Rejects with code "cancelled" when the signal fires. */
  encode(texts: readonly string[], control?: RunControl): Promise<Matrix>;
  close(): Promise<void>;
}

/** Writes questions for a passage; how (rules, endpoint, local model) is its own affair. */
export interface Generator {
  readonly name: string;
  readonly kind: "rule" | "teacher";
  generate(
    passage: { readonly id: string; readonly text: string; readonly heading?: string },
    count: number,
    signal?: AbortSignal,
  ): Promise<readonly GeneratedQuestion[]>;
}

export interface GeneratedQuestion {
  readonly text: string;
  readonly rule?: string;
  readonly sentence?: string; // the source sentence
}
