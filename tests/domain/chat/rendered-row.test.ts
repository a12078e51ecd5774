import { expect, test } from "vitest";
import { ChatFormat } from "../../../src/domain/chat/chat-format.ts";
import { renderedRows, textRow, type RenderedRow } from "../../../src/domain/chat/rendered-row.ts";
import type { ChatMessage } from "../../../src/domain/formats/datasets/chat.ts";
import { predictingRows, supervisedFeeds } from "../../../src/domain/models/llama/supervision.ts";
import { bucketFor } from "../../../src/domain/text/pack.ts";
import { refusal } from "../formats/refusal.ts";
import { conversations, filesOf, formatOf, NAMES, reference, unmarked, withConfig } from "./chat-fixtures.ts";

const chats = await conversations();
const marks = ["marked by the template", "found by rendering"] as const;
const cases = NAMES.flatMap((name) => marks.map((how) => [name, how] as const));

function maskOf({ supervised }: RenderedRow): string {
  return supervised.map(Number).join("");
}

/** What a row learns, as text. */
function learntText({ tokenizer }: ChatFormat, { ids, supervised }: RenderedRow): string {
  return tokenizer.decode(ids.filter((_, at) => supervised[at]));
}

const said = (...texts: readonly string[]): ChatMessage[] =>
  texts.map((content, place) => ({ role: place % 2 === 0 ? "user" : "assistant", content }));

test.each(cases)("%s: ids and answers %s are those of transformers", (name, how) => {
  const format = formatOf(name, how === "marked by the template" ? undefined : unmarked);
  expect(format.marksAnswers(chats[0]!)).toBe(how === "marked by the template");
  for (const [index, chat] of chats.entries()) {
    const rows = renderedRows(format, chat);
    const wanted = reference[name].chats[index]!;
    expect(
      rows.map((row) => ({ ids: row.ids, mask: maskOf(row) })),
      `chat ${index}`,
    ).toEqual(wanted.rows);
    const last = chat.messages.findLastIndex(({ role }) => role === "assistant");
    const before = { ...chat, messages: chat.messages.slice(0, last) };
    expect(format.promptIds(before), `prompt of chat ${index}`).toEqual(wanted.prompt);
  }
});

test.each(NAMES)(
  "%s: every answer is learnt with the end of its turn, and a row has at most one BOS",
  (name) => {
    const format = formatOf(name);
    for (const chat of chats) {
      for (const { ids, supervised } of renderedRows(format, chat)) {
        const ends = supervised.flatMap((learnt, at) => (learnt && !supervised[at + 1] ? [ids[at]!] : []));
        expect(ends.length).toBeGreaterThan(0);
        for (const end of ends) expect(format.endOfTurn.has(end)).toBe(true);
        expect(ids.filter((id) => id === format.tokenizer.bos).length).toBeLessThanOrEqual(1);
      }
    }
  },
);

test("messages of weight 0 are not learnt, and a chat of nothing else gives no row", () => {
  const format = formatOf("chatml");
  const [question, first, next, second] = said("a", "one", "b", "two");
  const messages = [question!, { ...first!, weight: 0 }, next!, { ...second!, weight: 1 }];
  const [row] = renderedRows(format, { messages });
  expect(row!.answers).toEqual([3]);
  expect(learntText(format, row!)).toBe("two<|im_end|>");
  expect(renderedRows(format, { messages: messages.slice(0, 2) })).toEqual([]);
});

test("only the last answer, or everything, can be learnt instead", () => {
  const format = formatOf("chatml");
  const messages = said("a", "one", "b", "two");
  const [last] = renderedRows(format, { messages }, { learn: "last-answer" });
  expect(learntText(format, last!)).toBe("two<|im_end|>");
  const [whole] = renderedRows(format, { messages }, { learn: "everything" });
  expect(whole!.ids).toEqual(last!.ids);
  expect(new Set(whole!.supervised)).toEqual(new Set([true]));
});

test("a template that drops earlier thoughts gives a row for each answer, as the model meets it", () => {
  const format = formatOf("qwen");
  const messages = said("a", "<think>\nhm\n</think>\n\none", "b", "<think>\nso\n</think>\n\ntwo");
  const rows = renderedRows(format, { messages });
  expect(rows.map((row) => learntText(format, row))).toEqual([
    "<think>\nhm\n</think>\n\none<|im_end|>",
    "<think>\nso\n</think>\n\ntwo<|im_end|>",
  ]);
  expect(format.tokenizer.decode(rows[1]!.ids)).not.toContain("hm");
  expect(renderedRows(format, { messages }, { learn: "last-answer" })).toEqual([rows[1]]);
});

test("settings of the template reach it", () => {
  const format = formatOf("qwen", unmarked);
  const settings = { variables: { enable_thinking: false } };
  const ids = format.promptIds({ messages: said("a") }, settings);
  expect(format.tokenizer.decode(ids)).toMatch(/assistant\n<think>\n\n<\/think>\n\n$/);
  const [row] = renderedRows(format, { messages: said("a", "<think>\n\n</think>\n\none") }, settings);
  expect(learntText(format, row!)).toBe("one<|im_end|>");
});

test("a prompt that does not begin its answer is refused, with the place", () => {
  const format = formatOf("qwen", unmarked);
  const off = (): unknown =>
    renderedRows(format, { messages: said("a", "one") }, { variables: { enable_thinking: false } });
  refusal(off, "E_TEMPLATE", "takes turns apart", "message 2", "<think>");
});

