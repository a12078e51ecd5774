import { Validator } from "@cfworker/json-schema";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Constraints } from "../../../src/domain/generate/constraints.ts";
import type { Constraint, LanguageModel } from "../../../src/domain/generate/language-model.ts";
import {
  openLanguageModel,
  type OpenLanguageModel,
} from "../../../src/domain/generate/open-language-model.ts";
import { allows } from "../../../src/domain/generate/sampling.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { formatOf, NAMES } from "../chat/chat-fixtures.ts";
import { openTestCpu } from "../recipes/open-backend.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { randomSchema } from "./random-schema.ts";
import { randomDecoder } from "./random-decoder.ts";
import { wordFormat } from "./word-format.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});
afterAll(() => cpu.dispose());

/** Values that are written in one way only. */
const CLOSED = {
  type: "object",
  properties: {
    name: { enum: ["get_weather", "é東🦊", 'a "b" \\ c'] },
    parameters: {
      type: "object",
      properties: {
        city: { const: "Köln" },
        days: { type: "integer", minimum: -3, maximum: 40 },
        hours: { type: "array", items: { type: "boolean" }, minItems: 0, maxItems: 3 },
      },
      required: ["city", "days", "hours"],
    },
    nothing: { type: "null" },
  },
  required: ["name", "parameters"],
};

const OPEN = {
  type: "object",
  properties: {
    text: { type: "string", maxLength: 6 },
    kinds: { type: "array", items: { enum: ["x", 1, null] }, minItems: 1, maxItems: 2 },
  },
  required: ["text", "kinds"],
  additionalProperties: false,
};

