import { expect, test } from "vitest";
import {
  faithfulnessByJudge,
  faithfulnessByWords,
  statementsOf,
  supportedByWords,
} from "../../../../src/domain/lab/distil/faithfulness.ts";
import { relevancies, wordCosine } from "../../../../src/domain/lab/distil/relevancy.ts";
import type { Encoder } from "../../../../src/domain/ports.ts";
import { ScriptedModel } from "../scripted-model.ts";

const context = "Refunds take 14 days. The warehouse in Lyon ships 1,200 parcels a day.";

test("a statement is supported by its words and all its numbers", () => {
  expect(supportedByWords("The Lyon warehouse ships 1200 parcels.", context)).toBe(true);
  expect(supportedByWords("The Lyon warehouse ships 1300 parcels.", context)).toBe(false);
  expect(supportedByWords("Refunds need approval by the finance team.", context)).toBe(false);
});

test("faithfulness is the share of supported statements; what states nothing has none", () => {
  const answer = "Refunds take 14 days. They are paid in gold bars by courier.";
  expect(statementsOf(answer)).toHaveLength(2);
  expect(faithfulnessByWords(answer, context)).toBe(0.5);
  expect(faithfulnessByWords("", context)).toBeUndefined();
  expect(faithfulnessByWords("Is it? It is.", context)).toBeUndefined();
});

test("a judge is asked about every statement once, and its likelier word counts", async () => {
  const judge = new ScriptedModel({
    next: (prompt, candidate) => {
      const supports = prompt.includes("Statement: Refunds");
      return /^y/i.test(candidate) === supports ? -0.2 : -2;
    },
  });
  const rows = [
    { answer: "Refunds take 14 days. Lyon ships pianos.", context },
    { answer: "", context },
    { answer: "Refunds are quick.", context },
  ];
  expect(await faithfulnessByJudge(judge, rows)).toEqual([0.5, undefined, 1]);
});

test("relevancy is the cosine of question and answer, by words or by an encoder", async () => {
  expect(wordCosine("how long do refunds take", "refunds take 14 days")).toBeCloseTo(
    2 / Math.sqrt(5 * 4),
    12,
  );
  expect(wordCosine("refunds", "")).toBe(0);
  const vectors: Readonly<Record<string, readonly [number, number]>> = {
    q: [1, 0],
    near: [0.8, 0.6],
    against: [-1, 0],
  };
  const encoder: Encoder = {
    identity: { name: "two", hash: "", dimension: 2, maxTokens: 9, precision: "fp32", queryInstruction: "" },
    encode: (texts) =>
      Promise.resolve({
        rows: texts.length,
        columns: 2,
        values: Float32Array.from(texts.flatMap((text) => vectors[text]!)),
      }),
    close: () => Promise.resolve(),
  };
  const rows = ["near", "against", ""].map((answer) => ({ question: "q", answer }));
  const found = await relevancies(rows, encoder);
  expect(found.map((value) => Number(value.toFixed(6)))).toEqual([0.8, 0, 0]);
});