test("a template without ends gets the model's EOS after the last answer only", () => {
  const bare = (): string =>
    "{% for m in messages %}### {{ m.role }}:\n{{ m.content }}\n{% endfor %}" +
    "{% if add_generation_prompt %}### assistant:\n{% endif %}";
  const format = formatOf("chatml", bare);
  const [row] = renderedRows(format, { messages: said("a", "one") });
  expect(learntText(format, row!)).toBe("one\n<|im_end|>");
  const two = { messages: said("a", "one", "b", "two") };
  refusal(() => renderedRows(format, two), "E_TEMPLATE", "message 2", "last answer");
  expect(learntText(format, renderedRows(format, two, { learn: "last-answer" })[0]!)).toBe("two\n<|im_end|>");
  expect(renderedRows(format, two, { learn: "everything" })[0]!.ids.at(-1)).toBe(format.tokenizer.eos);
  const endless = new ChatFormat({ ...withConfig("chatml", { eos_token: null }), chatTemplate: bare() });
  refusal(() => renderedRows(endless, { messages: said("a", "one") }), "E_TEMPLATE", "eos_token");
});

test("marks that leave out the end of a turn are carried on to it", () => {
  const format = formatOf("chatml", (template) =>
    template.replace(
      "            {{- '<|im_end|>' }}\n        {%- endgeneration %}",
      "{%- endgeneration %}{{- '<|im_end|>' }}",
    ),
  );
  const messages = said("a", "one", "b", "two");
  const { text, spans } = format.render({ messages });
  expect(spans.map(([from, to]) => text.slice(from, to))).toEqual(["one", "two"]);
  const [row] = renderedRows(format, { messages });
  expect(learntText(format, row!)).toBe("one<|im_end|>two<|im_end|>");
});

test("a token across the end of the prompt counts to the answer", () => {
  const glued = (): string =>
    "{% for m in messages %}{{ ' ' if not loop.first }}{{ m.content }}{% endfor %}" +
    "{% if add_generation_prompt %}{{ ' ' }}{% endif %}";
  const format = formatOf("chatml", glued);
  const { tokenizer } = format;
  const [row] = renderedRows(format, { messages: said("The", "weather") });
  expect(row!.ids.slice(0, -1)).toEqual(tokenizer.encode("The weather"));
  expect(learntText(format, row!)).toBe(" weather<|im_end|>");
});

test("two BOS written by a template become one, and marks stay in place", () => {
  const once = formatOf("llama3");
  const twice = formatOf("llama3", (template) =>
    template.replace("{{- bos_token }}", "{{- bos_token + bos_token }}"),
  );
  expect(renderedRows(twice, chats[2]!)).toEqual(renderedRows(once, chats[2]!));
});

test("a text is learnt as a whole, between one BOS and EOS", () => {
  const format = formatOf("zephyr");
  const { bos, eos } = format.tokenizer;
  const { ids, supervised } = textRow(format, "Hello");
  expect([ids[0], ids.at(-1)]).toEqual([bos, eos]);
  expect(textRow(format, "<s>Hello</s>").ids.filter((id) => id === bos || id === eos)).toEqual([bos, eos]);
  expect(supervised).toEqual(ids.map(() => true));
});

test("what a template refuses is told in its words", () => {
  const call = (id: string) => ({ id, name: "weather", arguments: "{}" });
  const messages: ChatMessage[] = [...said("a"), { role: "assistant", calls: [call("1"), call("2")] }];
  const functions = [{ name: "weather", definition: '{"name":"weather"}' }];
  refusal(
    () => renderedRows(formatOf("llama3"), { messages, functions }),
    "E_TEMPLATE",
    "one call to a message",
  );
  expect(renderedRows(formatOf("qwen"), { messages, functions }).length).toBe(1);
});

test("folders without a template, or with a broken one, are refused", () => {
  refusal(
    () => new ChatFormat(withConfig("chatml", { chat_template: null })),
    "E_TEMPLATE",
    "no chat template",
  );
  refusal(() => formatOf("chatml", () => "{% for %}"), "E_TEMPLATE", "cannot be read");
});

test("of several named templates the one for tools is taken where there are tools", () => {
  const named = [
    { name: "default", template: "plain" },
    { name: "tool_use", template: "tools" },
  ];
  const format = new ChatFormat(withConfig("chatml", { chat_template: named }));
  expect(format.render(chats[0]!).text).toBe("plain");
  expect(format.render(chats[4]!).text).toBe("tools");
});

test("generation ends at the ends that the template writes, at EOS, and where generation_config.json says", () => {
  const files = withConfig("llama3", { eos_token: "<|end_of_text|>" });
  const own = new ChatFormat({ ...files, generationConfigJson: '{"eos_token_id": [3, 544]}' });
  const id = (piece: string): number => own.tokenizer.idOf(piece)!;
  expect(own.endOfTurn).toEqual(new Set([id("<|end_of_text|>"), id("<|eot_id|>"), 3, 544]));
  expect(formatOf("zephyr").endOfTurn).toEqual(new Set([formatOf("zephyr").tokenizer.eos]));
  expect(new ChatFormat(filesOf("chatml")).endOfTurn.size).toBe(1);
});

test("rows feed a decoder's loss: the row before every learnt token is told by it", () => {
  const rows = chats.slice(0, 2).flatMap((chat) => renderedRows(formatOf("llama3"), chat));
  const places = predictingRows(rows);
  const feeds = supervisedFeeds(rows, bucketFor(rows), places);
  const ids = rows.flatMap((row) => row.ids);
  const learnt = rows.flatMap((row) => row.supervised).flatMap((own, at) => (own ? [at] : []));
  expect(learnt.length).toBe(7);
  expect([...(feeds["predicting"] as Uint32Array)].slice(0, 7)).toEqual(learnt.map((at) => at - 1));
  expect([...(feeds["targets 0"] as Uint32Array)].slice(0, 7)).toEqual(learnt.map((at) => ids[at]));
  expect(feeds["share"]).toBe(1 / 7);
});
