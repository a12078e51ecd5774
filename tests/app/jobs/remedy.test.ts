import { expect, test } from "vitest";
import { remedied } from "../../../src/app/jobs/remedy.ts";
import type { StoredQuestion } from "../../../src/app/storage/records.ts";

const question: StoredQuestion = {
  id: "q",
  text: "How?",
  relevant: [
    { passage: "right", grade: 1 },
    { passage: "wrong", grade: 0 },
  ],
  negatives: ["other"],
  state: "accepted",
};

test("an intruder becomes a negative once, and never where it is judged right", () => {
  const after = remedied(question, { intruder: "intruder" }, "hard-negative");
  expect(after.negatives).toEqual(["other", "intruder"]);
  expect(after.relevant).toEqual(question.relevant);
  expect(remedied(after, { intruder: "intruder" }, "hard-negative")).toBe(after);
  expect(remedied(question, { intruder: "right" }, "hard-negative")).toBe(question);
  expect(remedied(question, { intruder: null }, "hard-negative")).toBe(question);
});

test("a fixed label adds a right passage beside the old one and takes it from the negatives", () => {
  const after = remedied({ ...question, negatives: ["other", "wrong"] }, { intruder: "wrong" }, "fix-label");
  expect(after.relevant).toEqual([
    { passage: "right", grade: 1 },
    { passage: "wrong", grade: 1 },
  ]);
  expect(after.negatives).toEqual(["other"]);
  expect(remedied(after, { intruder: "wrong" }, "fix-label")).toBe(after);
  const { negatives: _none, ...plain } = question;
  expect(remedied(plain, { intruder: "x" }, "fix-label")).not.toHaveProperty("negatives");
});

test("a dropped question is rejected, not deleted", () => {
  const after = remedied(question, { intruder: null }, "drop-query");
  expect(after).toEqual({ ...question, state: "rejected" });
  expect(remedied(after, { intruder: null }, "drop-query")).toBe(after);
});
