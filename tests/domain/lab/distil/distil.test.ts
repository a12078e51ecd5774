import { describe, expect, it } from "vitest";
import { compareAnswers } from "../../../../src/domain/lab/compare.ts";
import { distilTask } from "../../../../src/domain/lab/distil/distil.ts";
import { handlerLines, taughtRows, type TaughtRow } from "../../../../src/domain/lab/distil/teach.ts";
import { questionText } from "../../../../src/domain/lab/question-prompt.ts";
import { ScriptedModel, lastMessage } from "../scripted-model.ts";

const encode = (lines: readonly object[]): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => JSON.stringify(line)).join("\n"));

const chat = (user: string, assistant: string, more: object = {}): object => ({
  messages: [
    { role: "user", content: user },
    { role: "assistant", content: assistant },
  ],
  ...more,
});

const days = questionText(["Refunds take 14 days."], "How long do refunds take?");

describe("Rows of distillation", () => {
  const task = distilTask();

  it("are conversations whose last answer is the teacher's, grouped by document, context or question", () => {
    const bytes = encode([
      chat(days, "Refunds take 14 days."),
      chat(questionText(["Refunds take 14 days."], "Are refunds quick?"), "They take 14 days."),
      chat("Name a colour.", "Red.", { document: "colours" }),
      chat("name a colour. ", "Blue."),
    ]);
    const { examples, notes } = task.read("chats.jsonl", bytes);
    expect(notes).toEqual([]);
    expect(examples[0]).toMatchObject({
      id: "1",
      question: "How long do refunds take?",
      context: "Refunds take 14 days.",
      answer: "Refunds take 14 days.",
    });
    expect(examples[1]!.group).toBe(examples[0]!.group);
    expect(examples.slice(2).map(({ group }) => group)).toEqual(["colours", "question: name a colour."]);
  });

  it("name what cannot be learnt by line", () => {
    const bytes = encode([{ inputs: "Q: a A: b" }, chat("q", "a"), { messages: [] }]);
    const { examples, notes } = task.read("chats.jsonl", bytes, { skipBadRows: true });
    expect(examples.map(({ line }) => line)).toEqual([2]);
    expect(notes.map(({ line, skipped }) => [line, skipped])).toEqual([
      [1, true],
      [3, true],
    ]);
    expect(() => task.read("chats.jsonl", bytes)).toThrow(/line 1: a text in "inputs" has no roles/);
  });
});

describe("Judging distillation", () => {
  const task = distilTask();
  const rows = Array.from({ length: 8 }, (_, row) =>
    chat(
      questionText([`Item ${row} costs ${row + 20} euros.`], `What does item ${row} cost?`),
      `Item ${row} costs ${row + 20} euros.`,
    ),
  );
  const { examples } = task.read("chats.jsonl", encode(rows));
  const base = new ScriptedModel({ answer: () => "It costs 99 pounds.", lossPerToken: () => 2 });
  const tuned = new ScriptedModel({
    answer: (prompt) => {
      const row = /What does item (\d)/.exec(lastMessage(prompt))![1]!;
      return `Item ${row} costs ${Number(row) + 20} euros.`;
    },
    lossPerToken: () => 0.5,
  });

  it("tells perplexity of the teacher's words first, then what its own answers have in common with them", async () => {
    const before = await task.examine(base, examples, {});
    const after = await task.examine(tuned, examples, {});
    const { figures, verdict } = compareAnswers(task, examples, before, after);
    expect(verdict).toBe("better");
    const by = Object.fromEntries(figures.map((figure) => [figure.key, figure]));
    expect(figures[0]!.key).toBe("perplexity");
    expect(by["perplexity"]!.base).toBeCloseTo(Math.exp(2), 9);
    expect(by["perplexity"]!.tuned).toBeCloseTo(Math.exp(0.5), 9);
    expect([by["exactMatch"]!.base, by["exactMatch"]!.tuned]).toEqual([0, 1]);
    expect([by["faithfulness"]!.base, by["faithfulness"]!.tuned]).toEqual([0, 1]);
    const [relevant, faithful] = [by["answerRelevancy"]!.tuned, by["faithfulness"]!.tuned];
    expect(by["ragasScore"]!.tuned).toBeCloseTo((2 * relevant * faithful) / (relevant + faithful), 12);
  });

  it("says nothing of faith where no context was given", async () => {
    const plain = task.read("chats.jsonl", encode([chat("hi", "hello")])).examples;
    const [answer] = await task.examine(tuned2(), plain, {});
    expect(Object.keys(answer!.measures)).not.toContain("faithfulness");
    expect(answer!.measures["tokenF1"]).toBe(1);
  });

  const tuned2 = (): ScriptedModel => new ScriptedModel({ answer: () => "Hello!" });
});

describe("Rows made with a teacher", () => {
  const questions = [
    { id: "q1", text: "How long do refunds take?", document: "handbook" },
    { id: "q2", text: "Who ships?", document: "handbook" },
    { id: "q3", text: "What fails?" },
  ];
  const teaching = {
    identity: "teacher 1",
    retrieve: () => Promise.resolve(["Refunds take 14 days.", "Lyon ships."]),
    answer: ({ messages }: { readonly messages: readonly { readonly content?: string }[] }) =>
      messages[0]!.content!.includes("What fails?")
        ? Promise.reject(new Error("gone"))
        : Promise.resolve(` “14” days `),
  };

  it("come as they are answered, skip what is there, and are written as the handler writes them", async () => {
    const rows: TaughtRow[] = [];
    const failed: string[] = [];
    for await (const event of taughtRows(questions, teaching)) {
      if (event.kind === "row") rows.push(event.row);
      else failed.push(event.question);
    }
    expect(rows.map(({ question }) => question).sort()).toEqual(["q1", "q2"]);
    expect(failed).toEqual(["q3"]);
    const again: string[] = [];
    for await (const event of taughtRows(questions, teaching, { done: rows })) again.push(event.kind);
    expect(again).toEqual(["failed"]);
    const text = new TextDecoder().decode(await handlerLines(rows.slice(0, 1)));
    const user = JSON.stringify(questionText(["Refunds take 14 days.", "Lyon ships."], questions[0]!.text));
    expect(text).toBe(
      `{"messages": [{"role": "user", "content": ${user}}, {"role": "assistant", "content": "\\u201c14\\u201d days"}]}`,
    );
    expect(distilTask().read("made.jsonl", new TextEncoder().encode(text)).examples[0]!.context).toBe(
      "Refunds take 14 days.\n\nLyon ships.",
    );
  });

  it("stop where the teacher is gone", async () => {
    const gone = { ...teaching, answer: () => Promise.reject(new Error("gone")) };
    const pulled = async (): Promise<void> => {
      for await (const event of taughtRows(questions, gone, { failuresInARow: 2, concurrency: 1 }))
        expect(event.kind).toBe("failed");
    };
    await expect(pulled()).rejects.toMatchObject({ code: "network" });
  });
});
