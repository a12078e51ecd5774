import { describe, expect, it } from "vitest";
import { lexicalRetriever } from "../../../../src/domain/lab/passage-retriever.ts";
import { questionText } from "../../../../src/domain/lab/question-prompt.ts";
import { raditTask, withRetrieved } from "../../../../src/domain/lab/radit/radit.ts";
import { raditTable } from "../../../../src/domain/lab/radit/radit-table.ts";
import { answerLikelihoods } from "../../../../src/domain/lab/radit/supervision.ts";
import { ScriptedModel, lastMessage } from "../scripted-model.ts";

const encode = (lines: readonly object[]): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => JSON.stringify(line)).join("\n"));

const COLOURS = ["red", "blue", "green", "white", "black", "pink"];
const context = (row: number): string => `The flag of house ${row} is ${COLOURS[row]}.`;
const rows = COLOURS.map((colour, row) => ({
  question: `What is the flag of house ${row}?`,
  answer: colour,
  context: context(row),
  contexts: [context((row + 1) % 6), context((row + 2) % 6)],
}));

const task = raditTask();
const { examples } = task.read("rows.jsonl", encode(rows));
const passages = COLOURS.map((_, row) => context(row));

/** Reads the colour off the passage in its prompt; the untuned one says where it comes from. */
function reader(prefix: string, loss: (text: string) => number = () => 1): ScriptedModel {
  return new ScriptedModel({
    answer: (prompt) => prefix + (/house \d is (\w+)\./.exec(lastMessage(prompt))?.[1] ?? "nothing"),
    lossPerToken: loss,
  });
}

describe("Rows of RA-DIT", () => {
  it("bring their passages, the right one first, and are grouped by it", () => {
    expect(examples[0]).toMatchObject({
      question: "What is the flag of house 0?",
      right: context(0),
      contexts: [context(0), context(1), context(2)],
      group: `context: ${context(0)}`,
    });
    const other = task.read("rows.jsonl", encode([{ query: "q", response: "a", document: "d" }])).examples[0];
    expect(other).toMatchObject({ question: "q", answer: "a", group: "d", right: undefined });
  });

  it("may be the guide's chats, whose questions stand over a passage", () => {
    const chat = (content: string): object => ({
      messages: [
        { role: "user", content },
        { role: "assistant", content: "red" },
      ],
    });
    const read = (row: object) => task.read("chats.jsonl", encode([row])).examples[0];
    expect(read(chat(questionText([context(0)], "Which flag?")))).toMatchObject({
      ...{ question: "Which flag?", answer: "red", contexts: [context(0)], right: undefined },
    });
    expect(() => read(chat("Which flag?"))).toThrow(/line 1: a question over its passage is needed/);
  });

  it("are learnt once for each passage by itself: those of the row, or what a retriever brings", async () => {
    expect(task.conversations(examples[0]!)).toHaveLength(3);
    const [found] = await withRetrieved(examples, lexicalRetriever(passages), 2);
    const talks = task.conversations(found!);
    expect(talks).toHaveLength(2);
    expect(talks[0]!.messages[0]!.content).toContain(context(0));
    expect(talks.every(({ messages }) => messages.at(-1)!.content === "red")).toBe(true);
  });
});

describe("Judging RA-DIT", () => {
  it("asks over the first passage, and over wrong ones only", async () => {
    const answers = await task.examine(reader(""), examples, {});
    expect(answers.map(({ measures }) => measures["exactMatch"])).toEqual(COLOURS.map(() => 1));
    expect(answers.map(({ measures }) => measures["distractorExactMatch"])).toEqual(COLOURS.map(() => 0));
    expect(answers[0]!.detail).toMatchObject({ hit: true, passages: [context(0)] });
  });

  it("sets retrievers against models in a table of four", async () => {
    const wrong = passages.toReversed(); // the flag of house 5 for house 0, and so on
    const base = examples.map((example, row) => ({
      ...example,
      retrieved: [{ place: 0, text: wrong[row]!, score: 1 }],
    }));
    const tuned = await withRetrieved(examples, lexicalRetriever(passages), 2);
    const models = { base: reader("It says "), tuned: reader("") };
    const { cells, hits } = await raditTable(task, { base, tuned }, models, { seed: 1 });
    expect(cells.map(({ retriever, model, figures }) => [retriever, model, figures["exactMatch"]])).toEqual([
      ["base", "base", 0],
      ["base", "tuned", 0],
      ["tuned", "base", 0],
      ["tuned", "tuned", 1],
    ]);
    expect(hits.base).toEqual({ hitAt1: 0, hitAtK: 0, k: 1, mrr: 0 });
    expect(hits.tuned).toMatchObject({ hitAt1: 1, k: 2 });
    expect(cells[0]!.against).toEqual([]);
    const exact = cells[3]!.against.find(({ key }) => key === "exactMatch")!;
    expect(exact.delta.value).toBeCloseTo(1, 12);
    expect(exact.verdict).toBe("better");
  });
});

describe("What the model says about passages", () => {
  it("is scored once a model, question, passage and answer, by the token", async () => {
    const model = reader("", (text) => (text.includes("flag of house 0 is") ? 0.5 : 3));
    const asked = examples.slice(0, 2).map((example) => ({ example, passages: [context(0), context(1)] }));
    const cache = new Map<string, number>();
    const found = await answerLikelihoods(model, "hash", asked, cache);
    expect(found.map((own) => [...own])).toEqual([
      [-0.5, -3],
      [-0.5, -3],
    ]);
    const { length } = model.scored;
    await answerLikelihoods(model, "hash", asked, cache);
    expect(model.scored).toHaveLength(length);
    await answerLikelihoods(model, "another", asked.slice(0, 1), cache);
    expect(model.scored).toHaveLength(length + 2);
  });
});
