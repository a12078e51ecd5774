import { afterAll, beforeAll, expect, test } from "vitest";
import { writeClusterFolder, type ClusterRecipe } from "../../../src/domain/formats/cluster-folder.ts";
import { readCrossEncoderFolder } from "../../../src/domain/formats/cross-encoder-folder.ts";
import { writeModelCard } from "../../../src/domain/formats/model-card.ts";
import { PARITY_PAIRS, PARITY_TEXTS } from "../../../src/domain/formats/parity-texts.ts";
import { PARITY_FILE, readParity, VERIFY_FILE, writeParity } from "../../../src/domain/formats/parity.ts";
import { readPeftFolder } from "../../../src/domain/formats/peft-folder.ts";
import {
  readSentenceTransformersFolder,
  writeSentenceTransformersFolder,
} from "../../../src/domain/formats/sentence-transformers-folder.ts";
import { writeTransformersJsFolder } from "../../../src/domain/formats/transformersjs-folder.ts";
import { rowOf } from "../../../src/domain/matrix.ts";
import { openTextEmbedder } from "../../../src/domain/models/embed-texts.ts";
import type { EncoderModel } from "../../../src/domain/models/encoder-model.ts";
import { mergeLora } from "../../../src/domain/models/merge-lora.ts";
import { openPairScorer } from "../../../src/domain/models/score-pairs.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { expectClose } from "../../close.ts";
import { openTestCpu } from "../recipes/open-backend.ts";
import { fixtureFolder, textOf } from "./folder-files.ts";
import { refusal } from "./refusal.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await openTestCpu();
});
afterAll(() => backend.dispose());

const expected = <T>(name: string) => JSON.parse(textOf(fixtureFolder(name), "expected.json")) as T;

async function vectorsOf(model: EncoderModel, texts: readonly string[]) {
  const embedder = await openTextEmbedder(backend, model);
  const vectors = await embedder.embed(texts);
  embedder.dispose();
  return vectors;
}

test.each(["st-tiny", "st-tiny-5x"])("%s gives its vectors before and after our export", async (name) => {
  const { texts, vectors } = expected<{ texts: string[]; vectors: number[][] }>(name);
  const { model } = readSentenceTransformersFolder(fixtureFolder(name), name);
  const again = readSentenceTransformersFolder(writeSentenceTransformersFolder(model), name).model;
  for (const each of [model, again]) {
    expectClose((await vectorsOf(each, texts)).values, vectors.flat(), { absolute: 1e-4 }, name);
  }
});

test("peft-tiny merged into its base gives PEFT's vectors", async () => {
  const { texts, last_hidden_cls } = expected<{ texts: string[]; last_hidden_cls: number[][] }>("peft-tiny");
  const { model } = readSentenceTransformersFolder(fixtureFolder("st-tiny"), "tiny");
  const { adapter } = readPeftFolder(fixtureFolder("peft-tiny"));
  const got = await vectorsOf({ ...model, weights: mergeLora(model.weights, adapter) }, texts);
  for (const [row, states] of last_hidden_cls.entries()) {
    const length = Math.hypot(...states);
    expectClose(
      rowOf(got, row),
      states.map((value) => value / length),
      { absolute: 1e-4 },
      texts[row],
    );
  }
});

test("cross-encoder-tiny gives its logits", async () => {
  const { pairs, logits } = expected<{ pairs: [string, string][]; logits: number[] }>("cross-encoder-tiny");
  const scorer = await openPairScorer(
    backend,
    readCrossEncoderFolder(fixtureFolder("cross-encoder-tiny"), "tiny"),
  );
  expectClose(await scorer.score(pairs), logits.flat(), { absolute: 1e-4 });
  scorer.dispose();
});

test("the parity file holds 32 texts and unit vectors, its script the name of its library", () => {
  const values = Float32Array.from({ length: 64 }, (_, index) => 1 + index);
  const vectors = { rows: 32, columns: 2, values };
  const outputs = { kind: "vectors", vectors, pooling: "cls", maxTokens: 64 } as const;
  const files = writeParity(outputs, "sentence-transformers");
  expect([...files.keys()]).toEqual([PARITY_FILE, VERIFY_FILE]);
  const read = readParity(textOf(files, PARITY_FILE), PARITY_FILE);
  expect([read.texts.length, new Set(read.texts).size, read.pairs.length]).toEqual([32, 32, 0]);
  expectClose(read.outputs[3]!, [7 / Math.hypot(7, 8), 8 / Math.hypot(7, 8)], { absolute: 1e-7 });
  expect(textOf(files, VERIFY_FILE)).toContain("from sentence_transformers import SentenceTransformer");
  const logits = { kind: "logits", logits: new Float32Array(32), maxTokens: 64 } as const;
  const pairs = readParity(textOf(writeParity(logits, "cross-encoder"), PARITY_FILE));
  expect([pairs.pairs.length, pairs.texts.length, pairs.outputs[0]]).toEqual([32, 0, [0]]);
  refusal(() => writeParity({ ...outputs, vectors: { ...vectors, rows: 31 } }, "onnx"), "shape", "31", "32");
  refusal(() => readParity(textOf(files, PARITY_FILE).replace('"version": 1', '"version": 2')), "E_VERSION");
  refusal(() => readParity(textOf(files, PARITY_FILE).replace("  [", '  ["x",')), "E_FIELD");
});

