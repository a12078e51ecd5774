import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OnnxEncoder } from "../../../src/app/encoders/onnx-encoder.ts";
import { openTextEmbedder } from "../../../src/domain/models/embed-texts.ts";
import type { EncoderModel } from "../../../src/domain/models/encoder-model.ts";
import { rowOf } from "../../../src/domain/matrix.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { DEFAULT_MODEL, filesOnDisk } from "../../app/encoders/files-on-disk.ts";
import { expectClose } from "../../close.ts";
import { openTestCpu } from "../recipes/open-backend.ts";
import { fourSteps, FOUR_STEPS } from "./four-steps.ts";
import { bgeSmall } from "./model-folders.ts";

// The real model on the CPU backend. Four training steps are compared with torch's where the recorded run is on this
// machine: its token ids are a company's report, so it is read where it lies.
let backend: Backend;
let model: EncoderModel;

beforeAll(async () => {
  backend = await openTestCpu();
  model = bgeSmall();
});
afterAll(() => backend.dispose());

/** 64 texts of one token to more than the model sees: other scripts, questions and passages of the sample. */
function mixedTexts(): readonly string[] {
  const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
  const strange = read("tests/fixtures/encoder/texts.json") as string[];
  const sample = read("public/samples/handbook/train.json") as {
    queries: Record<string, string>;
    corpus: Record<string, string>;
  };
  const passages = Object.values(sample.corpus).slice(0, 10);
  return [...strange, ...passages, ...Object.values(sample.queries)].slice(0, 64);
}

test("bge-small gives the vectors that onnxruntime-web gives, for 64 texts of mixed length", async () => {
  const texts = mixedTexts();
  const onnx = await OnnxEncoder.open(filesOnDisk(DEFAULT_MODEL), { device: "wasm", threads: 1 });
  const want = await onnx.encode(texts);
  await onnx.close();
  const embedder = await openTextEmbedder(backend, model);
  const got = await embedder.embed(texts);
  embedder.dispose();
  expect(got.rows).toBe(64);
  for (const [row, text] of texts.entries()) {
    expectClose(rowOf(got, row), rowOf(want, row), { absolute: 1e-4 }, text.slice(0, 40));
  }
}, 300_000);

const recorded = existsSync(FOUR_STEPS);
if (!recorded) process.stdout.write(`${FOUR_STEPS} is absent: four steps of bge-small are not checked\n`);

test.runIf(recorded)(
  "four steps of bge-small have torch's losses and gradient norms",
  () => fourSteps(backend, model),
  300_000,
);
