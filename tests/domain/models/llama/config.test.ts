import { expect, test } from "vitest";
import { llamaConfigOf } from "../../../../src/domain/models/llama/config.ts";
import { decoderLoraShapes, ALL_DECODER_LINEAR } from "../../../../src/domain/models/llama/lora.ts";
import { llamaShapes } from "../../../../src/domain/models/llama/names.ts";
import { rotaryFrequencies, rotaryTable } from "../../../../src/domain/models/llama/rope.ts";
import { elementCount } from "../../../../src/engine/graph.ts";
import { expectClose } from "../../../close.ts";
import { refusal } from "../../formats/refusal.ts";

const SMOL = {
  ...{
    model_type: "llama",
    vocab_size: 49152,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
  },
  ...{ num_attention_heads: 9, num_key_value_heads: 3, max_position_embeddings: 8192, rms_norm_eps: 1e-5 },
  ...{ rope_theta: 100000, tie_word_embeddings: true },
};
const QWEN2 = {
  ...{
    model_type: "qwen2",
    vocab_size: 151936,
    hidden_size: 896,
    intermediate_size: 4864,
    num_hidden_layers: 24,
  },
  ...{ num_attention_heads: 14, num_key_value_heads: 2, tie_word_embeddings: true },
};
const QWEN3 = {
  ...{
    model_type: "qwen3",
    vocab_size: 151936,
    hidden_size: 1024,
    intermediate_size: 3072,
    num_hidden_layers: 28,
  },
  ...{ num_attention_heads: 16, num_key_value_heads: 8, head_dim: 128, tie_word_embeddings: true },
};
const LLAMA3 = {
  ...{
    model_type: "llama",
    vocab_size: 128256,
    hidden_size: 2048,
    intermediate_size: 8192,
    num_hidden_layers: 16,
  },
  ...{ num_attention_heads: 32, num_key_value_heads: 8, head_dim: 64, tie_word_embeddings: true },
  rope_theta: 500000,
  rope_scaling: {
    ...{ factor: 32, high_freq_factor: 4, low_freq_factor: 1, original_max_position_embeddings: 8192 },
    rope_type: "llama3",
  },
};
const TINY_LLAMA = {
  ...{
    model_type: "llama",
    vocab_size: 32000,
    hidden_size: 2048,
    intermediate_size: 5632,
    num_hidden_layers: 22,
  },
  ...{ num_attention_heads: 32, num_key_value_heads: 4, tie_word_embeddings: false },
};

test.each([
  ["SmolLM2-135M", SMOL, 134_515_008],
  ["Qwen2.5-0.5B", QWEN2, 494_032_768],
  ["Qwen3-0.6B", QWEN3, 596_049_920],
  ["Llama-3.2-1B", LLAMA3, 1_235_814_400],
  ["TinyLlama-1.1B", TINY_LLAMA, 1_100_048_384],
])("%s has as many weights as it is published with", (_name, raw, count) => {
  const sizes = [...llamaShapes(llamaConfigOf(raw)).values()].map(elementCount);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count);
});

test("LoRA of rank 8 on all seven layers of SmolLM2-135M has 2.44 million weights", () => {
  const shape = { rank: 8, alpha: 16, rsLora: false, targets: ALL_DECODER_LINEAR };
  const sizes = [...decoderLoraShapes(llamaConfigOf(SMOL), shape).values()].map(elementCount);
  expect(sizes.length).toBe(30 * 7 * 2);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2_442_240);
  refusal(() => decoderLoraShapes(llamaConfigOf(SMOL), { ...shape, targets: ["query"] }), "usage", "q_proj");
  refusal(() => decoderLoraShapes(llamaConfigOf(SMOL), { ...shape, rank: 0 }), "usage", "1 to 576");
});

test("rope settings of transformers 5 and before are one", () => {
  const { rope_scaling, rope_theta, ...plain } = LLAMA3;
  const after = llamaConfigOf({ ...plain, rope_parameters: { ...rope_scaling, rope_theta } });
  expect(after.rope).toEqual(llamaConfigOf(LLAMA3).rope);
  expect(after.rope.theta).toBe(500000);
  expect(llamaConfigOf({ ...SMOL, rope_parameters: { rope_theta: 7, rope_type: "default" } }).rope).toEqual({
    theta: 7,
    scaling: undefined,
  });
});

test("llama3 keeps fast turns, slows slow ones by its factor and blends between", () => {
  const { rope, headSize } = llamaConfigOf(LLAMA3);
  const [scaled, plain] = [
    rotaryFrequencies(rope, headSize),
    rotaryFrequencies({ ...rope, scaling: undefined }, 64),
  ];
  expect(plain[1]).toBeCloseTo(500000 ** (-2 / 64), 15);
  const ratios = scaled.map((frequency, pair) => frequency / plain[pair]!);
  const wavelengths = plain.map((frequency) => (2 * Math.PI) / frequency);
  const want = wavelengths.map((length) => {
    if (length < 2048) return 1;
    if (length > 8192) return 1 / 32;
    const smooth = (8192 / length - 1) / 3;
    return (1 - smooth) / 32 + smooth;
  });
  expectClose(ratios, want, { absolute: 1e-12 });
  expect(ratios.filter((ratio) => ratio > 1 / 32 && ratio < 1).length).toBeGreaterThan(1);
  const linear = { theta: 1e4, scaling: { type: "linear", factor: 4 } } as const;
  expect(rotaryFrequencies(linear, 8)[0]).toBe(0.25);
});

test("a table holds cosines, then sines, of every position", () => {
  const table = rotaryTable({ theta: 100, scaling: undefined }, 4, 3);
  const want = [0, 1, 2].flatMap((p) => [Math.cos(p), Math.cos(p / 10), Math.sin(p), Math.sin(p / 10)]);
  expectClose(table, want, { absolute: 1e-7 });
});

test.each([
  ["another architecture", { model_type: "gemma3_text" }, "unsupported", "gemma3_text"],
  ["another activation", { hidden_act: "gelu" }, "unsupported", "hidden_act"],
  ["a sliding window", { use_sliding_window: true }, "unsupported", "use_sliding_window"],
  ["yarn", { rope_scaling: { rope_type: "yarn", factor: 4 } }, "unsupported", "yarn"],
  ["a partial rotation", { partial_rotary_factor: 0.5 }, "unsupported", "part of each head"],
  ["heads that do not divide", { num_key_value_heads: 4 }, "E_FIELD", "no multiple of num_key_value_heads 4"],
  ["odd heads", { head_dim: 63 }, "E_FIELD", "head_dim 63 is odd"],
  ["no layers", { num_hidden_layers: 0 }, "E_FIELD", "num_hidden_layers is 0"],
  ["half a scaling", { rope_scaling: { rope_type: "llama3", factor: 8 } }, "E_FIELD", "low_freq_factor"],
  ["no epsilon above 0", { rms_norm_eps: 0 }, "E_FIELD", "rms_norm_eps"],
] as const)("a config.json with %s is refused by name", (_what, change, code, words) => {
  refusal(() => llamaConfigOf({ ...SMOL, ...change }), code, words);
});
