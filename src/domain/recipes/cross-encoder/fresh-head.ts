import { CLASSIFIER, POOLER } from "../../models/bert/names.ts";
import type { CrossEncoderModel, EncoderModel } from "../../models/encoder-model.ts";
import type { TensorData } from "../../matrix.ts";
import { CounterRandom } from "../../random.ts";

const SPREAD = 0.02; // transformers' initializer_range, where config.json is silent

export function isCrossEncoder(model: EncoderModel | CrossEncoderModel): model is CrossEncoderModel {
  return "activation" in model;
}

/**
 * A bi-encoder with a one-logit head, as BertForSequenceClassification starts: weights normal with the config's
 * initializer_range, biases 0, drawn from the seed. A pooler that the file holds is kept. Logits start near 0.
 */
export function withFreshHead(model: EncoderModel | CrossEncoderModel, seed: number): CrossEncoderModel {
  if (isCrossEncoder(model)) return model;
  const { name, config, tokenizer, maxTokens } = model;
  const { hiddenSize } = config;
  const range = config.raw["initializer_range"];
  const spread = typeof range === "number" && range > 0 ? range : SPREAD;
  const random = CounterRandom.stream(seed, 31);
  const weights = new Map<string, TensorData>(model.weights);
  for (const [layer, outputs] of [
    [POOLER, hiddenSize],
    [CLASSIFIER, 1],
  ] as const) {
    if (weights.has(`${layer}.weight`) && layer === POOLER) continue;
    weights.set(`${layer}.weight`, {
      shape: [outputs, hiddenSize],
      values: normals(outputs * hiddenSize, spread, random),
    });
    weights.set(`${layer}.bias`, { shape: [outputs], values: new Float32Array(outputs) });
  }
  return { name, config, weights, tokenizer, maxTokens, activation: "sigmoid" };
}

/** Box–Muller: one cosine a draw. */
function normals(count: number, spread: number, random: CounterRandom): Float32Array {
  return Float32Array.from(
    { length: count },
    () => spread * Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform()),
  );
}
