import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GenerationSettings, LanguageModel } from "../../../src/domain/generate/language-model.ts";
import { openLanguageModel } from "../../../src/domain/generate/open-language-model.ts";
import type { Weights } from "../../../src/domain/matrix.ts";
import { mergeLora } from "../../../src/domain/models/merge-lora.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { expectClose } from "../../close.ts";
import { plainLogits } from "../models/llama/plain-decoder.ts";
import { openTestCpu } from "../recipes/open-backend.ts";
import { randomAdapter, randomDecoder, type RandomDecoder, type Shape } from "./random-decoder.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});
afterAll(() => cpu.dispose());

const TEXTS = ["How many rows?", "x", "A longer question about the table of cities, and of rivers."];

function promptsOf({ format }: Pick<LanguageModel, "format">): number[][] {
  return TEXTS.map((content) => format.promptIds({ messages: [{ role: "user", content }] }));
}

/** The likeliest token after each of a growing sequence, by plain loops over all of it. */
function plainGreedy(
  { config, format }: RandomDecoder,
  weights: Weights,
  prompt: readonly number[],
  maxTokens: number,
): number[] {
  const ids = [...prompt];
  while (ids.length < prompt.length + maxTokens) {
    const logits = plainLogits(config, weights, ids).at(-1)!;
    const next = logits.indexOf(Math.max(...logits));
    ids.push(next);
    if (format.endOfTurn.has(next)) break;
  }
  return ids.slice(prompt.length);
}

describe.each<Shape>(["qwen2", "qwen3"])("%s", (shape) => {
  test("answers greedily as plain loops do, prompts of any length side by side", async () => {
    const decoder = randomDecoder(shape);
    const model = await openLanguageModel(cpu, decoder);
    const prompts = promptsOf(decoder);
    const answers = await model.generate(prompts, { maxTokens: 6 });
    const want = prompts.map((prompt) => {
      const ids = plainGreedy(decoder, decoder.weights, prompt, 6);
      const said = ids.filter((id) => !decoder.format.endOfTurn.has(id));
      return {
        text: decoder.format.tokenizer.decode(said, { special: false }),
        tokens: ids.length,
        ended: said.length < ids.length ? "turn" : "length",
      };
    });
    expect(answers).toEqual(want);
    model.dispose();
  });
});

test("an adapter beside the weights answers and scores as one merged into them, and the base as without", async () => {
  const decoder = randomDecoder("llama");
  const lora = randomAdapter(decoder.config, 1);
  const merged = mergeLora(decoder.weights, lora);
  const base = await openLanguageModel(cpu, decoder);
  const beside = await base.tuned("tuned", lora);
  const other = await base.tuned("other", randomAdapter(decoder.config, 2));
  const within = await openLanguageModel(cpu, { ...decoder, lora, merged: true });
  const alone = await openLanguageModel(cpu, { ...decoder, lora });
  const replaced = await openLanguageModel(cpu, { ...decoder, weights: merged });
  const prompts = promptsOf(decoder);
  const ids = [0, 17, 200, 400];
  const shares = async (model: LanguageModel) =>
    (await model.nextTokens(prompts, ids)).flatMap((own) => [...own]);
  const want = await shares(replaced);
  for (const model of [beside, within, alone]) {
    expectClose(await shares(model), want, { absolute: 1e-4 }, model.name);
    expect(await model.generate(prompts, { maxTokens: 4 })).toEqual(
      await replaced.generate(prompts, { maxTokens: 4 }),
    );
  }
  expect((await shares(other)).some((value, index) => Math.abs(value - want[index]!) > 0.1)).toBe(true);
  const plain = await shares(base);
  expect(plain.some((value, index) => Math.abs(value - want[index]!) > 0.1)).toBe(true);
  base.dispose();
  expectClose(await shares(beside), want, { absolute: 1e-4 }, "after the base was disposed");
  for (const model of [beside, other, within, alone, replaced]) model.dispose();
});

test("prompts that wait for a place, and a cache that grows, change no answer", async () => {
  const decoder = randomDecoder("qwen3");
  const prompts = [...promptsOf(decoder), [7], ...promptsOf(decoder).map((ids) => [...ids, 3, 9])];
  const wide = await openLanguageModel(cpu, decoder);
  const want = await wide.generate(prompts, { maxTokens: 9 });
  const narrow = await openLanguageModel(cpu, { ...decoder, sequences: 2, batchTokens: 20 });
  expect(await narrow.generate([[7]], { maxTokens: 9 })).toEqual(want.slice(3, 4));
  expect(await narrow.generate(prompts, { maxTokens: 9 })).toEqual(want);
  expect(await narrow.generate([new Array<number>(140).fill(2)], { maxTokens: 50 })).toHaveLength(1);
  const [first, second] = await Promise.all([
    narrow.generate(prompts, { maxTokens: 9 }),
    narrow.generate(prompts.slice(2), { maxTokens: 9 }),
  ]);
  expect(first).toEqual(want);
  expect(second).toEqual(want.slice(2));
  expect(await narrow.generate([], { maxTokens: 9 })).toEqual([]);
  for (const model of [wide, narrow]) model.dispose();
});

