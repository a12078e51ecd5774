import { afterAll, expect, test } from "vitest";
import { openReference } from "../../../src/engine/backends/reference.ts";
import { openTextEmbedder } from "../../../src/domain/models/embed-texts.ts";
import type { CrossEncoderModel, EncoderModel } from "../../../src/domain/models/encoder-model.ts";
import { openPairScorer, shownScore } from "../../../src/domain/models/score-pairs.ts";
import { bertWeightsFrom } from "../../../src/domain/models/weights/bert-weights.ts";
import { SequenceTokenizer } from "../../../src/domain/text/wordpiece.ts";
import { expectClose } from "../../close.ts";
import { encoderFrom, filesOf, jsonOf, tokenizerOf } from "./model-folders.ts";

const FORMATS = "tests/fixtures/formats";
const CLOSE = { absolute: 1e-4 };
const backend = openReference();
afterAll(() => backend.dispose());

interface Expected {
  readonly texts: readonly string[];
  readonly input_ids: readonly (readonly number[])[];
  readonly cls_normalized: readonly (readonly number[])[];
  readonly mean_normalized: readonly (readonly number[])[];
}

const tiny = (folder: string, pooling: EncoderModel["pooling"], drop: readonly string[] = []): EncoderModel =>
  encoderFrom(`${FORMATS}/${folder}`, { pooling, maxTokens: 64 }, drop);

test.each([
  ["safetensors", "cls", []],
  ["safetensors", "mean", []],
  ["ONNX", "cls", ["model.safetensors"]],
  ["ONNX", "mean", ["model.safetensors"]],
] as const)("tiny-bert from %s with %s pooling gives torch's vectors", async (_format, pooling, drop) => {
  const expected = jsonOf<Expected>(`${FORMATS}/tiny-bert/expected.json`);
  const embedder = await openTextEmbedder(backend, tiny("tiny-bert", pooling, drop), { tokens: 40 });
  const { rows, columns, values } = await embedder.embed(expected.texts);
  embedder.dispose();
  expect([rows, columns]).toEqual([7, 32]);
  const wanted = pooling === "cls" ? expected.cls_normalized : expected.mean_normalized;
  expectClose(values, wanted.flat(), CLOSE, "vectors");
});

test("texts become the ids that Python's tokenizer gives", () => {
  const expected = jsonOf<Expected>(`${FORMATS}/tiny-bert/expected.json`);
  const tokenizer = new SequenceTokenizer(tokenizerOf(filesOf(`${FORMATS}/tiny-bert`)));
  expect(expected.texts.map((text) => tokenizer.encode(text, 64).ids)).toEqual(expected.input_ids);
});

test.each(["st-tiny", "st-tiny-5x"])("%s gives sentence-transformers' vectors", async (folder) => {
  const expected = jsonOf<{ texts: string[]; vectors: number[][] }>(`${FORMATS}/${folder}/expected.json`);
  const embedder = await openTextEmbedder(backend, tiny(folder, "cls"));
  const { values } = await embedder.embed(expected.texts);
  embedder.dispose();
  expectClose(values, expected.vectors.flat(), CLOSE, "vectors");
});

test("cross-encoder-tiny gives transformers' logits and ids of pairs", async () => {
  const folder = `${FORMATS}/cross-encoder-tiny`;
  const expected = jsonOf<{
    pairs: [string, string][];
    input_ids: number[][];
    token_type_ids: number[][];
    attention_mask: number[][];
    logits: number[];
    sigmoid: number[];
  }>(`${folder}/expected.json`);
  const files = filesOf(folder);
  const model: CrossEncoderModel = {
    ...{ name: "cross-encoder-tiny", ...bertWeightsFrom(files), tokenizer: tokenizerOf(files) },
    ...{ maxTokens: 64, activation: "sigmoid" },
  };
  const tokenizer = new SequenceTokenizer(model.tokenizer);
  for (const [index, [a, b]] of expected.pairs.entries()) {
    const { ids, types } = tokenizer.encodePair(a, b, 64);
    const length = expected.attention_mask[index]!.filter((one) => one === 1).length;
    expect(ids).toEqual(expected.input_ids[index]!.slice(0, length));
    expect(types).toEqual(expected.token_type_ids[index]!.slice(0, length));
  }
  const scorer = await openPairScorer(backend, model);
  const logits = await scorer.score(expected.pairs);
  scorer.dispose();
  expectClose(logits, expected.logits, CLOSE, "logits");
  expectClose(
    [...logits].map((logit) => shownScore(model, logit)),
    expected.sigmoid,
    CLOSE,
    "scores",
  );
});

test("an embedder stops when it is told to, and embeds nothing of no texts", async () => {
  const embedder = await openTextEmbedder(backend, tiny("tiny-bert", "cls"));
  const stopped = embedder.embed(["a"], { signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: "cancelled" });
  expect((await embedder.embed([])).values.length).toBe(0);
  embedder.dispose();
});
