import { expect, test } from "vitest";
import { judgePrompt } from "../../../../src/domain/lab/judge/judge-prompt.ts";
import { readJudgeRows } from "../../../../src/domain/lab/judge/judge-rows.ts";
import { bytesOf, jsonLines } from "../reference.ts";

const PAIR = { question: "Where?", answer_a: "Here.", answer_b: "There.", verdict: "A" };

test("verdicts are read in the words people write, rows of one question are a group", () => {
  const words = ["A", "[[B]]", "tie", "assistant b", "model_a", "1"];
  const { examples, notes } = readJudgeRows(
    "j.jsonl",
    jsonLines(...words.map((verdict) => ({ ...PAIR, verdict }))),
  );
  expect(examples.map((each) => each.kind === "pairwise" && each.verdict)).toEqual([
    "A",
    "B",
    "C",
    "B",
    "A",
    "A",
  ]);
  expect(new Set(examples.map(({ group }) => group)).size).toBe(1);
  expect(examples.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(notes).toEqual([]);
});

test("CSV rows of scores are read, an empty reference is none", () => {
  const csv = "question,answer,reference,score\nWhere?,Here.,,4.5\nWhen?,Now.,Soon.,2\n";
  const { examples } = readJudgeRows("j.csv", bytesOf(csv));
  expect(examples).toMatchObject([
    { kind: "correctness", question: "Where?", score: 4.5 },
    { kind: "correctness", reference: "Soon.", score: 2 },
  ]);
  expect(examples[0]).not.toHaveProperty("reference");
});

test("bad rows are named by line and reason, or the first of them is the error", () => {
  const rows = jsonLines(
    PAIR,
    { ...PAIR, verdict: "perhaps" },
    { question: "Where?", answer: "Here.", score: 3 },
    { ...PAIR, answer_b: " " },
    { ...PAIR, id: "1" },
  );
  expect(() => readJudgeRows("j.jsonl", rows)).toThrow(/line 2: the verdict is "perhaps"/);
  const { examples, notes } = readJudgeRows("j.jsonl", rows, { skipBadRows: true });
  expect(examples).toHaveLength(1);
  expect(notes.map(({ line, skipped }) => [line, skipped])).toEqual([
    [2, true],
    [3, true],
    [4, true],
    [5, true],
  ]);
  expect(notes.map(({ reason }) => reason).join("; ")).toMatch(
    /correctness row below pairwise.*"answer_b".*"1" stands/,
  );
});

test("a score outside 1 to 5 and a file of other columns are refused", () => {
  const row = { question: "Where?", answer: "Here.", score: 6 };
  expect(() => readJudgeRows("j.jsonl", jsonLines(row))).toThrow(
    /line 1: "score" must be a number from 1 to 5/,
  );
  expect(() => readJudgeRows("j.csv", bytesOf("name,age\nAnn,3\n"))).toThrow(
    /no column is known here: name, age/,
  );
});

test("logged calls of LlamaIndex's evaluators are taken apart and put together again", () => {
  const given = {
    question: "Where is it?",
    answer_a: "In the\n\nnorth.",
    answer_b: "South.",
    reference: "North.",
  };
  const own = readJudgeRows("own.jsonl", jsonLines({ ...given, verdict: "A", feedback: "A is right." }));
  const user = judgePrompt(own.examples[0]!).at(-1)!.content!;
  const chat = (content: string, answer: string): unknown => ({
    messages: [
      { role: "system", content: "You judge." },
      { role: "user", content },
      { role: "assistant", content: answer },
    ],
  });
  const logged = readJudgeRows("logged.jsonl", jsonLines(chat(user, "A is right.\n[[A]]")));
  const { answerA, answerB, question, reference, feedback, verdict } = logged.examples[0]! as never;
  expect({ answerA, answerB, question, reference, feedback, verdict }).toEqual({
    ...{ answerA: given.answer_a, answerB: given.answer_b, question: given.question },
    ...{ reference: given.reference, feedback: "A is right.", verdict: "A" },
  });
  const scored =
    "\n## User Query\nWhere?\n\n## Reference Answer\n(NO REFERENCE ANSWER SUPPLIED)\n\n## Generated Answer\nHere.\n";
  const { examples } = readJudgeRows("scored.jsonl", jsonLines(chat(scored, "4.0\nGood.")));
  expect(examples[0]).toMatchObject({
    kind: "correctness",
    question: "Where?",
    answer: "Here.",
    score: 4,
    feedback: "Good.",
  });
  expect(() => readJudgeRows("x.jsonl", jsonLines(chat("Hello", "Hi")))).toThrow(/no call of a judge/);
});
