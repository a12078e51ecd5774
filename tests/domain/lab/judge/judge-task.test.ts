import { expect, test } from "vitest";
import { renderedRows } from "../../../../src/domain/chat/rendered-row.ts";
import { compareAnswers } from "../../../../src/domain/lab/compare.ts";
import { judgeConfusion } from "../../../../src/domain/lab/judge/judge-measures.ts";
import { judgeTask } from "../../../../src/domain/lab/judge/judge-task.ts";
import { jsonLines } from "../reference.ts";
import { lastMessage, ScriptedModel } from "../scripted-model.ts";

const rows = Array.from({ length: 8 }, (_, place) => ({
  question: `Which of ${place}?`,
  answer_a: place % 2 === 0 ? "right" : "wrong",
  answer_b: place % 2 === 0 ? "wrong" : "right",
  verdict: place % 2 === 0 ? "A" : "B",
}));
const { examples } = judgeTask.read("j.jsonl", jsonLines(...rows));

/** Looks at the answers; `first` says which letter it prefers where it does not. */
function judge(knows: (question: string) => boolean, first = "A"): ScriptedModel {
  return new ScriptedModel({
    next: (prompt, candidate) => {
      const asked = lastMessage(prompt);
      const better = /Assistant A’s Answer\]\nright/.test(asked) ? "A" : "B";
      return Math.log((knows(asked) ? better : first) === candidate ? 0.8 : 0.1);
    },
  });
}

test("verdicts without feedback are taught in both orders", () => {
  const taught = judgeTask.conversations(examples[0]!);
  expect(taught.map(({ messages }) => messages.at(-1)!.content)).toEqual(["[[A]]", "[[B]]"]);
  expect(taught[1]!.messages.at(-2)!.content).toContain("Assistant A’s Answer]\nwrong");
});

test("a judge that looks at the answers agrees, one that looks at the order is a tie", async () => {
  const base = await judgeTask.examine(
    judge(() => false),
    examples,
    {},
  );
  const tuned = await judgeTask.examine(
    judge(() => true),
    examples,
    {},
  );
  expect(base.map(({ measures }) => measures["positionConsistency"])).toEqual(examples.map(() => 0));
  expect(base[0]!.detail).toMatchObject({
    said: "C",
    original: "A",
    flipped: "A",
    consensus: { source: "neither" },
  });
  const { figures, verdict } = compareAnswers(judgeTask, examples, base, tuned);
  const of = (key: string): unknown => figures.find((figure) => figure.key === key);
  expect(verdict).toBe("better");
  expect(of("agreement")).toMatchObject({ base: 0, tuned: 1, verdict: "better" });
  expect(of("kappa")).toMatchObject({ base: 0, tuned: 1 });
  expect(of("inconclusive")).toMatchObject({ base: 8, tuned: 0 });
  expect(of("conclusiveAgreement")).toBeUndefined(); // the base has no conclusive row
});

test("the prompt asked is the prompt taught, up to the letter", async () => {
  const seen: string[] = [];
  const model = new ScriptedModel({
    next: (prompt, candidate) => {
      seen.push(prompt);
      return candidate === "A" ? -0.1 : -3;
    },
  });
  await judgeTask.examine(model, examples.slice(0, 1), {});
  const [taught] = judgeTask.conversations(examples[0]!);
  const row = renderedRows(model.format, taught!, { learn: "last-answer" })[0]!;
  expect(model.format.tokenizer.decode([...row.ids]).startsWith(`${seen[0]!}A`)).toBe(true);
});

test("rows with feedback are written and read; words without a verdict are no verdict", async () => {
  const written = judgeTask.read(
    "j.jsonl",
    jsonLines(...rows.slice(0, 2).map((row) => ({ ...row, feedback: "One of them is right." }))),
  ).examples;
  expect(judgeTask.conversations(written[0]!)).toHaveLength(1);
  const model = new ScriptedModel({
    answer: (prompt) => {
      if (lastMessage(prompt).includes("Which of 1?")) return "I cannot say.";
      return /Assistant A’s Answer\]\nright/.test(prompt) ? "A is right.\n[[A]]" : "B is right.\n[[B]]";
    },
  });
  const answers = await judgeTask.examine(model, written, {});
  expect(answers.map(({ measures }) => measures["agreement"])).toEqual([1, 0]);
  expect(answers[1]!.detail).toMatchObject({ said: null, original: null });
  expect(judgeConfusion(answers)).toEqual({
    labels: ["A", "B", "C", "none"],
    counts: [
      [1, 0, 0, 0],
      [0, 0, 0, 1],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ],
  });
});

test("scores are the likeliest of five, and near misses cost κ little", async () => {
  const scored = judgeTask.read(
    "s.jsonl",
    jsonLines(
      ...[1, 2, 3, 4, 5, 5].map((score, place) => ({ question: `q${place}`, answer: `is ${score}`, score })),
    ),
  ).examples;
  const model = (off: number): ScriptedModel =>
    new ScriptedModel({
      next: (prompt, candidate) => {
        const right = Number(/is (\d)/.exec(lastMessage(prompt))![1]);
        return Number(candidate) === Math.min(5, right + off) ? -0.1 : -4;
      },
    });
  const exact = await judgeTask.examine(model(0), scored, {});
  const near = await judgeTask.examine(model(1), scored, {});
  expect(exact.map(({ text }) => text)).toEqual(["1", "2", "3", "4", "5", "5"]);
  const { figures } = compareAnswers(judgeTask, scored, near, exact);
  const of = (key: string): { base: number; tuned: number } => figures.find((figure) => figure.key === key)!;
  expect(of("agreement")).toMatchObject({ base: 2 / 6, tuned: 1 });
  expect(of("kappa").base).toBeGreaterThan(0.8);
  expect(of("spearman").base).toBeGreaterThan(0.9);
  expect(figures.map(({ key }) => key)).not.toContain("positionConsistency");
});
