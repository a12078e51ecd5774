import { sha256 } from "../../domain/data/hash.ts";
import type { Pooling } from "./encoder-settings.ts";

export type Precision = "fp32" | "int8";

export const MODEL_FILE: Readonly<Record<Precision, string>> = {
  fp32: "onnx/model.onnx",
  int8: "onnx/model_quantized.onnx",
};

export interface HashedParts {
  readonly model: string; // SHA-256 of the file
  readonly tokenizer: string;
  readonly pooling: Pooling;
  readonly precision: Precision;
  readonly maxTokens: number;
}

/** Texts embedded under equal hashes give equal vectors; known for a pinned model without loading it. */
export function encoderHash(parts: HashedParts): Promise<string> {
  const { model, tokenizer, pooling, precision, maxTokens } = parts;
  return sha256(JSON.stringify(["onnx-1", model, tokenizer, pooling, precision, maxTokens]));
}
