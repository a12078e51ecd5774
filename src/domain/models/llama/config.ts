import { RetuneError } from "../../../engine/errors.ts";
import { ropeOf, type RopeSettings } from "./rope.ts";

/** The sizes of a Llama-type decoder, as config.json states them. */
export interface LlamaConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number; // D
  readonly layers: number;
  readonly heads: number;
  readonly keyHeads: number; // heads of keys and values, a divisor of heads
  readonly headSize: number; // Dh, even; heads · Dh need not be D
  readonly intermediateSize: number;
  readonly maxPositions: number; // no sequence may be longer
  readonly epsilon: number; // of every norm
  readonly rope: RopeSettings;
  readonly projectionBias: boolean; // q, k and v have a bias (Qwen2, attention_bias)
  readonly outputBias: boolean; // so has o (attention_bias of Llama and Qwen3)
  readonly feedForwardBias: boolean; // so have gate, up and down (mlp_bias)
  readonly headNorms: boolean; // each head of q and k is normalised before it is turned (Qwen3)
  readonly tiedEmbeddings: boolean; // the embedding table is the head as well
  readonly raw: Readonly<Record<string, unknown>>; // config.json as it was read: what an export writes again
}

type Raw = Readonly<Record<string, unknown>>;

const TYPES = ["llama", "qwen2", "qwen3"] as const;
const SUPPORTED =
  'decoders of model_type "llama" (SmolLM2, TinyLlama, Llama 3), "qwen2" (Qwen2.5) and "qwen3" are supported';

/**
 * A parsed config.json as LlamaConfig, with transformers' defaults where the file is silent; rope settings of transformers 5
 * (rope_parameters) and before (rope_theta, rope_scaling). Throws "unsupported" for another architecture or an option that
 * changes the computation, E_FIELD for a size that is missing, no whole number, or does not divide.
 */
export function llamaConfigOf(raw: Raw, file = "config.json"): LlamaConfig {
  const type = typeOf(raw, file);
  checkOptions(raw, file);
  const size = (key: string, silent?: number): number => sizeOf(raw, key, silent, file);
  const [hiddenSize, heads] = [size("hidden_size"), size("num_attention_heads")];
  const headSize = size("head_dim", type === "qwen3" ? 128 : hiddenSize / heads);
  const attentionBias = raw["attention_bias"] === true;
  const config: LlamaConfig = {
    ...{ vocabSize: size("vocab_size"), hiddenSize, layers: size("num_hidden_layers"), heads, headSize },
    keyHeads: size("num_key_value_heads", heads),
    intermediateSize: size("intermediate_size"),
    maxPositions: size("max_position_embeddings", type === "llama" ? 2048 : 32768),
    epsilon: epsilonOf(raw, file),
    rope: ropeOf(raw, file),
    projectionBias: type === "qwen2" || attentionBias,
    outputBias: type !== "qwen2" && attentionBias,
    feedForwardBias: type === "llama" && raw["mlp_bias"] === true,
    headNorms: type === "qwen3",
    tiedEmbeddings: raw["tie_word_embeddings"] === true,
    raw,
  };
  checkDivisors(config, file);
  return config;
}

function checkDivisors({ heads, keyHeads, headSize }: LlamaConfig, file: string): void {
  const refuse = (text: string): RetuneError => new RetuneError("E_FIELD", `${file}: ${text}`, { file });
  if (heads % keyHeads !== 0) {
    throw refuse(`num_attention_heads ${heads} is no multiple of num_key_value_heads ${keyHeads}`);
  }
  if (headSize % 2 !== 0) throw refuse(`head_dim ${headSize} is odd; rotary positions turn pairs`);
}

function typeOf(raw: Raw, file: string): (typeof TYPES)[number] {
  const type = TYPES.find((known) => known === raw["model_type"]);
  if (type) return type;
  const text = `model_type is ${JSON.stringify(raw["model_type"])}; ${SUPPORTED}`;
  throw new RetuneError("unsupported", `${file}: ${text}`, { file });
}

function checkOptions(raw: Raw, file: string): void {
  const refuse = (what: string): RetuneError =>
    new RetuneError("unsupported", `${file}: ${what}; ${SUPPORTED}`, { file });
  const activation = raw["hidden_act"] ?? "silu";
  if (activation !== "silu") throw refuse(`hidden_act is ${JSON.stringify(activation)}, not "silu"`);
  if (raw["use_sliding_window"] === true) throw refuse("use_sliding_window is true");
  if (raw["partial_rotary_factor"] !== undefined && raw["partial_rotary_factor"] !== 1) {
    throw refuse("only a part of each head is turned");
  }
}

function sizeOf(raw: Raw, key: string, silent: number | undefined, file: string): number {
  const value = raw[key] ?? silent;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 10_000_000) return value;
  const got =
    value === undefined ? "is missing" : `is ${JSON.stringify(value)}, expected a whole number from 1`;
  throw new RetuneError("E_FIELD", `${file}: ${key} ${got}`, { file });
}

function epsilonOf(raw: Raw, file: string): number {
  const value = raw["rms_norm_eps"] ?? 1e-6;
  if (typeof value === "number" && value > 0 && value < 1) return value;
  throw new RetuneError("E_FIELD", `${file}: rms_norm_eps is ${JSON.stringify(value)}`, { file });
}
