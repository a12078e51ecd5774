import { expect, test } from "vitest";
import { delexicaliseCall } from "../../../../src/domain/lab/delexicalise.ts";
import { GrammarCheck } from "../../../../src/domain/generate/grammar-check.ts";
import { callForm } from "../../../../src/domain/lab/calls/call-form.ts";
import { callGrammar } from "../../../../src/domain/lab/calls/call-grammar.ts";
import { functionCalling } from "../../../../src/domain/lab/calls/function-calling.ts";
import { formatOf, NAMES } from "../../chat/chat-fixtures.ts";
import { lastMessage, ScriptedModel } from "../scripted-model.ts";
import { ALARM, ALBUM, called, chatRow, examplesOf, TAXI } from "./call-fixtures.ts";

const CALL = (name: string, given: object): string => `call ${name} ${JSON.stringify(given)}`;

const ROWS: readonly (readonly [row: object, said: string, measures: Readonly<Record<string, number>>])[] = [
  [
    chatRow("right", called("set_alarm", { hour: 7, label: "x" })),
    CALL("set_alarm", { label: "x", hour: 7 }),
    { argumentExact: 1, argumentF1: 1, functionName: 1, parseRate: 1, schemaValid: 1 },
  ],
  [
    chatRow("one field of three", called("set_alarm", { hour: 7, label: "x" })),
    CALL("set_alarm", { hour: 7, days: ["mon"] }),
    { argumentExact: 0, argumentF1: 0.5, functionName: 1, parseRate: 1, schemaValid: 1 },
  ],
  [
    chatRow("against the schema", called("set_alarm", { hour: 7 })),
    CALL("set_alarm", { hour: "7", more: 1 }),
    { argumentExact: 0, argumentF1: 0, functionName: 1, parseRate: 1, schemaValid: 0 },
  ],
  [
    chatRow("another function", called("set_alarm", { hour: 7 })),
    CALL("book_taxi", { hour: 7 }),
    { argumentExact: 0, argumentF1: 0, functionName: 0, parseRate: 1, schemaValid: 1 },
  ],
  [
    chatRow("not offered", called("book_taxi", {})),
    '{"name": "fly", "arguments": {}}',
    { argumentExact: 0, argumentF1: 0, functionName: 0, parseRate: 1, schemaValid: 0 },
  ],
  [
    chatRow("no arguments", called("book_taxi", {})),
    CALL("book_taxi", {}),
    { argumentExact: 1, argumentF1: 1, functionName: 1, parseRate: 1, schemaValid: 1 },
  ],
  [
    chatRow("words", called("book_taxi", { place: "Oslo" })),
    "I cannot do that.",
    { argumentExact: 0, argumentF1: 0, functionName: 0, parseRate: 0, schemaValid: 0 },
  ],
  [chatRow("nothing to call", "It is late."), "It is late, I think.", { abstention: 1 }],
  [chatRow("nothing to call, and yet", "It is late."), CALL("book_taxi", {}), { abstention: 0 }],
  [
    { prompt: "an album", schema: ALBUM, answer: { name: "b", songs: [{ title: "t", length_seconds: 3 }] } },
    '```json\n{"name": "b", "songs": [{"title": "t", "length_seconds": "3"}]}\n```',
    { argumentExact: 0, argumentF1: 2 / 3, parseRate: 1, schemaValid: 0 },
  ],
  [
    { prompt: "no album", schema: ALBUM, answer: { name: "b", songs: [] } },
    '{"name": "b", "songs": [',
    { argumentExact: 0, argumentF1: 0, parseRate: 0, schemaValid: 0 },
  ],
];

const SAID = new Map(ROWS.map(([row, said]) => [lastUser(row), said]));

function lastUser(row: object): string {
  const own = row as { messages?: { role: string; content?: string }[]; prompt?: string };
  return own.prompt ?? own.messages!.find(({ role }) => role === "user")!.content!;
}

