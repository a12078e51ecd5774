import { expect, test } from "vitest";
import { parseJson } from "../../../../src/domain/formats/json.ts";
import { jsonWords } from "../../../../src/domain/lab/react/json-words.ts";
import { readLiteral } from "../../../../src/domain/lab/react/python-literal.ts";
import { sameAnswer, stepFigures } from "../../../../src/domain/lab/react/step-figures.ts";
import { parsedStep, stepText } from "../../../../src/domain/lab/react/steps.ts";

test("what Python's str() writes of a dict is repaired, JSON is left as it is", () => {
  const repaired = (text: string): string | undefined => {
    const read = readLiteral(text);
    return read && `${read.repaired ? "repaired " : ""}${jsonWords(read.value)}`;
  };
  expect(repaired(`{"a": 1}`)).toBe(`{"a": 1}`);
  expect(repaired(`{'input': "it's", 'n': None, 'yes': True, 'list': (1, -2.5,), }`)).toBe(
    `repaired {"input": "it's", "n": null, "yes": true, "list": [1, -2.5]}`,
  );
  expect(repaired(String.raw`{'a': 'don\'t \n \xe9 \u00e9 \\ "x"'}`)).toBe(
    String.raw`repaired {"a": "don't \n é é \\ \"x\""}`,
  );
  for (const text of [
    "{'a': }",
    "{'a' 1}",
    "{a: 1}",
    "__import__('os')",
    "{'a': 'x",
    "{'a': 1} extra",
    "[".repeat(99),
  ])
    expect(repaired(text), text).toBeUndefined();
});

test("a step is read from what a model says, and anything else is none", () => {
  const call = 'Thought: I look.\nAction: lookup\nAction Input: {"key": "k3"}';
  expect(parsedStep(call)).toMatchObject({ kind: "action", thought: "I look.", action: "lookup" });
  expect(stepText(parsedStep(call)!)).toBe(call);
  expect(parsedStep("Answer: it is 3.\nAction: none")).toEqual({
    kind: "answer",
    thought: "",
    answer: "it is 3.\nAction: none",
  });
  for (const text of [
    "",
    "I do not know.",
    "Thought: only",
    "Answer:",
    "Action: lookup",
    "Action: lookup\nAction Input: {'key': 'k3'}", // the format wants JSON
    "Action: lookup\nAction Input: [1]",
    `${call}\nObservation: made up`,
    `${call}\nAnswer: x`,
  ])
    expect(parsedStep(text), text).toBeUndefined();
});

test("steps are the same whatever their thoughts and the order of keys", () => {
  const step = (text: string): NonNullable<ReturnType<typeof parsedStep>> => parsedStep(text)!;
  const steps = [
    step('Thought: a\nAction: add\nAction Input: {"a": 1, "b": "x "}'),
    step("Thought: b\nAnswer: 1,200 books."),
  ];
  expect(
    stepFigures(steps, ['Action: add\nAction Input: {"b": "x", "a": 1.0}', "Answer: 1200 Books"]),
  ).toEqual({
    ...{ formatValid: 1, exactStep: 1, toolAccuracy: 1, argumentAccuracy: 1 },
  });
  expect(stepFigures(steps, ['Action: add\nAction Input: {"a": 2}', "no"])).toEqual({
    ...{ formatValid: 0.5, exactStep: 0, toolAccuracy: 1, argumentAccuracy: 0 },
  });
  expect(stepFigures(steps.slice(1), ["Answer: none"])).toEqual({ formatValid: 1, exactStep: 0 });
});

test("answers are compared by value and without case, quotes and articles", () => {
  expect(sameAnswer('"The Rhine."', "the rhine")).toBe(true);
  expect(sameAnswer("1,200.0", "1200")).toBe(true);
  expect(sameAnswer("Rhine", "The Rhone")).toBe(false);
  expect(sameAnswer("", "0")).toBe(false);
});

test("keys of an input keep their order, numbers among them, and letters stay letters", () => {
  const { root } = parseJson('{"b":[1,{"2":"é"}],"1":null}');
  expect(jsonWords(root)).toBe('{"b": [1, {"2": "é"}], "1": null}');
});
