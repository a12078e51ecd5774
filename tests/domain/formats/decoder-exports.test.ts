import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gguf } from "@huggingface/gguf";
import { expect, test } from "vitest";
import { openDecoder, byteSource } from "../../../src/domain/formats/decoder-folder.ts";
import { weightsHash, writeDecoderCard } from "../../../src/domain/formats/decoder-card.ts";
import { neighbours, readGgufLora, writeGgufLora } from "../../../src/domain/formats/gguf-lora.ts";
import { mergedBytes, mergedDecoder, mergedWeights } from "../../../src/domain/formats/merged-decoder.ts";
import { readPeftFolder, writePeftFolder } from "../../../src/domain/formats/peft-folder.ts";
import { readSafetensors, writeSafetensors } from "../../../src/domain/formats/safetensors.ts";
import { joined } from "../../../src/domain/formats/zip-writer.ts";
import type { TensorData, Weights } from "../../../src/domain/matrix.ts";
import { decoderInMemory } from "../../../src/domain/models/decoder-model.ts";
import type { LoraAdapter } from "../../../src/domain/models/encoder-model.ts";
import { llamaConfigOf, type LlamaConfig } from "../../../src/domain/models/llama/config.ts";
import { initialDecoder } from "../../../src/domain/models/llama/initial.ts";
import { ALL_DECODER_LINEAR, initialDecoderLora } from "../../../src/domain/models/llama/lora.ts";
import { mergeLora } from "../../../src/domain/models/merge-lora.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { RetuneError } from "../../../src/engine/errors.ts";
import { roundedToHalf } from "../../../src/engine/half.ts";
import { randomValues } from "../../engine/fixtures.ts";
import { refusal } from "./refusal.ts";

const RAW = {
  ...{ model_type: "llama", vocab_size: 40, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 3 },
  ...{
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
  },
};
const CONFIG = llamaConfigOf(RAW);

