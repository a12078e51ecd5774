import type { ChatFormat } from "../../../src/domain/chat/chat-format.ts";
import type { TensorData, Weights } from "../../../src/domain/matrix.ts";
import type { LoraAdapter } from "../../../src/domain/models/encoder-model.ts";
import { llamaConfigOf, type LlamaConfig } from "../../../src/domain/models/llama/config.ts";
import { ALL_DECODER_LINEAR, initialDecoderLora } from "../../../src/domain/models/llama/lora.ts";
import { llamaShapes } from "../../../src/domain/models/llama/names.ts";
import { elementCount } from "../../../src/engine/graph.ts";
import { randomValues } from "../../engine/fixtures.ts";
import { filesOf, formatOf, type Name } from "../chat/chat-fixtures.ts";

export const SHAPES = {
  llama: {
    model_type: "llama",
    rope_parameters: {
      ...{ rope_type: "llama3", rope_theta: 500, factor: 8 },
      ...{ low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 32 },
    },
  },
  qwen2: { model_type: "qwen2", tie_word_embeddings: true, rope_theta: 1e6 },
  qwen3: { model_type: "qwen3", head_dim: 12, tie_word_embeddings: true, rope_theta: 1e6 },
} as const;

export type Shape = keyof typeof SHAPES;

/** A decoder of random weights over a tokenizer of tests/fixtures/chat. */
export interface RandomDecoder {
  readonly name: string;
  readonly config: LlamaConfig;
  readonly format: ChatFormat;
  readonly weights: Weights;
}

export function randomDecoder(shape: Shape, tokenizer: Name = "chatml", seed = 0): RandomDecoder {
  const format = formatOf(tokenizer);
  const config = llamaConfigOf({
    ...{
      vocab_size: vocabularyOf(tokenizer) + 3,
      hidden_size: 32,
      intermediate_size: 48,
      num_hidden_layers: 2,
    },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, max_position_embeddings: 192, rms_norm_eps: 1e-5 },
    ...SHAPES[shape],
  });
  const weights = new Map<string, TensorData>();
  for (const [name, size] of llamaShapes(config)) {
    const values = randomValues(elementCount(size), weights.size + 1 + 100 * seed);
    weights.set(name, {
      shape: size,
      values: size.length === 1 ? values.map((x) => 1 + x / 2) : values.map((x) => x / 2),
    });
  }
  return { name: shape, config, format, weights };
}

/** One more than the largest id in use. */
function vocabularyOf(name: Name): number {
  const { model, added_tokens } = JSON.parse(filesOf(name).tokenizerJson) as {
    readonly model: { readonly vocab: Readonly<Record<string, number>> };
    readonly added_tokens: readonly { readonly id: number }[];
  };
  return 1 + Math.max(...Object.values(model.vocab), ...added_tokens.map(({ id }) => id));
}

/** An adapter of all linear layers that changes what the model says. */
export function randomAdapter(config: LlamaConfig, seed: number): LoraAdapter {
  const adapter = initialDecoderLora(
    config,
    { rank: 2, alpha: 6, rsLora: true, targets: ALL_DECODER_LINEAR },
    seed,
  );
  const weights = [...adapter.weights].map(([name, { shape, values }], index) => {
    const filled = randomValues(values.length, 900 + index + 100 * seed).map((x) => x / 4);
    return [name, { shape, values: filled }] as const;
  });
  return { ...adapter, weights: new Map(weights) };
}
