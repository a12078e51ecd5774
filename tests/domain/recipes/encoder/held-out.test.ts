import { expect, test } from "vitest";
import { resolveSettings } from "../../../../src/domain/recipes/encoder/defaults.ts";
import { prepareSet } from "../../../../src/domain/recipes/encoder/encoder-set.ts";
import { HeldOutQuestions, lookBudget } from "../../../../src/domain/recipes/encoder/held-out.ts";
import type { TokenSequence } from "../../../../src/domain/text/pack.ts";
import { tinyJob } from "./tiny-job.ts";

const job = tinyJob({ validation: { share: 0.25 } });
const { set, validation } = prepareSet(job, resolveSettings(job));

/** Vectors that count tokens: equal texts are equal, others nearly orthogonal. */
function countTokens(sequences: readonly TokenSequence[]): Promise<Float32Array> {
  const values = new Float32Array(sequences.length * 241);
  for (const [row, { ids }] of sequences.entries()) for (const id of ids) values[row * 241 + id]! += 1;
  return Promise.resolve(values);
}

test("whole groups are set aside: no held-out question's document is trained on", () => {
  const held = new Set(validation!.dataset.queries.map(({ id }) => id));
  const documents = new Map(job.data.dataset.passages.map(({ id, document }) => [id, document]));
  const of = (ids: readonly string[]): Set<string | undefined> =>
    new Set(
      job.data.dataset.queries
        .filter(({ id }) => ids.includes(id))
        .map(({ relevant }) => documents.get(relevant[0]!.passage)),
    );
  const trained = Array.from(set.questions, (question) => job.data.dataset.queries[question]!.id);
  expect(trained.some((id) => held.has(id))).toBe(false);
  expect(trained.length + held.size).toBe(96);
  for (const document of of([...held])) expect(of(trained).has(document)).toBe(false);
});

test("a look costs no more than its budget, but never lacks a right passage", async () => {
  const small = new HeldOutQuestions(validation!, set, 0, 0);
  const large = new HeldOutQuestions(validation!, set, 1e9, 0);
  const middle = new HeldOutQuestions(validation!, set, (small.tokens + large.tokens) / 2, 0);
  expect(middle.tokens).toBeGreaterThan(small.tokens);
  expect(middle.tokens).toBeLessThanOrEqual((small.tokens + large.tokens) / 2);
  const look = await small.look(countTokens);
  expect(look.hybrid).toHaveLength(validation!.dataset.queries.length);
  expect(Math.min(...look.hybrid)).toBeGreaterThan(0); // a dozen passages or so: all within the first ten, or nearly
});

test("more passages to be wrong about make a look harder, and the hybrid is above the vectors alone", async () => {
  const [small, large] = [0, 1e9].map((tokens) => new HeldOutQuestions(validation!, set, tokens, 0));
  const [few, many] = [await small!.look(countTokens), await large!.look(countTokens)];
  expect(many.dense10).toBeLessThan(few.dense10);
  expect(many.hybrid10).toBeGreaterThan(many.dense10);
  const mean = many.hybrid.reduce((sum, value) => sum + value, 0) / many.hybrid.length;
  expect(many.hybrid10).toBeCloseTo(mean, 12);
});

test("all looks together may embed a quarter of what training computes", () => {
  expect(lookBudget(100_000, 20)).toBe((0.25 * 3 * 100_000) / 20);
});
