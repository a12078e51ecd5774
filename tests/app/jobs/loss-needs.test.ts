import { expect, test } from "vitest";
import { lossNeeds, lossObstacle } from "../../../src/app/jobs/loss-needs.ts";
import type { Recipe } from "../../../src/app/studio-training.ts";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import type { EncoderLoss } from "../../../src/domain/recipes/encoder/encoder-job.ts";

const dataset = (grades: readonly number[]): Dataset => ({
  queries: grades.map((grade, index) => ({
    id: `q${index}`,
    text: `question ${index}`,
    relevant: [{ passage: `p${index}`, grade }],
  })),
  passages: grades.map((_, index) => ({ id: `p${index}`, text: `passage ${index}` })),
});
const pair = (query: number, context: number, score: number) => ({
  query: `question ${query}`,
  context: `passage ${context}`,
  score,
});
const binary = dataset([1, 1, 1]);
const logits = [pair(0, 0, 6.5), pair(0, 1, -3)];

function encoder(kind: EncoderLoss["kind"], negativesPerQuestion?: number): Recipe {
  const more = negativesPerQuestion === undefined ? {} : { negativesPerQuestion };
  const settings = { recipe: "encoder", mode: "recommended", seed: 0, loss: { kind }, ...more } as const;
  return { task: "encoder", settings };
}
const reranker = (loss: "bce" | "listwise" | "margin-mse"): Recipe => ({
  task: "cross-encoder",
  settings: { mode: "recommended", seed: 0, loss },
});

test("distillation without a re-ranker's scores is blocked and says what to import", () => {
  const needs = lossNeeds(binary, []);
  for (const [kind, name] of [
    ["margin-mse", "MarginMSE"],
    ["kl-distillation", "KL distillation"],
  ] as const) {
    const obstacle = lossObstacle(needs.encoder!, encoder(kind));
    expect(obstacle).toMatch(new RegExp(`^${name} .*import \\{query, context`));
  }
  expect(lossObstacle(needs["cross-encoder"]!, reranker("margin-mse"))).toMatch(/import \{query, context/);
  for (const kind of ["mnrl", "symmetric-mnrl", "cached-mnrl", "triplet"] as const) {
    expect(lossObstacle(needs.lora!, encoder(kind))).toBeNull();
  }
});

test("a re-ranker's scores lift it, and stand in the way of right-or-wrong", () => {
  const needs = lossNeeds(binary, logits);
  expect(lossObstacle(needs.encoder!, encoder("margin-mse"))).toBeNull();
  expect(lossObstacle(needs["cross-encoder"]!, reranker("margin-mse"))).toBeNull();
  expect(lossObstacle(needs["cross-encoder"]!, reranker("listwise"))).toBeNull();
  expect(lossObstacle(needs["cross-encoder"]!, reranker("bce"))).toMatch(/choose MarginMSE or Listwise/);
});

test("CoSENT needs an order: grades, scores, wrong passages or mined negatives give one", () => {
  const blocked = lossNeeds(binary, []).encoder!;
  expect(lossObstacle(blocked, encoder("cosent"))).toMatch(/all judgements here have the same one/);
  expect(lossObstacle(blocked, encoder("cosent", 0))).not.toBeNull();
  expect(lossObstacle(blocked, encoder("cosent", 2))).toBeNull();
  expect(lossNeeds(dataset([1, 2, 1]), []).encoder).not.toHaveProperty("cosent");
  expect(lossNeeds(binary, [pair(0, 0, 0.9), pair(0, 1, 0.2)]).encoder).not.toHaveProperty("cosent");
  const wrong = { ...binary, queries: binary.queries.map((query) => ({ ...query, negatives: ["p2"] })) };
  expect(lossNeeds(wrong, []).encoder).not.toHaveProperty("cosent");
});

test("tasks without a loss have no such obstacle", () => {
  const router: Recipe = { task: "router", settings: { trainer: "softmax", seed: 0 } };
  expect(lossObstacle({ mnrl: { text: "never", mined: false } }, router)).toBeNull();
});