test("each answer is judged by what is known of it", async () => {
  const examples = examplesOf(...ROWS.map(([row]) => row));
  const model = new ScriptedModel({ answer: (prompt) => SAID.get(lastMessage(prompt))! });
  const answers = await functionCalling.examine(model, examples, {});
  const known = new Set(functionCalling.measures.map(({ key }) => key));
  for (const [place, [, , measures]] of ROWS.entries()) {
    const found = answers[place]!.measures;
    expect(Object.keys(found).sort()).toEqual(Object.keys(measures).sort());
    for (const [key, value] of Object.entries(measures)) {
      expect(known).toContain(key);
      expect(found[key], `${key} of row ${place + 1}`).toBeCloseTo(value, 12);
    }
  }
  expect(answers[2]!.detail).toMatchObject({
    turns: [
      {
        faults: [{ path: "/hour" }, { path: "/more" }],
        fields: [
          { path: "/hour", verdict: "wrong" },
          { path: "/more", verdict: "extra" },
        ],
      },
    ],
  });
  expect(answers[9]!.detail).toMatchObject({ turns: [{ faults: [{ path: "/songs/0/length_seconds" }] }] });
  expect(JSON.parse(JSON.stringify(answers))).toEqual(answers);
});

test("a talk with several answers asks for each with the right talk before it, and gives their mean", async () => {
  const [example] = examplesOf({
    messages: [
      { role: "user", content: "Taxi to Oslo" },
      { role: "assistant", tool_calls: [called("book_taxi", { place: "Oslo" })] },
      { role: "tool", tool_call_id: "call00001", content: "booked" },
      { role: "assistant", content: "It is booked." },
    ],
    tools: [{ type: "function", function: TAXI }],
  });
  const model = new ScriptedModel({ answer: () => CALL("book_taxi", { place: "Oslo" }) });
  const [answer] = await functionCalling.examine(model, [example!], {});
  expect(model.asked).toHaveLength(2);
  expect(model.asked[1]!.prompt).toContain('call book_taxi {"place": "Oslo"}');
  expect(answer!.measures).toMatchObject({ argumentExact: 1, abstention: 0 });
});

test.each(NAMES)("what %s learns is the prompt that it is asked, with the answer behind it", async (name) => {
  for (const placeholders of [false, true]) {
    const model = new ScriptedModel({ tokenizer: name, placeholders, answer: () => "" });
    const [example] = examplesOf(chatRow("Wake me at 7", called("set_alarm", { label: "x", hour: 7 })));
    await functionCalling.examine(model, [example!], {});
    const [learnt] = functionCalling.conversations(example!, model);
    const prompt = { ...learnt!, messages: learnt!.messages.slice(0, -1) };
    const { format } = model;
    expect(model.asked[0]!.prompt).toBe(format.tokenizer.decode(format.promptIds(prompt)));
    const whole = format.render(learnt!).text;
    if (!placeholders) expect(whole).toMatch(/\{"hour": 7, "label": "x"\}/);
  }
});

test("a model of placeholders reads signatures, and its calls are judged in the functions' own words", async () => {
  const [example] = examplesOf(
    chatRow(
      'Set alarm with label "green tea" and hour 7',
      called("set_alarm", { hour: 7, label: "green tea" }),
    ),
  );
  const own = delexicaliseCall({
    utterance: 'Set alarm with label "green tea" and hour 7',
    tools: [ALARM, TAXI],
  });
  const model = new ScriptedModel({
    placeholders: true,
    answer: () => own.call('{"name": "set_alarm", "arguments": {"hour": 7, "label": "green tea"}}'),
  });
  const [answer] = await functionCalling.examine(model, [example!], {});
  expect(model.asked[0]!.prompt).toMatch(/t\d \( c\d+ INT , c\d+ TEXT , c\d+ TEXT \) t\d \( c\d+ TEXT \) /);
  expect(model.asked[0]!.prompt).not.toMatch(/alarm|green|7/);
  expect(answer!.measures).toMatchObject({ argumentExact: 1, schemaValid: 1 });
});

