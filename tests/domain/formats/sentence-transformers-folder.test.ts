import { expect, test } from "vitest";
import { encoderShapes } from "../../../src/domain/models/bert/names.ts";
import {
  readSentenceTransformersFolder,
  writeSentenceTransformersFolder,
} from "../../../src/domain/formats/sentence-transformers-folder.ts";
import { readSafetensors } from "../../../src/domain/formats/safetensors.ts";
import { fixtureFolder, textOf } from "./folder-files.ts";
import { refusal } from "./refusal.ts";

const LAYOUTS = ["st-tiny", "st-tiny-5x"] as const;

test.each(LAYOUTS)("%s is read: sizes, pooling, length, weights", (name) => {
  const { model, notes } = readSentenceTransformersFolder(fixtureFolder(name), name);
  expect(model).toMatchObject({ name, pooling: "cls", normalize: true, maxTokens: 64 });
  expect(model.config).toMatchObject({ hiddenSize: 32, layers: 2, heads: 4, vocabSize: 241 });
  expect(model.prompts).toEqual({ query: "", document: "" });
  const inside = [...encoderShapes(model.config).keys()];
  expect([...model.weights.keys()].sort()).toEqual(
    [...inside, "pooler.dense.bias", "pooler.dense.weight"].sort(),
  );
  expect(notes).toEqual([]);
});

test.each(LAYOUTS)("%s is written in the layout of 5.x and comes back bit for bit", (name) => {
  const { model } = readSentenceTransformersFolder(fixtureFolder(name), name);
  const asked = { ...model, prompts: { query: "find: ", document: "" }, maxTokens: 48 };
  const files = writeSentenceTransformersFolder(asked);
  expect([...files.keys()].sort()).toEqual([
    "1_Pooling/config.json",
    "2_Normalize/config.json",
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
  ]);
  const { model: back } = readSentenceTransformersFolder(files, name);
  expect({ ...back, weights: 0, config: 0, tokenizer: 0 }).toEqual({
    ...asked,
    weights: 0,
    config: 0,
    tokenizer: 0,
  });
  expect([...back.weights].sort()).toEqual([...asked.weights].sort());
  expect(back.tokenizer.tokenizerJson).toBe(asked.tokenizer.tokenizerJson);
  expect(readSafetensors(files.get("model.safetensors")!).metadata).toEqual(new Map([["format", "pt"]]));
});

test("the small files have the keys that sentence-transformers 5.x writes", () => {
  const given = fixtureFolder("st-tiny-5x");
  const { model } = readSentenceTransformersFolder(given, "m");
  const files = writeSentenceTransformersFolder(model);
  for (const path of [
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
  ]) {
    expect(JSON.parse(textOf(files, path)), path).toEqual(JSON.parse(textOf(given, path)));
  }
  expect(textOf(files, "vocab.txt").split("\n").slice(0, 5)).toEqual([
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
  ]);
  const tokenizer = JSON.parse(textOf(files, "tokenizer_config.json")) as Record<string, unknown>;
  expect(tokenizer).toMatchObject({
    tokenizer_class: "BertTokenizer",
    do_lower_case: true,
    model_max_length: 64,
  });
  expect(Object.keys(tokenizer)).not.toContain("is_local");
});

test("nothing of the machine a model was loaded on goes out with it", () => {
  const config = textOf(fixtureFolder("st-tiny"), "config.json").replace(
    "{",
    '{"_name_or_path": "/home/someone/secret",',
  );
  const { model } = readSentenceTransformersFolder(fixtureFolder("st-tiny", { "config.json": config }), "m");
  for (const [path, bytes] of writeSentenceTransformersFolder(model)) {
    expect(new TextDecoder().decode(bytes), path).not.toContain("secret");
  }
});

test("mean pooling in either layout, and a model that does not normalise", () => {
  const modules = textOf(fixtureFolder("st-tiny"), "modules.json");
  const two = JSON.stringify((JSON.parse(modules) as unknown[]).slice(0, 2));
  const newer = fixtureFolder("st-tiny", {
    "1_Pooling/config.json": '{"embedding_dimension": 32, "pooling_mode": "mean"}',
    "modules.json": two,
  });
  const { model } = readSentenceTransformersFolder(newer, "m");
  expect(model).toMatchObject({ pooling: "mean", normalize: false });
  const files = writeSentenceTransformersFolder(model);
  expect(files.has("2_Normalize/config.json")).toBe(false);
  expect(readSentenceTransformersFolder(files, "m").model).toMatchObject({
    pooling: "mean",
    normalize: false,
  });
});

test("a plain transformers folder is read with mean pooling, and says so", () => {
  const { model, notes } = readSentenceTransformersFolder(fixtureFolder("tiny-bert"), "m");
  expect(model).toMatchObject({ pooling: "mean", normalize: false, maxTokens: 64 });
  expect(notes.join()).toContain("mean pooling");
});

test("what cannot be computed is refused by its name and place", () => {
  const read = (changes: Record<string, string | undefined>) => () =>
    readSentenceTransformersFolder(fixtureFolder("st-tiny", changes), "m", "mine");
  const modules = textOf(fixtureFolder("st-tiny"), "modules.json");
  const error = refusal(
    read({ "1_Pooling/config.json": '{\n "pooling_mode": "max"}' }),
    "unsupported",
    "max",
    "mine/1_Pooling/config.json",
  );
  expect(error.place).toMatchObject({ file: "mine/1_Pooling/config.json", line: 1 });
  refusal(
    read({ "modules.json": modules.replace("normalize.Normalize", "LSTM") }),
    "unsupported",
    "LSTM",
    "line 18",
  );
  refusal(
    read({ "modules.json": modules.replace("normalize.Normalize", "dense.Dense") }),
    "unsupported",
    "Transformer → Pooling → Dense",
  );
  refusal(read({ "modules.json": "[]" }), "E_FIELD", "list of objects");
  refusal(read({ "model.safetensors": undefined }), "model-missing", "model.safetensors");
  const config = textOf(fixtureFolder("st-tiny"), "config.json");
  refusal(
    read({ "config.json": config.replace('"vocab_size": 241', '"vocab_size": 242') }),
    "E_MISMATCH",
    "word_embeddings",
  );
  refusal(
    read({ "config_sentence_transformers.json": '{"model_type": "CrossEncoder"}' }),
    "E_UNKNOWN_FORMAT",
    "re-ranker",
  );
  refusal(
    read({
      "1_Pooling/config.json": '{"pooling_mode": "mean", "include_prompt": false}',
      "config_sentence_transformers.json": '{"prompts": {"query": "q: "}}',
    }),
    "unsupported",
    "include_prompt",
  );
});
