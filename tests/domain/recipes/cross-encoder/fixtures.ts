import { readFileSync } from "node:fs";
import type { RerankDataset, RerankQuery } from "../../../../src/domain/data/rerank-dataset.ts";
import type { TensorData } from "../../../../src/domain/matrix.ts";
import { bertConfigOf } from "../../../../src/domain/models/bert/config.ts";
import { encoderShapes } from "../../../../src/domain/models/bert/names.ts";
import type { EncoderModel } from "../../../../src/domain/models/encoder-model.ts";
import { CounterRandom } from "../../../../src/domain/random.ts";

const WORDS = "leave holiday expense refund robot gripper fine tuning revenue quarter torque shift".split(
  " ",
);

/** A BERT of one narrow layer with the tiny tokenizer and random weights: enough to learn which word belongs to which. */
export function tinyEncoder(seed = 1): EncoderModel {
  const folder = new URL("../../../fixtures/formats/tiny-bert/", import.meta.url);
  const text = (name: string): string => readFileSync(new URL(name, folder), "utf8");
  const raw = JSON.parse(text("config.json")) as Record<string, unknown>;
  const config = bertConfigOf({
    ...raw,
    hidden_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 32,
    max_position_embeddings: 48,
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
  });
  const random = new CounterRandom(seed);
  const weights = new Map<string, TensorData>();
  for (const [name, shape] of encoderShapes(config)) {
    const size = shape.reduce((product, side) => product * side, 1);
    const values = Float32Array.from({ length: size }, () => 0.6 * (random.uniform() - 0.5));
    if (name.endsWith("LayerNorm.weight")) values.fill(1);
    if (name.endsWith("bias")) values.fill(0);
    weights.set(name, { shape, values });
  }
  return {
    name: "tiny",
    config,
    weights,
    tokenizer: { tokenizerJson: text("tokenizer.json"), tokenizerConfigJson: text("tokenizer_config.json") },
    pooling: "cls",
    normalize: true,
    maxTokens: 32,
    prompts: { query: "", document: "" },
  };
}

/** Questions whose right text is about the same word; `count` questions over 12 words, one group a word. */
export function wordPairs(count: number): RerankDataset {
  const queries = Array.from({ length: count }, (_, index): RerankQuery => {
    const own = index % WORDS.length;
    const others = [3, 5, 7].map((step) => WORDS[(own + step) % WORDS.length]!);
    return {
      id: `q${index}`,
      text: WORDS[own]!,
      group: `g${index % 6}`,
      candidates: [
        { text: WORDS[own]!, score: 1, kind: "positive" },
        ...others.map((text) => ({ text, score: 0, kind: "mined" as const })),
      ],
    };
  });
  return { queries, scores: "labels" };
}
