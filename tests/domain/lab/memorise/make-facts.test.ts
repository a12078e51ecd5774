import { expect, test } from "vitest";
import type { TaughtRow } from "../../../../src/domain/lab/distil/teach.ts";
import { factLines, madeFact } from "../../../../src/domain/lab/memorise/make-facts.ts";
import { memoriseTask } from "../../../../src/domain/lab/memorise/memorise.ts";
import { questionOver } from "../../../../src/domain/lab/question-prompt.ts";

const row: TaughtRow = {
  ...{ key: "k", question: "q1", document: "handbook" },
  prompt: questionOver(["Refunds take 14 days."], "How long do refunds take?"),
  answer: "14 days.",
};
const teacher =
  (verdict: string) =>
  (prompt: string): Promise<string> =>
    Promise.resolve(
      prompt.includes("YES or NO")
        ? verdict
        : "1. When is a refund paid?\n2. How long do refunds take?\n3. How quick is a refund?",
    );

test("a fact has its passage and other wordings, and is a row to memorise", async () => {
  const fact = (await madeFact(row, teacher("YES. Nothing is missing.")))!;
  expect(fact).toEqual({
    ...{ id: "q1", question: "How long do refunds take?", answer: "14 days.", document: "handbook" },
    paraphrases: ["When is a refund paid?", "How quick is a refund?"],
    context: "Refunds take 14 days.",
  });
  const bytes = new TextEncoder().encode(factLines([fact]));
  const [example] = memoriseTask().read("facts.jsonl", bytes).examples;
  expect(example).toMatchObject({
    kind: "fact",
    learnt: true,
    group: "handbook",
    paraphrases: fact.paraphrases,
  });
});

test("the second look drops by the word no, not by what begins like it", async () => {
  expect(await madeFact(row, teacher("No."))).toBeUndefined();
  expect(await madeFact(row, teacher("Noted: YES"))).toBeDefined();
  expect(await madeFact(row, teacher("no"), { check: false, paraphrases: 0 })).toMatchObject({
    paraphrases: [],
  });
});
