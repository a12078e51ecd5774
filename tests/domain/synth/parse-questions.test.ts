import { expect, test } from "vitest";
import { parseCompatible, parseStrict } from "../../../src/domain/synth/parse-questions.ts";
import { DEFAULT_TEMPLATE, fillTemplate } from "../../../src/domain/synth/prompt.ts";
import { Secret } from "../../../src/domain/synth/secret.ts";
import { inspect } from "node:util";
import { refusal } from "../formats/refusal.ts";

test.each([
  ["1. What?", ["What?"]],
  ["2) Why?", ["Why?"]],
  ["3 How?", ["How?"]],
  ["10. B?", ["B?"]],
  ["1.\u00a0A?", ["A?"]],
  ["１. A?\n٣) B?", ["A?", "B?"]], // digits of any script
  ["1. A?\n  2. B?", ["A?", "2. B?"]], // the number is looked for before the line is stripped
  ["  2. B?", ["B?"]], // but the whole answer is stripped first
  ["1.2. A?", ["2. A?"]],
  ["Q1: A?\n- A?\n* B?\n**1.** A?", ["Q1: A?", "- A?"]],
  ["Questions:\n1. A?\n2. B?", ["Questions:", "A?"]],
  ["1. A?\r\n2. B?\r\n", ["A?", "B?"]],
  ["A?\n\n \nB?\nC?", ["A?", "B?"]],
  ["\u001c\u0085A?\u001f", ["A?"]], // Python's strip takes these
  ["\ufeffA?", ["\ufeffA?"]], // and leaves this
  ["", []],
])("the compatible parser reads %j as LlamaIndex does", (answer, questions) => {
  expect(parseCompatible(answer, 2)).toEqual(questions);
});

test.each([
  ["1. What?\n2) Why?", ["What?", "Why?"]],
  ["3 How?", ["How?"]],
  ["  2. B?\n １. C?", ["B?", "C?"]],
  ["1.2. A?", ["A?"]],
  ["Q1: A?\nQuestion 2 - B?", ["A?", "B?"]],
  ["- A?\n* B?", ["A?", "B?"]],
  ["**1.** A?\n**2. B?**", ["A?", "B?"]],
  ["Here are 2 questions:\n1. A?\n2. B?", ["A?", "B?"]],
  ["Questions:\n\"A?\"\n'B?'", ["A?", "B?"]],
  ["A? (see section 2)\nB?", ["A?", "B?"]],
  ["A?\na?\nB?", ["A?", "B?"]],
  ["Was it 401 or 403 in 2021?\n401 errors: why?", ["Was it 401 or 403 in 2021?", "401 errors: why?"]],
  ["<think>Which question?\nMaybe: how?</think>\nA?\nB?", ["A?", "B?"]],
  ['```json\n["A?", "B?", "C?"]\n```', ["A?", "B?"]],
  ["何ですか？\nما هذا؟", ["何ですか？", "ما هذا؟"]],
  ["I cannot help with that.", []],
  ["???\n- ?", []],
  ["<think>never ends?", []],
])("the strict parser keeps only the questions of %j", (answer, questions) => {
  expect(parseStrict(answer, 2)).toEqual(questions);
});

test("a template is filled by str.format's rules; braces of the passage are left alone", () => {
  expect(
    fillTemplate("{{N}}={num_questions_per_chunk}: {context_str}", "f{x} {{y}} {context_str} $& $1", 3),
  ).toBe("{N}=3: f{x} {{y}} {context_str} $& $1");
  expect(fillTemplate(DEFAULT_TEMPLATE, "TEXT", 2)).toContain("\nTEXT\n");
  expect(fillTemplate(DEFAULT_TEMPLATE, "TEXT", 2)).toContain("write 2 different questions");
  refusal(
    () => fillTemplate("{context_str} {chunk}", "", 2),
    "usage",
    "{chunk}",
    "{num_questions_per_chunk}",
  );
  refusal(() => fillTemplate("{context_str} {", "", 2), "usage", "{ is not known");
  refusal(() => fillTemplate("write {num_questions_per_chunk} questions", "", 2), "usage", "{context_str}");
});

test("a secret shows itself to nobody who does not ask", () => {
  const secret = new Secret("sk-abc123");
  const shown = [
    String(secret),
    `${secret.toString()}`,
    JSON.stringify({ secret }),
    inspect({ secret }),
    JSON.stringify(structuredClone({ ...secret })),
  ];
  for (const text of shown) expect(text).not.toContain("abc123");
  expect(String(secret)).toBe("***");
  expect(secret.reveal()).toBe("sk-abc123");
  expect(secret.blot("key sk-abc123 is wrong")).toBe("key *** is wrong");
});
