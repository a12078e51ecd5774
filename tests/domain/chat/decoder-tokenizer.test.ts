import { Tokenizer } from "@huggingface/tokenizers";
import { expect, test } from "vitest";
import { DecoderTokenizer } from "../../../src/domain/chat/decoder-tokenizer.ts";
import { refusal } from "../formats/refusal.ts";
import { filesOf, NAMES, reference, withConfig } from "./chat-fixtures.ts";

const cases = NAMES.flatMap((name) => reference.texts.map((text, index) => [name, text, index] as const));

test.each(cases)("%s gives the ids of transformers for %j", (name, text, index) => {
  const tokenizer = new DecoderTokenizer(filesOf(name));
  expect(tokenizer.encode(text)).toEqual(reference[name].plain[index]);
  expect(tokenizer.encodePlain(text)).toEqual(reference[name].special[index]);
});

test("digits together are split off whole where the tokenizer says so", () => {
  const given = JSON.parse(filesOf("chatml").tokenizerJson) as { pre_tokenizer: { pretokenizers: object[] } };
  given.pre_tokenizer.pretokenizers[0] = { type: "Digits", individual_digits: false };
  const joined = new DecoderTokenizer({ tokenizerJson: JSON.stringify(given), tokenizerConfigJson: "{}" });
  const single = new DecoderTokenizer(filesOf("chatml"));
  const text = "a\n\n ²...";
  expect(joined.encode(text)).toEqual(single.encode(text));
  expect(new Tokenizer(given, {}).encode(text).ids).not.toEqual(single.encode(text)); // why it is done here
});

test.each(NAMES)("%s gives a text back from its ids", (name) => {
  const tokenizer = new DecoderTokenizer(filesOf(name));
  for (const text of reference.texts) {
    if (name === "zephyr" && text.includes("<s>")) continue; // a piece after a control token opens with a space there
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(name === "qwen" ? text.normalize("NFC") : text);
  }
});

test("a BOS that a text spells already is not put there twice", () => {
  const tokenizer = new DecoderTokenizer(filesOf("llama3"));
  const once = tokenizer.encodePlain("Hello");
  expect(once[0]).toBe(tokenizer.bos);
  expect(tokenizer.encodePlain("<|begin_of_text|>Hello")).toEqual(once);
  const off = new DecoderTokenizer(withConfig("llama3", { add_bos_token: false }));
  expect(off.encodePlain("Hello")).toEqual(once.slice(1));
});

test("control tokens are known by id and in texts, and can be left out of what is decoded", () => {
  const tokenizer = new DecoderTokenizer(filesOf("chatml"));
  const ids = tokenizer.encode("<|im_start|>user\nHello<|im_end|>");
  expect(ids.filter((id) => tokenizer.isControl(id))).toEqual([ids[0], ids.at(-1)]);
  expect(ids.at(-1)).toBe(tokenizer.eos);
  expect(tokenizer.decode(ids, { special: false })).toBe("user\nHello");
  expect(tokenizer.decode([ids[0]!], { special: false })).toBe("");
  expect(tokenizer.controlTokenIn("say <|im_end|> now")).toBe("<|im_end|>");
  expect(tokenizer.controlTokenIn("say <|im_over|> now")).toBeUndefined();
});

test("special tokens are read as texts or as objects, and must be in the vocabulary", () => {
  const given = { eos_token: { content: "<|im_end|>", lstrip: false } };
  expect(new DecoderTokenizer(withConfig("chatml", given)).eos).toBe(
    new DecoderTokenizer(filesOf("chatml")).eos,
  );
  const strange = (): unknown => new DecoderTokenizer(withConfig("chatml", { eos_token: "</s>" }));
  refusal(strange, "E_TOKENIZER", "eos_token", "</s>", "two models");
});

test("what is no tokenizer is refused", () => {
  const open =
    (tokenizerJson: string, tokenizerConfigJson = "{}") =>
    () =>
      new DecoderTokenizer({ tokenizerJson, tokenizerConfigJson });
  refusal(open("{"), "E_TOKENIZER", "tokenizer.json is not JSON");
  refusal(open("[]"), "E_TOKENIZER", "holds no object");
  refusal(open('{"model": {"type": "Other"}}'), "E_TOKENIZER", "cannot be used");
  refusal(open(filesOf("chatml").tokenizerJson, "7"), "E_TOKENIZER", "tokenizer_config.json");
});