/** json.dumps(value, ensure_ascii=False) of Python. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, own]) => `${JSON.stringify(key)}: ${pythonJson(own)}`)
    .join(", ")}}`;
}

function schemaOf(schema: object): Constraint {
  return { kind: "json-schema", schema: JSON.stringify(schema) };
}

async function drawnAnswers(model: LanguageModel, constraint: Constraint, count: number): Promise<string[]> {
  const prompts = Array.from({ length: count }, (_, index) =>
    model.format.promptIds({ messages: [{ role: "user", content: `question ${index}` }] }),
  );
  const settings = { maxTokens: 130, temperature: 1, seed: 5, constraints: prompts.map(() => constraint) };
  const answers = await model.generate(prompts, settings);
  expect(answers.map(({ ended }) => ended)).toEqual(answers.map(() => "turn"));
  return answers.map(({ text }) => text);
}

describe.each(NAMES)("a model of random weights over %s", (name) => {
  let model: OpenLanguageModel;
  beforeAll(async () => {
    model = await openLanguageModel(cpu, randomDecoder("llama", name));
  });
  afterAll(() => model.dispose());

  test("says JSON that fits its schema, spelled as Python's json.dumps spells it", async () => {
    const answers = await drawnAnswers(model, schemaOf(CLOSED), 6);
    const validator = new Validator(CLOSED as ConstructorParameters<typeof Validator>[0]);
    for (const answer of answers) {
      const value: unknown = JSON.parse(answer);
      expect(validator.validate(value).errors).toEqual([]);
      expect(answer).toBe(pythonJson(value));
    }
    expect(new Set(answers).size).toBeGreaterThan(1);
  });

  test("says strings of any letters", async () => {
    const answers = await drawnAnswers(model, schemaOf(OPEN), 6);
    const validator = new Validator(OPEN as ConstructorParameters<typeof Validator>[0]);
    for (const answer of answers) expect(validator.validate(JSON.parse(answer)).errors).toEqual([]);
  });

  test("says what fits a schema made at random", async () => {
    const random = new CounterRandom(NAMES.indexOf(name));
    const schemas = Array.from({ length: 24 }, () => randomSchema(random));
    const prompt = model.format.promptIds({ messages: [{ role: "user", content: "hm" }] });
    const answers = await model.generate(
      schemas.map(() => prompt),
      { maxTokens: 130, temperature: 1, seed: 9, constraints: schemas.map(schemaOf) },
    );
    const whole = answers.map(({ ended }) => ended === "turn");
    expect(whole.filter(Boolean).length).toBeGreaterThan(16); // the others did not come to their end
    for (const [place, { text }] of answers.entries()) {
      if (!whole[place] || text.includes("\uFFFD")) continue; // bytes that are no character have no length
      const validator = new Validator(schemas[place] as ConstructorParameters<typeof Validator>[0]);
      expect(
        validator.validate(JSON.parse(text)).errors,
        `${JSON.stringify(schemas[place])}: ${text}`,
      ).toEqual([]);
    }
  });

  test("says what a grammar allows, from its first letter on", async () => {
    const grammar = 'root ::= "SELECT " name ("," name)? " FROM t;"\nname ::= [a-c] [0-9]';
    const answers = await drawnAnswers(model, { kind: "grammar", grammar }, 4);
    for (const answer of answers) expect(answer).toMatch(/^SELECT [a-c]\d(,[a-c]\d)? FROM t;$/);
  });

  test("keeps to its prompt's own constraint, or to none", async () => {
    const prompt = model.format.promptIds({ messages: [{ role: "user", content: "hm" }] });
    const grammar = (word: string): Constraint => ({ kind: "grammar", grammar: `root ::= "${word}"` });
    const constraints = [grammar("one"), undefined, grammar("two")];
    const answers = await model.generate([prompt, prompt, prompt], { maxTokens: 20, constraints });
    const free = await model.generate([prompt], { maxTokens: 20 });
    expect(answers.map(({ text }) => text)).toEqual(["one", free[0]!.text, "two"]);
  });
});

test("plain words keep to a grammar with the spaces that stand between them", async () => {
  const words = ["select", "c1", "c2", "from", "t1", ",", "where"];
  const constraints = new Constraints(wordFormat(words), words.length + 2);
  const format = wordFormat(words);
  const open = () =>
    constraints.open({ kind: "grammar", grammar: 'root ::= "select c1" (" , c2")* " from t1"' });
  for (const text of ["select c1 from t1", "select c1 , c2 , c2 from t1"]) {
    const constraint = await open();
    for (const id of [...format.tokenizer.encode(text), format.tokenizer.eos!]) {
      expect(allows(await constraint.mask(), id)).toBe(true);
      constraint.accept(id);
    }
    constraint.dispose();
  }
  const constraint = await open();
  const mask = await constraint.mask();
  expect(words.filter((word) => allows(mask, format.tokenizer.idOf(word)!))).toEqual(["select"]);
  constraint.dispose();
  constraints.dispose();
});

test("tokens without a choice cost no pass through the model", async () => {
  const decoder = randomDecoder("qwen2");
  const model = await openLanguageModel(cpu, decoder);
  const prompt = decoder.format.promptIds({ messages: [{ role: "user", content: "hm" }] });
  const constraints: Constraint[] = [{ kind: "grammar", grammar: 'root ::= "1" [0-9]' }];
  const told: string[] = [];
  const onText = (_prompt: number, text: string): void => void told.push(text);
  const [answer] = await model.generate([prompt], { maxTokens: 3, constraints, onText });
  expect(answer).toEqual({ text: told.join(""), tokens: 3, ended: "turn" });
  model.dispose();
});

test.each<[string, Constraint, RegExp]>([
  ["JSON that is none", { kind: "json-schema", schema: "{" }, /JSON/],
  ["a type that is none", schemaOf({ type: "strange" }), /strange/],
  ["a reference to nothing", schemaOf({ $ref: "#/nothing" }), /nothing/],
  ["a grammar without its start", { kind: "grammar", grammar: 'start ::= "a"' }, /root/],
  ["a broken grammar", { kind: "grammar", grammar: "root ::= (" }, /Expect element/],
])("%s is refused with the reason, and the next one is taken", async (_name, constraint, reason) => {
  const constraints = new Constraints(formatOf("chatml"), 523);
  await expect(constraints.open(constraint)).rejects.toMatchObject({
    code: "usage",
    message: expect.stringMatching(reason) as string,
  });
  const next = await constraints.open({ kind: "grammar", grammar: 'root ::= "a"' });
  expect(allows(await next.mask(), formatOf("chatml").tokenizer.idOf("a")!)).toBe(true);
  next.dispose();
  constraints.dispose();
});
