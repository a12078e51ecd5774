import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { median } from "../../../src/domain/eval/statistics.ts";
import { copiedTrigrams, copyRate } from "../../../src/domain/eval/tokens.ts";
import { readLlamaIndexDataset } from "../../../src/domain/formats/llamaindex-dataset.ts";
import { ruleGenerator } from "../../../src/domain/synth/rule-generator.ts";
import { clausesOf, inverted } from "../../../src/domain/synth/rules/clause.ts";
import { definitionsIn, glossaryOf } from "../../../src/domain/synth/rules/glossary.ts";
import { splitPassage, type RulePassage } from "../../../src/domain/synth/rules/passage.ts";
import { quantityRule } from "../../../src/domain/synth/rules/quantity.ts";
import {
  actorRule,
  conditionRule,
  definitionRule,
  permissionRule,
  reasonRule,
  topicRule,
} from "../../../src/domain/synth/rules/rules.ts";
import { asAsker, reworded } from "../../../src/domain/synth/rules/words.ts";

const passage = (text: string, glossary = new Map<string, string>()): RulePassage => ({
  ...splitPassage(text),
  glossary,
  weight: () => 1,
});
const asked = (rule: typeof quantityRule, text: string) =>
  rule(passage(text)).map((proposal) => proposal.text);

test("numbers, amounts and dates are asked for in the clause they stand in", () => {
  expect(asked(quantityRule, "Probation lasts ninety days for tower engineers.")).toEqual([
    "how long does Probation last for tower engineers",
  ]);
  expect(asked(quantityRule, "The fund pays £300 a year for dental treatment.")).toEqual([
    "how much does the fund pay for dental treatment",
  ]);
  expect(asked(quantityRule, "The archive moves in October to the river depot.")).toEqual([
    "when does the archive move to the river depot",
  ]);
  expect(asked(quantityRule, "The depot holds sixty parking places behind the river gate.")[0]).toContain(
    "how many parking places",
  );
  expect(asked(quantityRule, "Filters are cleaned twice a week in the river depot.")).toEqual([
    "how often are Filters cleaned in the river depot",
  ]);
});

test("permissions, conditions, reasons and actors are turned to the person who asks", () => {
  expect(asked(permissionRule, "You may take your laptop to the river depot.")[0]).toMatch(
    /^(?:can I|is it allowed to|is it okay to) take my computer to the river depot/,
  );
  expect(asked(permissionRule, "You must wear your helmet near the cranes.")[0]).toMatch(
    /have to|mandatory|need to/,
  );
  expect(asked(conditionRule, "If your helmet gets lost near the cranes, ring the depot.")[0]).toMatch(
    /^(?:what happens if|what should I do when|what if) my helmet receives lost near the cranes/,
  );
  expect(asked(reasonRule, "The depot closes early because the cranes need oil.")[0]).toBe(
    "why does the depot close early",
  );
  expect(asked(actorRule, "The Porters lend helmets for the cranes.")[0]).toBe(
    "who hands out helmets for the cranes",
  );
});

test("a definition is asked for both ways", () => {
  const questions = asked(definitionRule, "A raisin day is a day of paid holiday.");
  expect(questions).toHaveLength(2);
  expect(questions[0]).toContain("raisin day");
  expect(questions[1]).toContain("day of paid vacation");
  expect(questions[1]).not.toContain("raisin");
});

test("definitions are found in plain and in passing, lists are not taken for them", () => {
  const terms = (text: string) => definitionsIn(text).map(({ term, meaning }) => [term, meaning]);
  expect(terms("Churn means the share of customers who leave. It is bad.")).toEqual([
    ["Churn", "the share of customers who leave"],
  ]);
  expect(terms("Open Magpie, our booking desk, and give it the dates.")).toEqual([
    ["Magpie", "our booking desk"],
  ]);
  expect(terms("You get a badge, a locker in the corridor, a key and a chair.")).toEqual([]);
  const glossary = glossaryOf([
    "A crumb is a claim for money you spent.",
    "Send crumbs by Friday.",
    "A once is a term used only here.",
  ]);
  expect([...glossary]).toEqual([["crumb", "a claim for money you spent"]]);
});

