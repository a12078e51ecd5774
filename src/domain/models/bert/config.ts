import { RetuneError } from "../../../engine/errors.ts";

/** The sizes of a BERT-type encoder, as config.json states them. */
export interface BertConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number; // D
  readonly layers: number;
  readonly heads: number; // D is a multiple of it
  readonly intermediateSize: number;
  readonly maxPositions: number; // no sequence may be longer
  readonly typeVocabSize: number;
  readonly layerNormEpsilon: number;
  readonly activation: "gelu" | "relu"; // gelu is the exact one (erf)
  readonly hiddenDropout: number; // after the embeddings and both halves of a layer, in training
  readonly attentionDropout: number; // of attention's weights, in training
  readonly classifierDropout: number; // before the classifier of a cross-encoder, in training
  readonly raw: Readonly<Record<string, unknown>>; // config.json as it was read: what an export writes again
}

/** Model types that are no BERT, and what a person can do about it. */
const OTHER_TYPES =
  'BERT encoders are supported (model_type "bert": bge, e5, gte, MiniLM, Arctic xs–m-v1, cross-encoders made of BERT)';

/**
 * A parsed config.json as BertConfig, with transformers' defaults where the file is silent. Throws "unsupported" for
 * another architecture or an option that changes the computation, E_FIELD for a size that is missing or no whole number.
 */
export function bertConfigOf(raw: Readonly<Record<string, unknown>>, file = "config.json"): BertConfig {
  checkArchitecture(raw, file);
  const size = (key: string, silent?: number): number => sizeOf(raw, key, silent, file);
  const hiddenDropout = rateOf(raw, "hidden_dropout_prob", 0.1, file);
  const config: BertConfig = {
    vocabSize: size("vocab_size"),
    hiddenSize: size("hidden_size"),
    layers: size("num_hidden_layers"),
    heads: size("num_attention_heads"),
    intermediateSize: size("intermediate_size"),
    maxPositions: size("max_position_embeddings", 512),
    typeVocabSize: size("type_vocab_size", 2),
    layerNormEpsilon: epsilonOf(raw, file),
    activation: activationOf(raw, file),
    hiddenDropout,
    attentionDropout: rateOf(raw, "attention_probs_dropout_prob", 0.1, file),
    classifierDropout: rateOf(raw, "classifier_dropout", hiddenDropout, file),
    raw,
  };
  if (config.hiddenSize % config.heads !== 0) {
    const text = `hidden_size ${config.hiddenSize} is no multiple of num_attention_heads ${config.heads}`;
    throw new RetuneError("E_FIELD", `${file}: ${text}`, { file });
  }
  return config;
}

function checkArchitecture(raw: Readonly<Record<string, unknown>>, file: string): void {
  const refuse = (what: string): RetuneError =>
    new RetuneError("unsupported", `${file}: ${what}; ${OTHER_TYPES}`, { file });
  const type = raw["model_type"];
  if (typeof type === "string" && type !== "bert") throw refuse(`model_type is "${type}"`);
  if (type === undefined) {
    const [architecture] = Array.isArray(raw["architectures"]) ? (raw["architectures"] as unknown[]) : [];
    if (typeof architecture !== "string" || !architecture.startsWith("Bert")) {
      throw refuse(`neither model_type nor architectures names a BERT`);
    }
  }
  const positions = raw["position_embedding_type"];
  if (positions !== undefined && positions !== "absolute") {
    throw refuse(`position_embedding_type is ${JSON.stringify(positions)}, not "absolute"`);
  }
  if (raw["is_decoder"] === true || raw["add_cross_attention"] === true) throw refuse("it is a decoder");
  const factor = raw["embedding_size"];
  if (factor !== undefined && factor !== raw["hidden_size"]) throw refuse("its embeddings are factorised");
}

function sizeOf(
  raw: Readonly<Record<string, unknown>>,
  key: string,
  silent: number | undefined,
  file: string,
): number {
  const value = raw[key] ?? silent;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 10_000_000) return value;
  const got =
    value === undefined ? "is missing" : `is ${JSON.stringify(value)}, expected a whole number from 1`;
  throw new RetuneError("E_FIELD", `${file}: ${key} ${got}`, { file });
}

function rateOf(raw: Readonly<Record<string, unknown>>, key: string, silent: number, file: string): number {
  const value = raw[key] ?? silent;
  if (typeof value === "number" && value >= 0 && value < 1) return value;
  throw new RetuneError("E_FIELD", `${file}: ${key} is ${JSON.stringify(value)}, expected 0 ≤ rate < 1`, {
    file,
  });
}

function epsilonOf(raw: Readonly<Record<string, unknown>>, file: string): number {
  const value = raw["layer_norm_eps"] ?? 1e-12;
  if (typeof value === "number" && value > 0 && value < 1) return value;
  throw new RetuneError("E_FIELD", `${file}: layer_norm_eps is ${JSON.stringify(value)}`, { file });
}

function activationOf(raw: Readonly<Record<string, unknown>>, file: string): BertConfig["activation"] {
  const value = raw["hidden_act"] ?? "gelu";
  if (value === "gelu" || value === "relu") return value;
  const text = `hidden_act is ${JSON.stringify(value)}; gelu (the exact one) and relu are supported`;
  throw new RetuneError("unsupported", `${file}: ${text}`, { file });
}
