import { expect, test } from "vitest";
import { figuresOf } from "../../../../src/domain/lab/compare.ts";
import { answerOdds } from "../../../../src/domain/lab/select/answer-odds.ts";
import { readSelectRows } from "../../../../src/domain/lab/select/select-rows.ts";
import { selectorReport, selectPrompt, selectTask } from "../../../../src/domain/lab/select/select-task.ts";
import { expectClose } from "../../../close.ts";
import { bytesOf, jsonLines } from "../reference.ts";
import { lastMessage, ScriptedModel } from "../scripted-model.ts";

const choices = ["weather", "prices", "history"].map((id) => ({ id, description: `Knows about ${id}` }));
const router = jsonLines(
  ...choices,
  { text: "Will it rain?", choices: ["weather"] },
  { text: "What does it cost?", choices: ["prices"], group: "g" },
  { text: "When was it built?", choices: ["history", "prices"] },
);

test("the router's data is read with lines and groups, each question with the same numbered choices", () => {
  const { examples } = readSelectRows("r.jsonl", router);
  expect(examples.map(({ line, right }) => [line, right])).toEqual([
    [4, [0]],
    [5, [1]],
    [6, [2, 1]],
  ]);
  expect(examples[1]!.group).toBe("group:g");
  expect(selectPrompt(examples[0]!).at(-1)!.content).toBe(
    "1. Knows about weather\n2. Knows about prices\n3. Knows about history\n\nQuestion: Will it rain?",
  );
  expect(selectTask.conversations(examples[2]!)[0]!.messages.at(-1)!.content).toBe("3");
});

test("rows with choices of their own are read; bad ones are named by line", () => {
  const own = { question: "Which?", choices: ["red", { name: "b", description: "blue" }] };
  const file = jsonLines(
    { ...own, answer: 2 },
    { ...own, answer: "red" },
    { ...own, answer: null },
    { ...own, answer: 3 },
    { ...own, choices: ["red"], answer: 1 },
    own,
  );
  expect(() => readSelectRows("c.jsonl", file)).toThrow(/line 4: the answer is none of the 2 choices/);
  const { examples, notes } = readSelectRows("c.jsonl", file, { skipBadRows: true });
  expect(examples.map(({ right }) => right)).toEqual([[1], [0], []]);
  expect(notes.map(({ line, skipped }) => [line, skipped])).toEqual([
    [4, true],
    [5, true],
    [6, true],
  ]);
  expect(selectPrompt(examples[0]!).at(-1)!.content).toContain("3. None of these"); // one row has no right choice
  expect(selectTask.conversations(examples[2]!)[0]!.messages.at(-1)!.content).toBe("3");
});

test("a bad line of the router's data can be left out", () => {
  const file = new TextDecoder().decode(router) + '\n{"text": "Why?", "choices": ["nobody"]}';
  expect(() => readSelectRows("r.jsonl", bytesOf(file))).toThrow(/line 7/);
  const { examples, notes } = readSelectRows("r.jsonl", bytesOf(file), { skipBadRows: true });
  expect(examples).toHaveLength(3);
  expect(notes).toMatchObject([{ line: 7, skipped: true }]);
});

/** ln p of the number that the question asks for, by a table. */
function selector(odds: Readonly<Record<string, readonly number[]>>): ScriptedModel {
  return new ScriptedModel({
    next: (prompt, candidate) => {
      const question = /Question: (.*)$/m.exec(lastMessage(prompt))![1]!;
      return Math.log(odds[question]![Number(candidate) - 1]!);
    },
  });
}

test("figures are those of the encoder's routers over the same examples", async () => {
  const { examples } = readSelectRows("r.jsonl", router);
  const model = selector({
    "Will it rain?": [0.7, 0.2, 0.1],
    "What does it cost?": [0.5, 0.3, 0.2],
    "When was it built?": [0.1, 0.2, 0.7],
  });
  const answers = await selectTask.examine(model, examples, {});
  expect(answers.map(({ text }) => text)).toEqual([
    "1. Knows about weather",
    "1. Knows about weather",
    "3. Knows about history",
  ]);
  const figures = figuresOf(selectTask, answers);
  const report = selectorReport(examples, answers, answers, { seed: 1 })!;
  expectClose([figures["accuracy"]!, figures["mrr"]!], [report.tuned.accuracy, report.tuned.mrr], {
    absolute: 1e-12,
  });
  expect(report.confusion!.tuned[1]).toEqual([1, 0, 0, 0]); // prices taken for weather
  expectClose([figures["accuracy"]!, figures["mrr"]!], [2 / 3, (1 + 1 / 2 + 1) / 3], { absolute: 1e-12 });
  // Bins: 0.5 wrong alone, 0.7 right twice.
  expectClose([figures["ece"]!], [(0.5 + 2 * 0.3) / 3], { absolute: 1e-9 });
});

test("none of these counts apart from the choices", async () => {
  const file = jsonLines(
    ...choices.slice(0, 2),
    { text: "Will it rain?", choices: ["weather"] },
    { text: "Who are you?", choices: [] },
  );
  const { examples } = readSelectRows("r.jsonl", file);
  const model = selector({ "Will it rain?": [0.3, 0.1, 0.6], "Who are you?": [0.2, 0.2, 0.6] });
  const figures = figuresOf(selectTask, await selectTask.examine(model, examples, {}));
  expect(figures).toMatchObject({ accuracy: 1, mrr: 1, accuracyWithNone: 0.5 });
});

test("numbers that begin alike are told apart by what follows: 1, 10 and 12", async () => {
  const asked: string[] = [];
  const model = new ScriptedModel({
    next: (prompt, candidate) => {
      asked.push(`${prompt.endsWith("1") ? "1" : ""}${candidate}`);
      return candidate === "1" ? -0.5 : candidate === "2" ? -1 : -2;
    },
  });
  const numbers = Array.from({ length: 12 }, (_, place) => String(place + 1));
  const prompt = { messages: [{ role: "user", content: "Which?" }] } as const;
  const [odds] = await answerOdds(model, [{ prompt, answers: numbers }]);
  expectClose([odds!.reduce((sum, odd) => sum + odd, 0)], [1], { absolute: 1e-12 });
  const own = model.format.tokenizer.encode("10").length > 1;
  expect(own, "digits are tokens of their own").toBe(true);
  const first = Math.exp(-0.5) + Math.exp(-1) + 7 * Math.exp(-2);
  const second = 2 * Math.exp(-2) + Math.exp(-0.5) + Math.exp(-1); // the end of the turn and 0; 1; 2
  const one = Math.exp(-0.5) / first;
  expectClose(
    [odds![0]!, odds![1]!, odds![10]!, odds![11]!],
    [
      (one * Math.exp(-2)) / second,
      Math.exp(-1) / first,
      (one * Math.exp(-0.5)) / second,
      (one * Math.exp(-1)) / second,
    ],
    { absolute: 1e-12 },
  );
});
