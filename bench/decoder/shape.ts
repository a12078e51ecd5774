import type { DecoderFolder } from "../../src/domain/models/weights/llama-weights.ts";
import { llamaConfigOf } from "../../src/domain/models/llama/config.ts";
import { llamaShapes } from "../../src/domain/models/llama/names.ts";
import { elementCount } from "../../src/engine/graph.ts";

/** SmolLM2-135M's config.json, as far as it says what is computed. */
export const SMOL_CONFIG = {
  ...{ model_type: "llama", architectures: ["LlamaForCausalLM"], vocab_size: 49152, hidden_size: 576 },
  ...{ intermediate_size: 1536, num_hidden_layers: 30, num_attention_heads: 9, num_key_value_heads: 3 },
  ...{ max_position_embeddings: 8192, rms_norm_eps: 1e-5, rope_theta: 100000, tie_word_embeddings: true },
  ...{ hidden_act: "silu", attention_bias: false, mlp_bias: false, bos_token_id: 1, eos_token_id: 2 },
};

export const SMOL = llamaConfigOf(SMOL_CONFIG);

export const PARAMETERS = [...llamaShapes(SMOL).values()].reduce(
  (sum, shape) => sum + elementCount(shape),
  0,
);

/** A decoder of that shape with random weights, made as they are asked for. */
export function randomDecoder(): DecoderFolder {
  const shapes = llamaShapes(SMOL);
  const rows = (name: string, first: number, end: number): Float32Array => {
    const shape = shapes.get(name)!;
    const columns = shape.at(-1)!;
    const values = new Float32Array((end - first) * columns);
    return shape.length === 1 ? values.fill(1) : noise(values, first * columns + name.length);
  };
  return {
    config: SMOL,
    names: [...shapes.keys()],
    tensor: (name) => {
      const shape = shapes.get(name)!;
      return Promise.resolve({ shape, values: rows(name, 0, elementCount(shape) / shape.at(-1)!) });
    },
    rows: (name, first, end) => Promise.resolve(rows(name, first, end)),
  };
}

/** Uniform with a standard deviation of 0.02, as decoders start from. */
function noise(values: Float32Array, seed: number): Float32Array {
  let state = seed | 1;
  for (let index = 0; index < values.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[index] = (state / 2 ** 31) * 0.0346;
  }
  return values;
}