test.each(NAMES)(
  "held to its functions, %s can say words and valid calls, and nothing between",
  async (name) => {
    const form = callForm(formatOf(name));
    const [example] = examplesOf(chatRow("Wake me", called("set_alarm", { hour: 7 })));
    const check = await GrammarCheck.open(callGrammar(example!.functions, form, true));
    const call = (own: string, given: string): string =>
      `${form.before}${own}${form.between}${given}${form.after}`;
    const cases: readonly (readonly [string, boolean])[] = [
      [call("set_alarm", '{"hour": 7, "label": "a \\"b\\" ü", "days": ["mon", "tue"]}'), true],
      [call("set_alarm", '{"hour": 7}'), true],
      [call("book_taxi", "{}"), true],
      [`${call("book_taxi", '{"place": "x"}')}${call("book_taxi", "{}")}`, true],
      ["It is late.", true],
      [call("set_alarm", '{"label": "x"}'), false],
      [call("set_alarm", '{"hour": "7"}'), false],
      [call("set_alarm", '{"hour": 7, "days": ["wed"]}'), false],
      [call("fly", "{}"), false],
    ];
    for (const [text, taken] of cases) expect(await check.accepts(text), text).toBe(taken);
    check.dispose();
  },
);

test("schemas with references, alternatives and nothing are grammars, too", async () => {
  const schema = {
    type: "object",
    properties: {
      tree: { $ref: "#/$defs/tree" },
      any: {},
      size: { anyOf: [{ type: "number" }, { type: "null" }] },
      kind: { const: "x" },
    },
    required: ["tree", "kind"],
    $defs: { tree: { type: "object", properties: { left: { $ref: "#/$defs/tree" } } } },
  };
  const check = await GrammarCheck.open(callGrammar([{ name: "f", schema: { schema } }], callForm(), false));
  const said = (given: string): Promise<boolean> => check.accepts(`{"name": "f", "arguments": ${given}}`);
  expect(
    await said('{"tree": {"left": {"left": {}}}, "any": [1, {"a": null}], "size": -1.5e3, "kind": "x"}'),
  ).toBe(true);
  expect(await said('{"tree": {}, "size": null, "kind": "x"}')).toBe(true);
  expect(await said('{"tree": {"right": {}}, "kind": "x"}')).toBe(false);
  expect(await said('{"tree": {}, "kind": "y"}')).toBe(false);
  check.dispose();
});

test("with a constraint each row is held to its own functions or schema", async () => {
  const examples = examplesOf(ROWS[0]![0], ROWS[9]![0]);
  const model = new ScriptedModel({ answer: () => "x" });
  await functionCalling.examine(model, examples, { constrained: true });
  expect(model.asked.map(({ constraint }) => constraint?.kind)).toEqual(["grammar", "json-schema"]);
  await functionCalling.examine(model, examples, {});
  expect(model.asked.at(-1)!.constraint).toBeUndefined();
});

test("a model of placeholders is held to those of its request", async () => {
  const [example] = examplesOf(
    chatRow('Set alarm with label "tea" and hour 7', called("set_alarm", { hour: 7, label: "tea" })),
  );
  const model = new ScriptedModel({ placeholders: true, answer: () => "" });
  await functionCalling.examine(model, [example!], { constrained: true });
  const { constraint, prompt } = model.asked[0]!;
  const check = await GrammarCheck.open(constraint?.kind === "grammar" ? constraint.grammar : "");
  const [, name, hour, label] = /(t\d) \( (c\d+) INT , (c\d+) TEXT /.exec(prompt)!;
  const [text, number] = [/"(v\d)"/.exec(prompt)![1], /"(x\d)"/.exec(prompt)![1]];
  const call = (given: string): string => `{"name": "${name!}", "arguments": ${given}}`;
  const cases: readonly (readonly [string, boolean])[] = [
    [call(`{"${hour!}": "${number!}", "${label!}": "${text!}"}`), true],
    [call(`{"${hour!}": "${number!}"}`), true],
    [call(`{"${hour!}": "${text!}"}`), false],
    [call(`{"${hour!}": "7"}`), false],
  ];
  for (const [said, taken] of cases) expect(await check.accepts(said), said).toBe(taken);
  check.dispose();
});

test("words are let through only where some row is answered in words", async () => {
  const grammarOf = async (rows: readonly object[]): Promise<string> => {
    const model = new ScriptedModel({ answer: () => "x" });
    await functionCalling.examine(model, examplesOf(...rows), { constrained: true });
    const { constraint } = model.asked[0]!;
    return constraint?.kind === "grammar" ? constraint.grammar : "";
  };
  expect(await grammarOf([ROWS[0]![0], ROWS[5]![0]])).toMatch(/^root ::= call /);
  expect(await grammarOf([ROWS[0]![0], ROWS[7]![0]])).toMatch(/^root ::= words \| call /);
});