test("the parity texts are of many lengths, and pairs never repeat a text", () => {
  const lengths = PARITY_TEXTS.map((text) => text.length);
  expect([Math.min(...lengths), Math.max(...lengths) > 3000]).toEqual([1, true]);
  expect(PARITY_PAIRS.every(([question, passage]) => question !== passage)).toBe(true);
});

test("a model card has counts and hashes, and nothing can break out of its table", () => {
  const card = new TextDecoder().decode(
    writeModelCard({
      layout: "peft-encoder",
      name: "Handbook",
      base: "bge-small",
      recipe: "LoRA, rank 8",
      facts: { "training questions": 668, note: "a | b\nc" },
      dataSha256: "ab12",
      prompts: { query: "find: ", document: "" },
    }),
  );
  expect(card).toContain("| training questions | 668 |");
  expect(card).toContain("| note | a   b c |");
  expect(card).toContain("python verify.py bge-small");
  expect(card).toContain('| query instruction | "find: " |');
  expect(card).not.toContain("document instruction");
});

test("a transformers.js folder has one graph a precision and the files its loader asks for", () => {
  const { model } = readSentenceTransformersFolder(fixtureFolder("st-tiny"), "tiny");
  const files = writeTransformersJsFolder(model, { precisions: ["fp32", "int8"], sentenceVector: true });
  const names = [...files.keys()];
  for (const name of ["config.json", "tokenizer.json", "tokenizer_config.json"])
    expect(names).toContain(name);
  expect(names.filter((name) => name.startsWith("onnx/"))).toEqual([
    "onnx/model.onnx",
    "onnx/model_quantized.onnx",
  ]);
  expect(names).not.toContain("model.safetensors");
});

const recipe: ClusterRecipe = {
  base: "bge-small",
  loss: { kind: "mnrl", scale: 20 },
  width: 384,
  matryoshka: null,
  anchors: null,
  maskOtherPositives: true,
  mostRight: 2,
  learningRate: 2e-5,
  weightDecay: 0.01,
  warmup: 0.1,
  clip: 1,
  dropout: true,
  maxTokens: 256,
  seed: 1,
  prompts: { query: "", document: "" },
  lora: null,
};
const row = { anchor: "q", positive: "p", id: "1", right: ["1"], negatives: [] };

test("a cluster folder has the data, the order of the batches and the steps of the schedule", () => {
  const files = writeClusterFolder(recipe, [row, row], [[0, 1], [1], [0]]);
  expect(textOf(files, "batches.jsonl")).toBe("[0,1]\n[1]\n[0]\n");
  expect(textOf(files, "train.jsonl").split("\n")).toHaveLength(3);
  expect(JSON.parse(textOf(files, "config.json"))).toMatchObject({
    steps: 3,
    warmup_steps: 0,
    anchors: [],
    dimensions: [384],
    dimension_weights: [1],
  });
  expect(textOf(files, "README.md")).toContain("holds your training texts");
  expect(textOf(files, "train.py")).toContain('if __name__ == "__main__":');
});

test("batches that name no row, or a loss without any wrong passage, are refused before anything is written", () => {
  refusal(() => writeClusterFolder(recipe, [row], [[0], [1]]), "usage", "batch 2", "row 1 of 1");
  refusal(() => writeClusterFolder(recipe, [row], [[]]), "usage", "batch 1 is empty");
  const triplet = { ...recipe, loss: { kind: "triplet", distance: "cosine", margin: 0.5 } } as const;
  refusal(() => writeClusterFolder(triplet, [row], [[0]]), "usage", "batch 1", "mine negatives");
  const wrong = { ...row, negatives: [{ id: "2", text: "n" }] };
  expect(writeClusterFolder(triplet, [row, wrong], [[0, 1]]).has("losses.py")).toBe(true);
});