test("house words are asked for by their meaning, common words by others, and you becomes I", () => {
  const glossary = new Map([["crumb", "a claim for money you spent"]]);
  expect(reworded("send a crumb", glossary, 0)).toBe("submit a request for funds you spent");
  expect(asAsker("you are told when your keeper rings you about it")).toBe(
    "I am told when my keeper rings me about it",
  );
});

test("clauses are read only where their grammar is plain", () => {
  const questions = (text: string) => clausesOf(text).map((clause) => inverted(clause));
  expect(questions("The committee approves new vendors.")).toEqual([
    "does the committee approve new vendors",
  ]);
  expect(questions("Visitors wait at the gate.")).toEqual(["do Visitors wait at the gate"]);
  expect(questions("Announce guests by the evening before.")).toEqual([
    "do I have to announce guests by the evening before",
  ]);
  expect(questions("The gate can be opened by hand.")).toEqual(["can the gate be opened by hand"]);
  expect(questions("What you say is kept.")).toEqual([]);
  expect(questions("Nothing.")).toEqual([]);
});

test("a first line that ends no sentence is the heading", () => {
  expect(splitPassage("Parking\nSixty places lie behind the gate. Bring a permit.")).toEqual({
    heading: "Parking",
    sentences: ["Sixty places lie behind the gate.", "Bring a permit."],
  });
  expect(splitPassage("Sixty places lie behind the gate.", "Given").heading).toBe("Given");
});

test("the topic rule has something to say about any text", () => {
  expect(asked(topicRule, "Turbine blades corrode quickly offshore.")[0]).toContain("turbine");
});

test("copy rate is the share of the question's three-word runs in the passage", () => {
  expect(copiedTrigrams("the quick brown fox ran", "See THE quick, brown fox!")).toBeCloseTo(2 / 3);
  expect(copiedTrigrams("brown fox", "the brown fox")).toBe(1);
  expect(copiedTrigrams("", "x")).toBe(0);
});

const sample = readLlamaIndexDataset(
  new Uint8Array(readFileSync("public/samples/handbook/test.json")),
).dataset;
const texts = sample.passages.map(({ text }) => text);
const generator = ruleGenerator(texts);
const rows = await Promise.all(sample.passages.map((row) => generator.generate(row, 2)));

test("every passage of the sample gets two different questions, each with its rule and a sentence of the passage", () => {
  for (const [index, questions] of rows.entries()) {
    expect(questions).toHaveLength(2);
    expect(new Set(questions.map(({ text }) => text)).size).toBe(2);
    for (const { rule, sentence } of questions) {
      expect(rule).toBeTruthy();
      expect(texts[index]!.includes(sentence!), sentence).toBe(true);
    }
  }
});

test("the questions copy little: median share of three-word runs at most 0.5, none mostly copied", () => {
  const copied = rows.flatMap((questions, index) =>
    questions.map(({ text }) => copiedTrigrams(text, texts[index]!)),
  );
  expect(median(copied)).toBeLessThanOrEqual(0.1);
  expect(Math.max(...copied)).toBeLessThanOrEqual(0.5);
  const words = rows.flatMap((questions, index) =>
    questions.map(({ text }) => copyRate(text, texts[index]!)),
  );
  expect(median(words)).toBeLessThanOrEqual(0.7);
});

test("the same corpus gives the same questions; another corpus has another identity", async () => {
  const again = ruleGenerator(texts);
  expect(await Promise.all(sample.passages.map((row) => again.generate(row, 2)))).toEqual(rows);
  expect(again.identity).toBe(generator.identity);
  expect(ruleGenerator(texts.slice(1)).identity).not.toBe(generator.identity);
});

test("any text gives questions or none, never an error: no sentences, one word, other scripts, a megabyte", async () => {
  const alone = ruleGenerator();
  for (const text of [
    "",
    "Word",
    "###",
    "1 2 3",
    "東京都庁は新宿区にあります。",
    "مرحبا بالعالم",
    "x ".repeat(500_000),
    "a".repeat(200_000),
  ]) {
    expect((await alone.generate({ id: "x", text }, 2)).length).toBeLessThanOrEqual(2);
  }
});
