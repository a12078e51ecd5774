import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encoderHash } from "../../../src/app/encoders/encoder-hash.ts";
import { OnnxEncoder } from "../../../src/app/encoders/onnx-encoder.ts";
import { embedThroughCache } from "../../../src/app/encoders/cached-encoder.ts";
import { memoryModelFiles } from "../../../src/app/encoders/model-files.ts";
import { MemoryVectorCache } from "../../../src/app/storage/vector-cache.ts";
import { readLlamaIndexDataset } from "../../../src/domain/formats/llamaindex-dataset.ts";
import { readNpy } from "../../../src/domain/formats/npy.ts";
import { rowOf } from "../../../src/domain/matrix.ts";
import type { Progress } from "../../../src/domain/ports.ts";
import { expectClose } from "../../close.ts";
import { DEFAULT_MODEL, filesOnDisk } from "./files-on-disk.ts";

const FIXTURE = "tests/fixtures/encoder";
const texts = JSON.parse(readFileSync(`${FIXTURE}/texts.json`, "utf8")) as string[];
const want = readNpy(readFileSync(`${FIXTURE}/vectors.npy`));
const shared = process.env["RETUNE_SHARED"] ?? "../shared";
const realData = `${shared}/data/lyft-uber-10k`;

let encoder: OnnxEncoder;
beforeAll(async () => {
  encoder = await OnnxEncoder.open(filesOnDisk(DEFAULT_MODEL), { device: "wasm", threads: 1 });
}, 120_000);
afterAll(() => encoder.close());

test("texts of every script and length get the vectors that Python's onnxruntime and tokenizers give", async () => {
  const events: Progress[] = [];
  const got = await encoder.encode(texts, { onProgress: (progress) => events.push(progress) });
  for (const [row, text] of texts.entries()) {
    expectClose(rowOf(got, row), rowOf(want, row), { absolute: 1e-4 }, text.slice(0, 40));
  }
  expect(events.at(-1)).toMatchObject({ label: "24 of 24 texts" });
  expect(events.at(-1)!.done).toBe(events.at(-1)!.total);
});

test("the identity names the model and is known beforehand from the hashes of its files", async () => {
  expect(encoder.identity).toMatchObject({
    name: "bge-small-en-v1.5",
    dimension: 384,
    maxTokens: 512,
    precision: "fp32",
    queryInstruction: "Represent this sentence for searching relevant passages: ",
  });
  const parts = {
    model: "828e1496d7fabb79cfa4dcd84fa38625c0d3d21da474a00f08db0f559940cf35",
    tokenizer: "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
    pooling: "cls",
    precision: "fp32",
    maxTokens: 512,
  } as const;
  expect(encoder.identity.hash).toBe(await encoderHash(parts));
  expect(encoder.identity.hash).not.toBe(await encoderHash({ ...parts, pooling: "mean" }));
});

test("a second embedding of the same texts asks the encoder for nothing", async () => {
  const cache = new MemoryVectorCache();
  const space = { encoderHash: encoder.identity.hash, instruction: "query: " };
  const open = () => Promise.resolve(encoder);
  const first = await embedThroughCache(cache, space, 384, ["one", "two", "one"], open);
  expect(first.embedded).toBe(2);
  const direct = await encoder.encode(["query: one"]);
  expectClose(rowOf(first.vectors, 2), rowOf(direct, 0), { absolute: 1e-5 });
  const never = () => Promise.reject(new Error("the encoder was opened"));
  const second = await embedThroughCache(cache, space, 384, ["two", "one"], never);
  expect(second.embedded).toBe(0);
  expect(rowOf(second.vectors, 1)).toEqual(rowOf(first.vectors, 0));
});

test("a cancelled embedding stops between batches", async () => {
  const controller = new AbortController();
  const many = Array.from({ length: 40 }, (_, index) => `${texts[20]!} ${index}`);
  let batches = 0;
  const onProgress = (): void => {
    batches++;
    controller.abort();
  };
  const work = encoder.encode(many, { signal: controller.signal, onProgress });
  await expect(work).rejects.toMatchObject({ code: "cancelled" });
  expect(batches).toBe(1);
});

test.runIf(existsSync(realData))("rows of the Lyft and Uber data equal sentence-transformers'", async () => {
  for (const [file, name] of [
    ["train_dataset.json", "train"],
    ["val_dataset.json", "val"],
  ]) {
    const { dataset } = readLlamaIndexDataset(readFileSync(`${realData}/${file!}`, "utf8"));
    const vectors = `${realData}/vectors-bge-small-en-v1.5/${name!}`;
    const queries = dataset.queries.slice(0, 8).map((query) => query.text);
    const instruction = encoder.identity.queryInstruction;
    const parts: [string[], string][] = [
      [queries, "queries"],
      [queries.map((query) => instruction + query), "queries_instruction"],
      [dataset.passages.slice(0, 3).map((passage) => passage.text), "corpus"],
    ];
    for (const [rows, part] of parts) {
      const expected = readNpy(readFileSync(`${vectors}_${part}.npy`));
      const got = await encoder.encode(rows);
      for (let row = 0; row < rows.length; row++) {
        expectClose(rowOf(got, row), rowOf(expected, row), { absolute: 1e-4 }, `${name!} ${part} ${row}`);
      }
    }
  }
});

test("folders that are no model are refused by name", async () => {
  const options = { device: "wasm", threads: 1 } as const;
  const bytes = (text: string) => new TextEncoder().encode(text);
  const tokenizer = readFileSync(`${DEFAULT_MODEL}/tokenizer.json`, "utf8");
  const open = (files: Record<string, string>) =>
    OnnxEncoder.open(
      memoryModelFiles("m", new Map(Object.entries(files).map(([k, v]) => [k, bytes(v)]))),
      options,
    );
  await expect(open({})).rejects.toMatchObject({ code: "model-missing", place: { file: "tokenizer.json" } });
  await expect(open({ "tokenizer.json": "{" })).rejects.toMatchObject({ code: "E_JSON" });
  await expect(open({ "tokenizer.json": "{}" })).rejects.toMatchObject({ code: "E_TOKENIZER" });
  await expect(open({ "tokenizer.json": tokenizer })).rejects.toMatchObject({ code: "model-missing" });
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\n";
  const lfs = open({ "tokenizer.json": tokenizer, "onnx/model.onnx": pointer });
  await expect(lfs).rejects.toMatchObject({ code: "E_ONNX", message: /pointer/ });
  const garbage = open({ "tokenizer.json": tokenizer, "onnx/model.onnx": "garbage" });
  await expect(garbage).rejects.toMatchObject({ code: "E_ONNX", place: { file: "onnx/model.onnx" } });
});
