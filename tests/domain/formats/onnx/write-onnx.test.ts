import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readCrossEncoderFolder } from "../../../../src/domain/formats/cross-encoder-folder.ts";
import { writeCrossEncoderOnnx, writeEncoderOnnx } from "../../../../src/domain/formats/onnx/write-onnx.ts";
import { readSentenceTransformersFolder } from "../../../../src/domain/formats/sentence-transformers-folder.ts";
import { bertWeightsFrom } from "../../../../src/domain/models/weights/bert-weights.ts";
import type { EncoderModel } from "../../../../src/domain/models/encoder-model.ts";
import { expectClose } from "../../../close.ts";
import { fixtureFolder } from "../folder-files.ts";
import { refusal } from "../refusal.ts";
import { cosine, runOnnx } from "./run-onnx.ts";

const base = new Uint8Array(readFileSync("tests/fixtures/formats/tiny-bert/onnx/model.onnx"));
const expected = JSON.parse(readFileSync("tests/fixtures/formats/tiny-bert/expected.json", "utf8")) as {
  input_ids: number[][];
  cls_normalized: number[][];
  mean_normalized: number[][];
};
const { model } = readSentenceTransformersFolder(fixtureFolder("st-tiny"), "tiny");
const GRAPHS = [
  ["the base's graph", { base }],
  ["our own graph", {}],
] as const;

/** The model after a training that changed every tensor, also those that were equal before. */
function tuned(): EncoderModel {
  let count = 0;
  const weights = Array.from(model.weights, ([name, { shape, values }]) => {
    const shift = 0.01 * ++count;
    return [name, { shape, values: values.map((value, index) => value + shift * Math.sin(index)) }] as const;
  });
  return { ...model, weights: new Map(weights) };
}

test.each(GRAPHS)("%s gives torch's vectors, pooled and normalised inside", async (_, graph) => {
  for (const pooling of ["cls", "mean"] as const) {
    const bytes = writeEncoderOnnx(
      { ...model, pooling },
      { precision: "fp32", sentenceVector: true, ...graph },
    );
    const { sentence_embedding: vectors } = await runOnnx(bytes, expected.input_ids);
    expectClose(vectors!, expected[`${pooling}_normalized`].flat(), { absolute: 1e-5 }, pooling);
  }
});

test("a tuned model is the same function in the base's graph and in ours, ties of the base undone", async () => {
  const bytes = GRAPHS.map(([, graph]) => writeEncoderOnnx(tuned(), { precision: "fp32", ...graph }));
  const [first, second] = await Promise.all(bytes.map((file) => runOnnx(file, expected.input_ids)));
  expect(Object.keys(first!)).toEqual(["last_hidden_state"]);
  expectClose(first!["last_hidden_state"]!, second!["last_hidden_state"]!, { absolute: 1e-4 });
  const untuned = await runOnnx(base, expected.input_ids);
  expect(cosine(first!["last_hidden_state"]!, untuned["last_hidden_state"]!)).toBeLessThan(0.99);
});

test.each(GRAPHS)("the weights in %s are read back bit for bit", (_, graph) => {
  const model = tuned();
  const bytes = writeEncoderOnnx(model, { precision: "fp32", sentenceVector: true, ...graph });
  const folder = fixtureFolder("tiny-bert", { "model.safetensors": undefined });
  const { weights } = bertWeightsFrom(new Map([...folder, ["onnx/model.onnx", bytes]]));
  for (const [name, { values }] of weights) expect(values, name).toEqual(model.weights.get(name)!.values);
});

test.each(GRAPHS)(
  "fp16 and int8 of %s stay near, at about a half and a quarter of the size",
  async (_, graph) => {
    const sizes: Record<string, number> = {};
    for (const [precision, nearest] of [
      ["fp16", 0.999999],
      ["int8", 0.999],
    ] as const) {
      const bytes = writeEncoderOnnx(model, { precision, sentenceVector: true, ...graph });
      sizes[precision] = bytes.length;
      const { sentence_embedding: vectors } = await runOnnx(bytes, expected.input_ids);
      for (const [row, want] of expected.cls_normalized.entries()) {
        const got = vectors!.subarray(row * want.length, (row + 1) * want.length);
        expect(cosine(got, want), `${precision}, text ${row}`).toBeGreaterThan(nearest);
      }
    }
    const full = writeEncoderOnnx(model, { precision: "fp32", sentenceVector: true, ...graph }).length;
    const parameters = 4 * [...model.weights.values()].reduce((sum, { values }) => sum + values.length, 0);
    expect(full - sizes["fp16"]!).toBeGreaterThan(0.4 * parameters);
    expect(full - sizes["int8"]!).toBeGreaterThan(0.5 * parameters);
  },
);

test("a model whose vectors keep their length, with a text of its own length", async () => {
  const plain = { ...model, normalize: false, pooling: "mean" as const };
  const bytes = writeEncoderOnnx(plain, { precision: "fp32", sentenceVector: true });
  const row = expected.input_ids[0]!;
  const { sentence_embedding: vector, last_hidden_state: states } = await runOnnx(bytes, [row]);
  const mean = Array.from({ length: 32 }, (_, column) => {
    const column32 = row.map((__, token) => states![token * 32 + column]!);
    return column32.reduce((sum, value) => sum + value, 0) / row.length;
  });
  expectClose(vector!, mean, { absolute: 1e-5 });
});

test("a cross-encoder's graph gives torch's logits", async () => {
  const pairs = JSON.parse(
    readFileSync("tests/fixtures/formats/cross-encoder-tiny/expected.json", "utf8"),
  ) as {
    input_ids: number[][];
    token_type_ids: number[][];
    logits: number[];
  };
  const scorer = readCrossEncoderFolder(fixtureFolder("cross-encoder-tiny"), "tiny");
  const run = (precision: "fp32" | "fp16" | "int8") =>
    runOnnx(writeCrossEncoderOnnx(scorer, { precision }), pairs.input_ids, pairs.token_type_ids);
  expectClose((await run("fp32"))["logits"]!, pairs.logits.flat(), { absolute: 1e-5 });
  expectClose((await run("fp16"))["logits"]!, pairs.logits.flat(), { absolute: 1e-3 });
  expectClose((await run("int8"))["logits"]!, pairs.logits.flat(), { absolute: 2e-2 });
});

test("a graph of another model is refused before anything is written", () => {
  const wide = new Map(model.weights);
  wide.set("embeddings.position_embeddings.weight", { shape: [16, 32], values: new Float32Array(512) });
  const write = (weights: EncoderModel["weights"], file: Uint8Array) => () =>
    writeEncoderOnnx({ ...model, weights }, { precision: "fp32", base: file });
  refusal(write(wide, base), "E_MISMATCH", "position_embeddings.weight is [64, 32]", "fp32 model.onnx");
  const quantised = writeEncoderOnnx(model, { precision: "int8", base });
  refusal(write(model.weights, quantised), "E_MISMATCH", "no float tensor");
  refusal(write(model.weights, base.subarray(0, 5000)), "E_ONNX", "byte");
  refusal(write(model.weights, new Uint8Array(0)), "E_ONNX", "no graph");
});
