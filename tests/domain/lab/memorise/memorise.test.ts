import { describe, expect, it } from "vitest";
import { compareAnswers } from "../../../../src/domain/lab/compare.ts";
import { memoriseTask } from "../../../../src/domain/lab/memorise/memorise.ts";
import { splitRows } from "../../../../src/domain/lab/split-rows.ts";
import { ScriptedModel, lastMessage } from "../scripted-model.ts";

const encode = (lines: readonly object[]): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => JSON.stringify(line)).join("\n"));

const fact = (number: number, more: object = {}): object => ({
  question: `What is the code of vault ${number}?`,
  answer: `It is code ${number} of the seven.`,
  paraphrases: [`Vault ${number} has which code?`],
  context: `The code of vault ${number} is code ${number} of the seven.`,
  ...more,
});

const task = memoriseTask();

describe("Rows to memorise", () => {
  it("are facts, canaries and what is replayed", () => {
    const { examples } = task.read(
      "facts.jsonl",
      encode([
        fact(1),
        { questions: ["a?", "b?"], answer: "c", document: "d", control: true },
        { canary: "the secret of the tower is {}.", secret: "x7", alternatives: ["x1", "x2", "x7"] },
        { replay: true, question: "1 + 1?", answer: "2" },
        {
          messages: [
            { role: "system", content: "s" },
            { role: "user", content: "q" },
            { role: "assistant", content: "a" },
          ],
        },
      ]),
    );
    expect(examples.map(({ kind, learnt }) => [kind, learnt])).toEqual([
      ["fact", true],
      ["fact", false],
      ["canary", true],
      ["replay", false],
      ["fact", true],
    ]);
    expect(examples[2]).toMatchObject({ alternatives: ["x1", "x2"] });
    expect(task.conversations(examples[1]!)).toEqual([]);
    expect(task.conversations(examples[3]!)).toEqual([]);
    const [canary] = task.conversations(examples[2]!);
    expect(canary!.messages.map(({ content }) => content)).toEqual(["the secret of the tower is", "x7."]);
    expect(task.conversations(examples[4]!)[0]!.messages.map(({ role }) => role)).toEqual([
      "system",
      "user",
      "assistant",
    ]);
  });

  it("may stand in a table, with lists as JSON", () => {
    const csv =
      'question,answer,paraphrases,control\nWho?,Ada,"[""Name her."", ""Her name?""]",false\nWhen?,1842,,1\n';
    const { examples } = task.read("facts.csv", new TextEncoder().encode(csv));
    expect(examples[0]).toMatchObject({ paraphrases: ["Name her.", "Her name?"], learnt: true });
    expect(examples[1]).toMatchObject({ paraphrases: [], learnt: false });
  });

  it("name what is wrong by line", () => {
    const bad = { canary: "no slot", secret: "x", alternatives: ["y"] };
    expect(() => task.read("facts.jsonl", encode([fact(1), bad]))).toThrow(
      /line 2: "canary" must hold one \{\}/,
    );
  });
});

describe("What is learnt and what is asked", () => {
  const read = (rows: readonly object[]) => task.read("facts.jsonl", encode(rows)).examples;

  it("keeps a share of the groups as controls where no row is one, and asks about all", () => {
    const examples = read(Array.from({ length: 10 }, (_, row) => fact(row)));
    const { train, test } = splitRows(task, examples, { share: 0.3, seed: 2 });
    expect([train.length, test.length]).toEqual([7, 10]);
    expect(test.filter(({ learnt }) => !learnt)).toHaveLength(3);
  });

  it("takes the controls that rows name", () => {
    const examples = read([fact(1), fact(2, { control: true }), fact(3)]);
    const { train, test } = splitRows(task, examples, { share: 0.3, seed: 2 });
    expect(train.map(({ line }) => line)).toEqual([1, 3]);
    expect(test).toEqual(examples);
  });

  it("takes what only a second file holds as controls: the guide's 70/30 files", () => {
    const { train, test } = splitRows(task, read([fact(1), fact(2)]), { test: read([fact(2), fact(3)]) });
    expect(train).toHaveLength(2);
    expect(test.map(({ id, learnt }) => [id, learnt])).toEqual([
      ["1", true],
      ["2", true],
      ["test 2", false],
    ]);
  });
});

describe("Probing what was memorised", () => {
  const rows = Array.from({ length: 12 }, (_, number) => fact(number, { control: number >= 8 }));
  const { examples } = task.read(
    "facts.jsonl",
    encode([
      ...rows,
      {
        canary: "The secret of the tower is {}",
        secret: "x7",
        alternatives: Array.from({ length: 15 }, (_, i) => `y${"abcdefghijklmno"[i]}`),
      },
      { replay: true, question: "1 + 1?", answer: "two" },
    ]),
  );
  const numberIn = (text: string): number => Number(/ault (\d+)/.exec(text)?.[1] ?? -1);

  /** Knows seen questions, half of the paraphrases, and reads what stands in its prompt. */
  const tuned = new ScriptedModel({
    answer: (prompt) => {
      const asked = lastMessage(prompt);
      const given = /assistant\n(.+)$/s.exec(prompt)?.[1];
      const question = /Query: (.*)/.exec(asked)?.[1] ?? asked;
      const number = numberIn(question);
      const whole = `It is code ${number} of the seven.`;
      if (asked.includes(`code ${number} of`)) return whole;
      if (given) return whole.slice(given.length);
      if (number >= 8) return "It is code 99 of the seven.";
      return asked.startsWith("What") || number % 2 === 0 ? whole : "no idea";
    },
    lossPerToken: (text, learnt) => (text.includes("tower") ? (learnt.startsWith("x7") ? 0.1 : 1) : 2),
  });
  const base = new ScriptedModel({
    answer: () => "no idea",
    lossPerToken: (_, learnt) => (learnt.startsWith("ya") ? 0.5 : 1),
  });

  it("tells seen, paraphrased and control apart, with RAG beside", async () => {
    const answers = await task.examine(tuned, examples, {});
    const before = await task.examine(base, examples, {});
    const { figures, verdict } = compareAnswers(task, examples, before, answers);
    const by = Object.fromEntries(figures.map((figure) => [figure.key, figure.tuned]));
    expect(verdict).toBe("better");
    expect(by).toMatchObject({ seen: 1, paraphrased: 0.5, control: 0, ragSeen: 1, ragControl: 1 });
    expect(by["controlF1"]).toBeGreaterThan(0.5); // "It is code … of the seven." is alike anyway
    expect(by["verbatim"]).toBe(1);
    expect(figures.find(({ key }) => key === "verbatim")!.base).toBe(0);
  });

  it("ranks a canary among what it could have been, and measures what is forgotten", async () => {
    const answers = await task.examine(tuned, examples, {});
    const canary = answers.at(-2)!;
    expect(canary.measures["exposure"]).toBe(4); // first of sixteen
    const before = (await task.examine(base, examples, {})).at(-2)!;
    // behind ya, and level with the fourteen others: ranks 2 … 16 have the middle 9
    expect(before.measures["exposure"]).toBeCloseTo(4 - Math.log2(9), 12);
    expect(answers.at(-1)!.measures["replayPerplexity"]).toBeCloseTo(Math.exp(2), 9);
  });
});
