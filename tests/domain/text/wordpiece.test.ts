import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { keptOfPair, SequenceTokenizer } from "../../../src/domain/text/wordpiece.ts";
import { refusal } from "../formats/refusal.ts";

const tokenizerJson = readFileSync("tests/fixtures/formats/tiny-bert/tokenizer.json", "utf8");
const tokenizer = new SequenceTokenizer({ tokenizerJson, tokenizerConfigJson: "{}" });
const LONG = "how many leave days do employees receive each year";

test("a long text loses its end and keeps both special tokens", () => {
  const whole = tokenizer.encode(LONG, 64).ids;
  expect(whole.length).toBe(11);
  expect(tokenizer.count(LONG)).toBe(9);
  expect(tokenizer.encode(LONG, 6).ids).toEqual([...whole.slice(0, 5), whole.at(-1)]);
  expect(tokenizer.encode("", 64).ids).toEqual([whole[0], whole.at(-1)]);
});

test("of a pair the longer text is cut first, and types tell the two apart", () => {
  const short = tokenizer.encode("the dog", 64).ids.slice(1, -1);
  const long = tokenizer.encode(LONG, 64).ids.slice(1, -1);
  const [cls, sep] = tokenizer.encode("", 64).ids as [number, number];
  const room = short.length + 4;
  const { ids, types } = tokenizer.encodePair("the dog", LONG, room + 3);
  expect(ids).toEqual([cls, ...short, sep, ...long.slice(0, 4), sep]);
  expect(types).toEqual([...Array<number>(short.length + 2).fill(0), ...Array<number>(5).fill(1)]);
});

// tokenizers 0.22, truncate_encodings with LongestFirst, worked out by hand from its three cases
test.each([
  [3, 4, 10, [3, 4]],
  [3, 40, 10, [3, 7]],
  [40, 3, 10, [7, 3]],
  [30, 40, 11, [5, 6]],
  [40, 30, 11, [6, 5]],
  [30, 30, 11, [5, 6]],
  [5, 9, 10, [5, 5]],
])("of %i and %i tokens in room for %i stay %j", (first, second, room, kept) => {
  expect(keptOfPair(first, second, room)).toEqual(kept);
});

test("what is no tokenizer of a BERT is refused", () => {
  const open = (json: string) => () =>
    new SequenceTokenizer({ tokenizerJson: json, tokenizerConfigJson: "{}" });
  refusal(open("{"), "E_TOKENIZER", "tokenizer.json is not JSON");
  refusal(open("[]"), "E_TOKENIZER");
  refusal(open('{"model": {"type": "Other"}}'), "E_TOKENIZER", "tokenizer.json cannot be used");
  const bare = JSON.stringify({ ...(JSON.parse(tokenizerJson) as object), post_processor: null });
  refusal(open(bare), "E_TOKENIZER", "puts 0 special tokens around a text");
});
