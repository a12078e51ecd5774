import { crossEncoderShapes, encoderShapes } from "../../models/bert/names.ts";
import type { CrossEncoderModel, EncoderModel } from "../../models/encoder-model.ts";
import { tunedOnnx } from "./base-onnx.ts";
import { bertOnnx } from "./bert-onnx.ts";
import { writeOnnxDraft, type OnnxDraft } from "./onnx-draft.ts";
import { withPrecision, type OnnxPrecision } from "./precision.ts";
import { withSentenceVector } from "./sentence-vector.ts";

export interface OnnxOptions {
  readonly precision: OnnxPrecision;
  /** The base's own model.onnx (fp32): its graph is kept and gets the tuned weights. Absent: a graph of our own. */
  readonly base?: Uint8Array;
  /** Whether pooling and normalisation are part of the graph, as the output "sentence_embedding" [B, D]. */
  readonly sentenceVector?: boolean;
}

/** An encoder as one ONNX file. Errors: those of `tunedOnnx` for the base. */
export function writeEncoderOnnx(model: EncoderModel, options: OnnxOptions): Uint8Array {
  const { base, precision, sentenceVector } = options;
  const names = encoderShapes(model.config).keys();
  const draft = base ? tunedOnnx(base, model.weights, names) : bertOnnx(model.config, model.weights, false);
  return finished(
    sentenceVector
      ? withSentenceVector(draft, model.pooling, model.normalize, model.config.hiddenSize)
      : draft,
    precision,
  );
}

/** A cross-encoder as one ONNX file: logits [B, 1]; the score's sigmoid is the reader's. */
export function writeCrossEncoderOnnx(model: CrossEncoderModel, options: OnnxOptions): Uint8Array {
  const { base, precision } = options;
  const names = crossEncoderShapes(model.config).keys();
  const draft = base ? tunedOnnx(base, model.weights, names) : bertOnnx(model.config, model.weights, true);
  return finished(draft, precision);
}

function finished(draft: OnnxDraft, precision: OnnxPrecision): Uint8Array {
  return writeOnnxDraft(withPrecision(draft, precision));
}
