import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NANO_ENCODER } from "../../../src/app/encoders/known-encoders.ts";
import { readEncoderModel } from "../../../src/app/encoders/own-models.ts";
import { sha256 } from "../../../src/domain/data/hash.ts";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import { evaluate } from "../../../src/domain/eval/evaluate.ts";
import { EQUAL_WEIGHTS, fusionOf } from "../../../src/domain/eval/fusion.ts";
import type { EvaluationReport } from "../../../src/domain/eval/report.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";
import { openTextEmbedder } from "../../../src/domain/models/embed-texts.ts";
import type { EncoderModel } from "../../../src/domain/models/encoder-model.ts";
import type { TrainedEncoder } from "../../../src/domain/recipes/encoder/encoder-run.ts";
import { openEncoderRun } from "../../../src/domain/recipes/encoder/encoder.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { openTestCpu } from "../../domain/recipes/open-backend.ts";
import { guideData, sampleData } from "../../domain/recipes/training-sets.ts";
import { filesOnDisk } from "./files-on-disk.ts";

const FOLDER = `public/models/${NANO_ENCODER.id}`;
const fusion = fusionOf(EQUAL_WEIGHTS);

let backend: Backend;
let model: EncoderModel;
beforeAll(async () => {
  backend = await openTestCpu();
  model = await readEncoderModel(filesOnDisk(FOLDER));
});
afterAll(() => backend.dispose());

interface Vectors {
  readonly queries: Matrix;
  readonly corpus: Matrix;
}

async function embedded(encoder: EncoderModel, dataset: Dataset): Promise<Vectors> {
  const embedder = await openTextEmbedder(backend, encoder);
  const queries = await embedder.embed(dataset.queries.map(({ text }) => text));
  const corpus = await embedder.embed(dataset.passages.map(({ text }) => text));
  embedder.dispose();
  return { queries, corpus };
}

function judged(dataset: Dataset, base: Vectors, tuned?: Vectors): EvaluationReport {
  return evaluate(dataset, base, {
    instruction: false,
    ...(tuned ? { tuned } : {}),
    fusion: { base: fusion, tuned: fusion },
    seed: 0,
  });
}

test("the files are those whose hashes the page knows, and travel in less than 6 MB", async () => {
  const bytes = (name: string): Uint8Array => new Uint8Array(readFileSync(join(FOLDER, name)));
  expect(await sha256(bytes("model.safetensors"))).toBe(NANO_ENCODER.parts.model);
  expect(await sha256(bytes("tokenizer.json"))).toBe(NANO_ENCODER.parts.tokenizer);
  expect(statSync(join(FOLDER, "model.safetensors")).size).toBeLessThan(6_000_000);
  expect(model.config.hiddenSize).toBe(NANO_ENCODER.dimension);
  expect(model.pooling).toBe(NANO_ENCODER.parts.pooling);
});

const uber = guideData("val");
if (!uber) process.stdout.write("../shared/data/lyft-uber-10k is absent: nano is not judged on it\n");

test.runIf(uber !== undefined)(
  "on Uber's questions it beats a static table of bge's word pieces and hashed words (at best 0.535 and 0.403)",
  async () => {
    const { dataset } = uber!;
    const base = judged(dataset, await embedded(model, dataset)).systems.base!;
    expect(base["hit@5"]).toBeGreaterThan(0.595);
    expect(base["mrr@10"]).toBeGreaterThan(0.45);
  },
  300_000,
);

test("a full fine-tune of it on the sample makes the sample's search better", async () => {
  const [train, held] = [sampleData("train").dataset, sampleData("test").dataset];
  const run = await openEncoderRun(backend, {
    model,
    data: { dataset: train },
    settings: { recipe: "encoder", mode: "recommended", learningRate: 2e-4, epochs: 2, seed: 0 },
  });
  const { model: tuned, losses } = await tunedOf(run.steps());
  run.dispose();
  const tenth = Math.ceil(losses.length / 10);
  expect(mean(losses.slice(-tenth))).toBeLessThan(0.8 * mean(losses.slice(0, tenth)));
  const report = judged(held, await embedded(model, held), await embedded(tuned, held));
  expect(report.systems.tuned!["mrr@10"]).toBeGreaterThan(report.systems.base!["mrr@10"]);
}, 300_000);

async function tunedOf(
  steps: AsyncGenerator<unknown, TrainedEncoder, void>,
): Promise<{ model: EncoderModel; losses: readonly number[] }> {
  for (;;) {
    const next = await steps.next();
    if (!next.done) continue;
    const { tuned, losses } = next.value;
    if (tuned.kind !== "encoder") throw new Error("expected a whole encoder");
    return { model: tuned.model, losses };
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
