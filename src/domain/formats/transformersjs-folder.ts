// What transformers.js loads: config.json, the tokenizer's files and onnx/model*.onnx by precision. It cuts texts at
// model_max_length of tokenizer_config.json.
import type { CrossEncoderModel, EncoderModel } from "../models/encoder-model.ts";
import { jsonFile } from "./folder-reader.ts";
import type { OnnxPrecision } from "./onnx/precision.ts";
import { writeCrossEncoderOnnx, writeEncoderOnnx } from "./onnx/write-onnx.ts";
import { writePooling, writeSettings } from "./sentence-transformers-config.ts";
import { writeTokenizerFiles } from "./tokenizer-files.ts";
import { writtenConfig } from "./transformer-files.ts";

/** The file of a precision: transformers.js' dtype "fp32", "fp16" and "q8". */
export const ONNX_FILES: Readonly<Record<OnnxPrecision, string>> = {
  fp32: "onnx/model.onnx",
  fp16: "onnx/model_fp16.onnx",
  int8: "onnx/model_quantized.onnx",
};

export interface TransformersJsOptions {
  readonly precisions: readonly OnnxPrecision[];
  readonly base?: Uint8Array; // the base's own fp32 model.onnx, whose graph is kept
  readonly sentenceVector?: boolean; // of an encoder: pooling and normalisation in the graph
}

/** The folder without its README; an encoder's has its pooling beside it, for people and for our own import. */
export function writeTransformersJsFolder(
  model: EncoderModel | CrossEncoderModel,
  { precisions, base, sentenceVector }: TransformersJsOptions,
): Map<string, Uint8Array> {
  const encoder = "pooling" in model;
  const architecture = encoder ? "BertModel" : "BertForSequenceClassification";
  const labels = encoder ? {} : { id2label: { "0": "LABEL_0" }, label2id: { LABEL_0: 0 } };
  const files = new Map([
    ["config.json", jsonFile(writtenConfig(model.config, architecture, labels))],
    ...writeTokenizerFiles(model.tokenizer, model.maxTokens),
  ]);
  if (encoder) {
    for (const [path, bytes] of writeSettings(model)) files.set(path, bytes);
    files.set("1_Pooling/config.json", writePooling(model.pooling, model.config.hiddenSize));
  }
  for (const precision of precisions) {
    const options = { precision, ...(base ? { base } : {}) };
    const bytes = encoder
      ? writeEncoderOnnx(model, { ...options, sentenceVector: sentenceVector ?? false })
      : writeCrossEncoderOnnx(model, options);
    files.set(ONNX_FILES[precision], bytes);
  }
  return files;
}
