import { expect, test } from "vitest";
import { DecoderTokenizer } from "../../../src/domain/chat/decoder-tokenizer.ts";
import { pieceBytes } from "../../../src/domain/chat/token-bytes.ts";
import { filesOf, NAMES, reference } from "./chat-fixtures.ts";

function textOf(tokenizer: DecoderTokenizer, ids: readonly number[]): string {
  const bytes = ids.flatMap((id, place) => [...tokenizer.bytesOf(id, place === 0)]);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

test.each(NAMES)("%s: bytes of tokens add up to the text that is decoded", (name) => {
  const tokenizer = new DecoderTokenizer(filesOf(name));
  for (const text of reference.texts) {
    const ids = tokenizer.encode(text).filter((id) => !tokenizer.isControl(id));
    expect(textOf(tokenizer, ids)).toBe(tokenizer.decode(ids));
  }
});

const WORDS = {
  version: "1.0",
  added_tokens: [{ id: 4, content: "<|end|>", special: true, ...flags() }],
  ...{ normalizer: null, pre_tokenizer: { type: "WhitespaceSplit" }, post_processor: null },
  model: { type: "WordLevel", vocab: { select: 0, c1: 1, from: 2, ß: 3, "<|end|>": 4 }, unk_token: "ß" },
};

function flags() {
  return { single_word: false, lstrip: false, rstrip: false, normalized: false };
}

test.each([
  ["no decoder", null],
  ["WordPiece", { type: "WordPiece", prefix: "##", cleanup: false }],
])("words with %s are told with the spaces between them", (_name, decoder) => {
  const tokenizerJson = JSON.stringify({ ...WORDS, decoder });
  const tokenizer = new DecoderTokenizer({ tokenizerJson, tokenizerConfigJson: "{}" });
  const ids = [0, 1, 2, 3];
  expect(tokenizer.decode(ids)).toBe("select c1 from ß");
  expect(textOf(tokenizer, ids)).toBe("select c1 from ß");
  expect(tokenizer.bytesOf(4, false)).toHaveLength(0);
  expect(tokenizer.bytesOf(99, false)).toHaveLength(0);
});

test("a decoder that changes texts in another way is refused", () => {
  expect(() => pieceBytes({ type: "CTC" })).toThrow(/CTC/);
});
