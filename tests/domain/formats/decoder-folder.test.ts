import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { byteSource, openDecoder } from "../../../src/domain/formats/decoder-folder.ts";
import { writeSafetensors } from "../../../src/domain/formats/safetensors.ts";
import { llamaConfigOf } from "../../../src/domain/models/llama/config.ts";
import { initialDecoder } from "../../../src/domain/models/llama/initial.ts";

const RAW = {
  ...{ model_type: "qwen2", vocab_size: 40, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1 },
  ...{
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
  },
};
const chat = (path: string) =>
  new Uint8Array(readFileSync(new URL(`../../fixtures/chat/chatml/${path}`, import.meta.url)));
const text = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

function folder(changes: Readonly<Record<string, Uint8Array | undefined>> = {}) {
  const files = {
    "config.json": text({ ...RAW, retune_placeholders: true }),
    "model.safetensors": writeSafetensors(initialDecoder(llamaConfigOf(RAW), 1)),
    "tokenizer.json": chat("tokenizer.json"),
    "tokenizer_config.json": chat("tokenizer_config.json"),
    ...changes,
  };
  return new Map(Object.entries(files).flatMap(([path, own]) => (own ? [[path, byteSource(own)]] : [])));
}

test("a folder of transformers opens: sizes, tokenizer, template, and one tensor when it is asked for", async () => {
  const model = await openDecoder(folder(), { name: "tiny" });
  expect([model.name, model.config.layers, model.placeholders]).toEqual(["tiny", 1, true]);
  const prompt = model.format.promptIds({ messages: [{ role: "user", content: "hello" }] });
  expect(model.format.tokenizer.decode(prompt)).toContain("hello");
  expect((await model.weights.tensor("model.layers.0.self_attn.q_proj.bias")).shape).toEqual([16]);
});

test("a template of its own goes before the configuration's, and generation_config.json adds ends", async () => {
  const model = await openDecoder(
    folder({
      "chat_template.jinja": text("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"),
      "generation_config.json": text({ eos_token_id: [7, 9] }),
    }),
  );
  expect(model.format.render({ messages: [{ role: "user", content: "hi" }] }).text).toBe("<user>hi");
  expect([7, 9].every((id) => model.format.endOfTurn.has(id))).toBe(true);
});

test.each([
  ["config.json", "model-missing"],
  ["model.safetensors", "model-missing"],
  ["tokenizer.json", "model-missing"],
  ["tokenizer_config.json", "E_TEMPLATE"],
])("a folder without %s says what is missing", async (path, code) => {
  const opened = openDecoder(folder({ [path]: undefined }), { folder: "my-model" });
  await expect(opened).rejects.toMatchObject({ code });
  await expect(opened).rejects.toThrow(code === "E_TEMPLATE" ? "chat template" : `my-model/${path} `);
});