const chatFile = (path: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../fixtures/chat/chatml/${path}`, import.meta.url)));

/** An adapter whose matrices are all of numbers that matter. */
function adapterOf(
  config: LlamaConfig,
  { rsLora = false, from = 0, targets = ALL_DECODER_LINEAR } = {},
): LoraAdapter {
  const adapter = initialDecoderLora(config, { rank: 3, alpha: 6, rsLora, targets }, 4, { from });
  const grown = Array.from(adapter.weights, ([name, { shape, values }], index): [string, TensorData] => [
    name,
    { shape, values: randomValues(values.length, index + 1) },
  ]);
  return { ...adapter, weights: new Map(grown) };
}

test("a PEFT folder of a decoder is read back bit for bit, and says which model and task it is for", () => {
  const adapter = adapterOf(CONFIG);
  const files = writePeftFolder(adapter, { base: "tiny", task: "decoder", layers: 3 });
  const config = JSON.parse(new TextDecoder().decode(files.get("adapter_config.json"))) as Record<
    string,
    unknown
  >;
  expect(config).toMatchObject({ task_type: "CAUSAL_LM", r: 3, lora_alpha: 6, bias: "none" });
  expect(config["target_modules"]).toEqual(ALL_DECODER_LINEAR);
  expect(config).not.toHaveProperty("layers_to_transform");
  const { tensors, metadata } = readSafetensors(files.get("adapter_model.safetensors")!);
  expect([...tensors.keys()][0]).toBe("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
  expect(metadata.get("format")).toBe("pt");
  const back = readPeftFolder(files);
  expect([back.base, back.task]).toEqual(["tiny", "decoder"]);
  expect(back.adapter).toEqual(adapter);
});

test("an adapter of the top layers says which, and what another trainer left out of the config is read from the names", () => {
  const adapter = adapterOf(CONFIG, { from: 1, targets: ["v_proj", "down_proj"], rsLora: true });
  const files = writePeftFolder(adapter, { base: "tiny", task: "decoder", layers: 3 });
  const text = new TextDecoder().decode(files.get("adapter_config.json"));
  expect(JSON.parse(text)).toMatchObject({
    ...{ target_modules: ["v_proj", "down_proj"], layers_to_transform: [1, 2], use_rslora: true },
  });
  expect(readPeftFolder(files).adapter).toEqual(adapter);
  const bare = text
    .replace('"task_type": "CAUSAL_LM",', "")
    .replace(/"target_modules": \[[^\]]*\]/, '"target_modules": "all-linear"');
  const other = new Map([...files, ["adapter_config.json", new TextEncoder().encode(bare)] as const]);
  const back = readPeftFolder(other);
  expect(back.task).toBe("decoder");
  expect(back.adapter.targets).toEqual(["v_proj", "down_proj"]);
});

async function merged(
  base: Weights,
  config: LlamaConfig,
  adapter: LoraAdapter | undefined,
  precision: "f32" | "f16",
) {
  const parts: Uint8Array[] = [];
  for await (const part of mergedWeights(decoderInMemory(config, base), adapter, precision))
    parts.push(part.slice());
  return joined(parts);
}

test("merged weights are those of the adapter written into the base, to the bit, in f32 and rounded once in f16", async () => {
  const base = initialDecoder(CONFIG, 5);
  const adapter = adapterOf(CONFIG, { rsLora: true });
  const want = mergeLora(base, adapter);
  const bytes = await merged(base, CONFIG, adapter, "f32");
  expect(bytes).toHaveLength(mergedBytes(CONFIG, "f32"));
  expect([...readSafetensors(bytes).tensors]).toEqual([...want]);
  const halves = readSafetensors(await merged(base, CONFIG, adapter, "f16")).tensors;
  for (const [name, { values }] of want)
    expect(halves.get(name)!.values, name).toEqual(roundedToHalf(values));
});

test("a number that a half cannot hold, and an adapter of another base, are refused by name", async () => {
  const base = new Map(initialDecoder(CONFIG, 5));
  base.set("model.norm.weight", { shape: [16], values: new Float32Array(16).fill(7e4) });
  await expect(merged(base, CONFIG, undefined, "f16")).rejects.toMatchObject({ code: "unsupported" });
  const other = adapterOf(llamaConfigOf({ ...RAW, intermediate_size: 32 }));
  await expect(merged(base, CONFIG, other, "f32")).rejects.toMatchObject({ code: "E_MISMATCH" });
});

test("a merged folder opens as a decoder with the tokenizer's files as they came", async () => {
  const files = new Map(
    ["tokenizer.json", "tokenizer_config.json"].map((path) => [path, byteSource(chatFile(path))]),
  );
  const base = initialDecoder(CONFIG, 5);
  files.set(
    "config.json",
    byteSource(new TextEncoder().encode(JSON.stringify({ ...RAW, dtype: "bfloat16" }))),
  );
  files.set("model.safetensors", byteSource(writeSafetensors(base)));
  const model = await openDecoder(files, { name: "tiny" });
  const adapter = adapterOf(CONFIG);
  const written = new Map<string, Uint8Array>();
  for await (const { path, bytes } of mergedDecoder(model, { kind: "lora", adapter }, "f32")) {
    written.set(path, joined([written.get(path) ?? new Uint8Array(0), bytes]));
  }
  expect(written.get("tokenizer.json")).toEqual(chatFile("tokenizer.json"));
  const again = await openDecoder(new Map(Array.from(written, ([path, bytes]) => [path, byteSource(bytes)])));
  expect(again.config.raw).toMatchObject({ architectures: ["LlamaForCausalLM"], torch_dtype: "float32" });
  expect(again.config.raw).not.toHaveProperty("dtype");
  const name = "model.layers.1.mlp.down_proj.weight";
  expect(await again.weights.tensor(name)).toEqual(mergeLora(base, adapter).get(name));
  expect(await weightsHash(files)).toMatch(/^[0-9a-f]{64}$/);
});

interface ReadTensor {
  readonly shape: readonly number[]; // slowest first
  readonly values: Float32Array;
}

/** The file as the library of the hub reads it. */
async function readGguf(bytes: Uint8Array) {
  const folder = mkdtempSync(join(tmpdir(), "retune-gguf-"));
  const file = join(folder, "adapter.gguf");
  writeFileSync(file, bytes);
  const { metadata, tensorInfos, tensorDataOffset } = await gguf(file, { allowLocalFile: true });
  rmSync(folder, { recursive: true });
  const tensors = new Map<string, ReadTensor>();
  for (const { name, shape, offset, dtype } of tensorInfos) {
    expect(dtype).toBe(0);
    const sizes = shape.map(Number);
    const from = Number(tensorDataOffset) + Number(offset);
    const length = sizes.reduce((product, size) => product * size, 1);
    tensors.set(name, {
      shape: sizes.toReversed(),
      values: new Float32Array(bytes.slice(from, from + 4 * length).buffer),
    });
  }
  return { metadata: new Map<string, unknown>(Object.entries(metadata)), tensors };
}

test("a GGUF adapter is read by the hub's library: names, sizes, numbers, q and k turned for a Llama", async () => {
  const adapter = adapterOf(CONFIG);
  const { metadata, tensors } = await readGguf(writeGgufLora(adapter, CONFIG, { name: "tiny" }));
  expect(Object.fromEntries(metadata)).toMatchObject({
    ...{ "general.architecture": "llama", "general.type": "adapter", "general.name": "tiny" },
    ...{ "adapter.type": "lora", "adapter.lora.alpha": 6 },
  });
  expect(tensors.size).toBe(adapter.weights.size);
  const layer = (part: string) => adapter.weights.get(`model.layers.2.${part}.weight`)!;
  expect(tensors.get("blk.2.ffn_down.weight.lora_a")).toEqual(layer("mlp.down_proj.lora_A"));
  expect(tensors.get("blk.2.attn_v.weight.lora_b")).toEqual(layer("self_attn.v_proj.lora_B"));
  expect(tensors.get("blk.2.attn_q.weight.lora_a")).toEqual(layer("self_attn.q_proj.lora_A"));
  expect(tensors.get("blk.2.attn_q.weight.lora_b")).toEqual(neighbours(layer("self_attn.q_proj.lora_B"), 4));
  expect(tensors.get("blk.2.attn_k.weight.lora_b")).toEqual(neighbours(layer("self_attn.k_proj.lora_B"), 2));
});

test("Qwen's rows stay, and rsLoRA's scale is told in llama.cpp's terms", async () => {
  const config = llamaConfigOf({ ...RAW, model_type: "qwen2" });
  const adapter = adapterOf(config, { rsLora: true });
  const { metadata, tensors } = await readGguf(writeGgufLora(adapter, config, { name: "tiny" }));
  expect(metadata.get("general.architecture")).toBe("qwen2");
  expect(metadata.get("adapter.lora.alpha")).toBeCloseTo(6 * Math.sqrt(3), 5);
  expect(tensors.get("blk.0.attn_q.weight.lora_b")).toEqual(
    adapter.weights.get("model.layers.0.self_attn.q_proj.lora_B.weight"),
  );
});

test.each(["llama", "qwen3"])("our own reader gives a %s adapter back bit for bit", (model_type) => {
  const config = llamaConfigOf({ ...RAW, model_type, head_dim: 8 });
  const adapter = adapterOf(config, { from: 1, targets: ["q_proj", "k_proj", "up_proj"] });
  const bytes = writeGgufLora(adapter, config, { name: "tiny" });
  expect(readGgufLora(bytes, config)).toEqual(adapter);
  const half = readGgufLora(writeGgufLora(adapter, config, { name: "tiny", type: "f16" }), config);
  const name = "model.layers.2.self_attn.k_proj.lora_B.weight";
  expect(half.weights.get(name)!.values).toEqual(roundedToHalf(adapter.weights.get(name)!.values));
});

test("GGUF files that are cut off, bent or another model's are refused, whatever byte is changed", () => {
  const adapter = adapterOf(CONFIG);
  const bytes = writeGgufLora(adapter, CONFIG, { name: "tiny" });
  refusal(() => readGgufLora(bytes.subarray(0, bytes.length - 64), CONFIG), "corrupt", "ends past the file");
  refusal(
    () => readGgufLora(new TextEncoder().encode("GGML and more that is long enough"), CONFIG),
    "E_UNKNOWN_FORMAT",
    "",
  );
  refusal(
    () => readGgufLora(bytes, llamaConfigOf({ ...RAW, model_type: "qwen2" })),
    "unsupported",
    "for llama",
  );
  refusal(
    () => readGgufLora(bytes, llamaConfigOf({ ...RAW, intermediate_size: 32 })),
    "E_MISMATCH",
    "gate_proj",
  );
  const random = new CounterRandom(6);
  for (let turn = 0; turn < 300; turn++) {
    const bent = bytes.slice();
    bent[random.below(4000)] = random.below(256);
    try {
      expect(readGgufLora(bent, CONFIG).rank).toBeGreaterThan(0);
    } catch (error) {
      expect(error).toBeInstanceOf(RetuneError);
    }
  }
});

test("rows of a pair, half a head apart, come to stand beside each other", () => {
  const values = Float32Array.from({ length: 16 }, (_, index) => index); // two heads of four rows, two columns
  expect([...neighbours({ shape: [8, 2], values }, 2).values]).toEqual([
    0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15,
  ]);
});

test("what is no LoRA of a layer is refused", () => {
  const weights = new Map([["lm_head.lora_A.weight", { shape: [3, 16], values: new Float32Array(48) }]]);
  refusal(
    () => writeGgufLora({ ...adapterOf(CONFIG), weights }, CONFIG, { name: "x" }),
    "unsupported",
    "lm_head",
  );
});

test("the card tells hashes, settings and figures, on one line each", () => {
  const text = new TextDecoder().decode(
    writeDecoderCard({
      ...{ layout: "peft", name: "my\nmodel", base: "tiny", baseSha256: "ab", recipe: "LoRA, rank 3" },
      ...{
        facts: { "training rows": 12 },
        dataSha256: "cd",
        metrics: [{ key: "exactMatch", base: 0, tuned: 0.87654 }],
      },
    }),
  );
  expect(text).toContain("# my model\n");
  expect(text).toContain("| training data (SHA-256) | cd |");
  expect(text).toContain("| exactMatch | 0 | 0.8765 |");
  expect(text).toContain('PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("tiny")');
});