test("score and nextTokens are the likelihoods of plain loops", async () => {
  const decoder = randomDecoder("qwen3");
  const model = await openLanguageModel(cpu, { ...decoder, batchTokens: 64 });
  const prompts = promptsOf(decoder);
  prompts.push(Array.from({ length: 150 }, (_, index) => (index * 31) % 500)); // more places than a chunk of logits has
  const sequences = prompts.map((ids) => ({ ids, supervised: ids.map((_, token) => token % 3 !== 1) }));
  const scores = await model.score(sequences);
  const shares = await model.nextTokens(prompts, [5, 99]);
  for (const [index, { ids, supervised }] of sequences.entries()) {
    const logits = plainLogits(decoder.config, decoder.weights, ids);
    const share = (row: number, id: number): number =>
      logits[row]![id]! - Math.log(logits[row]!.reduce((sum, value) => sum + Math.exp(value), 0));
    const learnt = ids.flatMap((id, token) =>
      token > 0 && supervised[token] ? [-share(token - 1, id)] : [],
    );
    expect(scores[index]!.tokens).toBe(learnt.length);
    expectClose([scores[index]!.loss], [learnt.reduce((sum, value) => sum + value, 0)], { relative: 1e-5 });
    expectClose(shares[index]!, [share(ids.length - 1, 5), share(ids.length - 1, 99)], { absolute: 1e-4 });
  }
  model.dispose();
});

describe("what can go wrong is said", () => {
  const decoder = randomDecoder("qwen2");
  const settings: GenerationSettings = { maxTokens: 4 };

  test.each<[string, readonly (readonly number[])[], GenerationSettings, string]>([
    ["no token", [[]], settings, "no token"],
    ["a strange id", [[1, 9999]], settings, "9999"],
    ["a long prompt", [new Array<number>(190).fill(1)], settings, "pass the model's 192"],
    ["no tokens to make", [[1]], { maxTokens: 0 }, "maxTokens"],
    ["an empty stop", [[1]], { ...settings, stop: [""] }, "stop"],
    ["a cold temperature", [[1]], { ...settings, temperature: -1 }, "temperature"],
    ["a share above all", [[1]], { ...settings, topP: 1.5 }, "topP"],
    ["constraints for other prompts", [[1]], { ...settings, constraints: [] }, "constraints"],
  ])("%s", async (_name, prompts, given, said) => {
    const model = await openLanguageModel(cpu, decoder);
    const failure = model.generate(prompts, given);
    await expect(failure).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining(said) as string,
    });
    model.dispose();
  });

  test("an adapter of another model", async () => {
    const lora = randomAdapter(randomDecoder("qwen3").config, 1);
    const failure = openLanguageModel(cpu, { ...decoder, lora });
    await expect(failure).rejects.toMatchObject({ code: "E_MISMATCH" });
  });

  test("a cancel between tokens", async () => {
    const model = await openLanguageModel(cpu, decoder);
    const abort = new AbortController();
    const onText = (): void => abort.abort();
    const prompts = promptsOf(decoder);
    const failure = model.generate(prompts, { maxTokens: 100, onText }, { signal: abort.signal });
    await expect(failure).rejects.toMatchObject({ code: "cancelled" });
    await expect(model.score([], { signal: abort.signal })).rejects.toMatchObject({ code: "cancelled" });
    expect(await model.generate(prompts, { maxTokens: 1 })).toHaveLength(3);
    model.dispose();
  });
});

test("calls that run while a model is disposed end as cancelled, and later ones are refused", async () => {
  const decoder = randomDecoder("qwen2");
  const model = await openLanguageModel(cpu, decoder);
  const prompts = promptsOf(decoder);
  const onText = (): void => model.dispose();
  const first = model.generate(prompts, { maxTokens: 50, onText });
  const second = model.generate(prompts, { maxTokens: 5 });
  await expect(first).rejects.toMatchObject({ code: "cancelled" });
  await expect(second).rejects.toMatchObject({ code: "cancelled" });
  await expect(model.nextTokens(prompts, [1])).rejects.toMatchObject({ code: "cancelled" });
  model.dispose();
});

test("weights that are no numbers are named", async () => {
  const decoder = randomDecoder("qwen2");
  const weights = new Map(
    [...decoder.weights].map(([name, { shape, values }]) => [name, { shape, values: values.map(() => NaN) }]),
  );
  const model = await openLanguageModel(cpu, { ...decoder, weights });
  const prompts = promptsOf(decoder);
  const failures = [
    model.generate(prompts, { maxTokens: 2 }),
    model.nextTokens(prompts, [1]),
    model.score([{ ids: prompts[0]!, supervised: prompts[0]!.map(() => true) }]),
  ];
  for (const failure of failures) await expect(failure).rejects.toMatchObject({ code: "not-finite" });
  model.dispose();
});

test("equal seeds draw equal answers, whatever stands beside them", async () => {
  const decoder = randomDecoder("llama");
  const model = await openLanguageModel(cpu, decoder);
  const prompts = promptsOf(decoder);
  const settings = { maxTokens: 8, temperature: 1.5, topK: 40, topP: 0.95, seed: 3 };
  const first = await model.generate(prompts, settings);
  expect(await model.generate(prompts, settings)).toEqual(first);
  expect(await model.generate(prompts.slice(0, 1), settings)).toEqual(first.slice(0, 1));
  expect(await model.generate(prompts, { ...settings, seed: 4 })).not.toEqual(first);
  model.dispose();
});
