import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Dataset } from "../../../../src/domain/data/dataset.ts";
import { openTextEmbedder } from "../../../../src/domain/models/embed-texts.ts";
import type { EncoderJob, EncoderSettings } from "../../../../src/domain/recipes/encoder/encoder-job.ts";
import { openEncoderRun } from "../../../../src/domain/recipes/encoder/encoder.ts";
import { expectClose } from "../../../close.ts";
import { openTestCpu } from "../open-backend.ts";
import { tinyBert } from "./tiny-job.ts";

// Trainings by sentence-transformers 6.2's losses in the order of its fit() (scripts/peers/encoder_training.py).
interface Recorded {
  readonly settings: {
    readonly batchSize: number;
    readonly epochs: number;
    readonly learningRate: number;
    readonly queryPrompt: string;
  };
  readonly data: {
    readonly queries: Readonly<Record<string, string>>;
    readonly corpus: Readonly<Record<string, string>>;
    readonly relevant_docs: Readonly<Record<string, readonly string[]>>;
    readonly negatives: Readonly<Record<string, readonly string[]>>;
  };
  readonly cases: Readonly<
    Record<
      string,
      {
        readonly losses: readonly number[];
        readonly norms: readonly number[];
        readonly texts: readonly string[];
        readonly vectors: readonly (readonly number[])[];
      }
    >
  >;
}
const recorded = JSON.parse(
  readFileSync(new URL("../../../fixtures/losses/encoder-training.json", import.meta.url), "utf8"),
) as Recorded;
const { queryPrompt, ...settings } = recorded.settings;

const dataset: Dataset = {
  passages: Object.entries(recorded.data.corpus).map(([id, text]) => ({ id, text })),
  queries: Object.entries(recorded.data.queries).map(([id, text]) => ({
    id,
    text,
    relevant: recorded.data.relevant_docs[id]!.map((passage) => ({ passage, grade: 1 })),
  })),
};

function jobOf(own: Partial<EncoderSettings>, negatives: boolean): EncoderJob {
  return {
    model: { ...tinyBert(), prompts: { query: queryPrompt, document: "" } },
    data: { dataset, ...(negatives ? { negatives: recorded.data.negatives } : {}) },
    settings: { recipe: "encoder", mode: "compatible", seed: 0, ...settings, ...own },
  };
}

test.each([
  ["mnrl", {}, false],
  ["mnrl-hard-negatives", {}, true],
  ["mnrl-hard-negatives", { loss: { kind: "cached-mnrl" }, miniBatch: 5 }, true],
  ["matryoshka", { matryoshka: { dimensions: [32, 16, 8] } }, false],
  ["triplet", { loss: { kind: "triplet" } }, true],
] as const)(
  "compatible mode repeats sentence-transformers' training: %s %o",
  async (name, own, negatives) => {
    const want = recorded.cases[name]!;
    const backend = await openTestCpu();
    const run = await openEncoderRun(backend, jobOf(own, negatives));
    const norms: number[] = [];
    for await (const { gradientNorm } of run.steps()) norms.push(gradientNorm);
    const { tuned, losses } = await run.keep();
    run.dispose();
    expect(losses).toHaveLength(want.losses.length);
    expectClose(losses, want.losses, { absolute: 1e-3, relative: 1e-3 });
    expectClose(norms, want.norms, { absolute: 1e-3, relative: 1e-2 });
    if (tuned.kind !== "encoder") throw new Error("expected a whole model");
    const embedder = await openTextEmbedder(backend, tuned.model);
    const vectors = await embedder.embed(want.texts);
    embedder.dispose();
    expectClose(vectors.values, want.vectors.flat(), { absolute: 2e-3 });
  },
);
