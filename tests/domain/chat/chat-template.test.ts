import { expect, test } from "vitest";
import { ChatTemplate } from "../../../src/domain/chat/chat-template.ts";
import { templateInput } from "../../../src/domain/chat/template-messages.ts";
import { unusedSigns } from "../../../src/domain/chat/template-values.ts";
import { refusal } from "../formats/refusal.ts";
import { reference } from "./chat-fixtures.ts";

const messages = [
  { role: "user", content: "eins" },
  { role: "assistant", content: " 👩‍👧 zwei " },
] as const;
const input = templateInput({ messages });

test.each(reference.tags)(
  "marks are trimmed as jinja2 trims them: $template",
  ({ template, text, answers }) => {
    const rendered = new ChatTemplate(template).render(input, {});
    expect(rendered.text).toBe(text);
    expect(rendered.spans.map(([from, to]) => rendered.text.slice(from, to))).toEqual(answers);
  },
);

test("private-use characters of a conversation are no marks", () => {
  const template = new ChatTemplate("{% generation %}{{ messages[0].content }}{% endgeneration %}");
  const said = templateInput({ messages: [{ role: "assistant", content: "\ue000\ue001" }] });
  expect(said.signs).toEqual(unusedSigns("\ue000\ue001"));
  expect(template.render(said, {})).toEqual({ text: "\ue000\ue001", spans: [[0, 2]] });
});

test("months are English wherever the page runs", () => {
  const dated = new ChatTemplate(
    "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y, %B %H:%M:%S %m 100%%') }}{% endif %}",
  );
  const today = new Date(Date.UTC(2026, 4, 3, 9, 5, 7));
  expect(dated.render(input, {}, { today }).text).toBe("03 May 2026, May 09:05:07 05 100%");
});

test("a template's own refusal is told in its words, cut short", () => {
  const refusing = new ChatTemplate(`{{ raise_exception('no ${"x".repeat(500)}') }}`);
  const error = refusal(() => refusing.render(input, {}), "E_TEMPLATE", "no xxx");
  expect(error.message.length).toBeLessThan(300);
});

test("both of OpenAI's forms become tools, with ids and arguments as objects", () => {
  const definition = '{"name":"add","parameters":{"z":1,"a":2}}';
  const call = { name: "add", arguments: '{"b": 2, "a": [1.5]}' };
  const older = templateInput({
    messages: [
      { role: "developer", content: "rules" },
      { role: "user", content: "2 + 1.5?" },
      { role: "assistant", calls: [call] },
      { role: "function", name: "add", content: "3.5" },
      { role: "assistant", content: "3.5", weight: 1 },
    ],
    functions: [{ name: "add", definition }],
  });
  const calls = [
    { id: "call00002", type: "function", function: { name: "add", arguments: { b: 2, a: [1.5] } } },
  ];
  expect(JSON.parse(JSON.stringify(older.messages).replace(/"\ue002(.*?)\ue002"/g, "$1"))).toEqual([
    { role: "system", content: "rules" },
    { role: "user", content: "2 + 1.5?" },
    { role: "assistant", tool_calls: calls },
    { role: "tool", name: "add", content: "3.5", tool_call_id: "call00002" },
    { role: "assistant", content: "3.5" },
  ]);
  expect(JSON.parse(JSON.stringify(older.tools))).toEqual([
    { type: "function", function: JSON.parse(definition) as unknown },
  ]);
  expect(JSON.stringify(older.tools)).toContain('{"z":1,"a":2}');
  const newer = templateInput({
    messages: [
      { role: "assistant", calls: [{ ...call, id: "x1" }] },
      { role: "tool", answers: "x1", content: "3.5" },
    ],
  });
  expect(newer.tools).toBeNull();
  expect(newer.messages[0]).toMatchObject({ tool_calls: [{ id: "x1" }] });
  expect(newer.messages[1]).toEqual({ role: "tool", content: "3.5", tool_call_id: "x1" });
});

test("numbers are spelled and keys ordered as Python does, in JSON and out of it", () => {
  const calls = [{ name: "f", arguments: '{"z": 1.0, "10": 1e5, "2": [12345678901234567890, 0.5e-6, -3]}' }];
  const given = templateInput({ messages: [{ role: "assistant", calls }] });
  const written = (template: string): string => new ChatTemplate(template).render(given, {}).text;
  const json = '{"z": 1.0, "10": 100000.0, "2": [12345678901234567890, 5e-07, -3]}';
  const path = "messages[0].tool_calls[0].function.arguments";
  expect(written(`{{ ${path} | tojson }}`)).toBe(json);
  expect(written(`{{ ${path} | tojson(ensure_ascii=true) }}`)).toBe(json);
  expect(written(`{{ ${path}.z }}`)).toBe("1.0");
  expect(written(`{% for key in ${path} %}{{ key }} {% endfor %}`)).toBe("z 10 2 ");
});
