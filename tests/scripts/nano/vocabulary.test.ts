import { expect, test } from "vitest";
import { chooseVocabulary } from "../../../scripts/nano/vocabulary.ts";
import { SequenceTokenizer } from "../../../src/domain/text/wordpiece.ts";

const PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const ASCII = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).filter(
  (letter) => letter === letter.toLowerCase(),
);
const WORDS = ["leave", "pay", "##ment", "##roll", "equip", "kettle"];

/** A tokenizer.json as bert-base-uncased's, small. */
function baseTokenizer(): { tokenizerJson: string; tokenizerConfigJson: string } {
  const pieces = [...PIECES, ...ASCII, ...ASCII.map((letter) => `##${letter}`), ...WORDS];
  const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
  const special = (piece: string): object => ({ id: piece, ids: [vocab[piece]], tokens: [piece] });
  const added = PIECES.map((content, id) => ({ id, content, special: true, normalized: false }));
  const tokenizerJson = JSON.stringify({
    version: "1.0",
    added_tokens: added.map((token) => ({ ...token, single_word: false, lstrip: false, rstrip: false })),
    normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: ["[CLS]", "A", "[SEP]"].map((id) =>
        id === "A" ? { Sequence: { id, type_id: 0 } } : { SpecialToken: { id, type_id: 0 } },
      ),
      pair: [],
      special_tokens: { "[CLS]": special("[CLS]"), "[SEP]": special("[SEP]") },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab,
    },
  });
  return { tokenizerJson, tokenizerConfigJson: '{"tokenizer_class":"BertTokenizer"}' };
}

test("what the texts use is kept, the rest is cut into pieces, and no ASCII word becomes unknown", () => {
  const base = baseTokenizer();
  const tokenizer = new SequenceTokenizer(base);
  const wanted = PIECES.length + 2 * ASCII.length + 2;
  const { kept, tokenizer: small } = chooseVocabulary(base, tokenizer, ["leave leave payment"], wanted);
  const vocab = (JSON.parse(small.tokenizerJson) as { model: { vocab: Record<string, number> } }).model.vocab;
  expect(Object.keys(vocab)).toContain("leave");
  expect(Object.keys(vocab)).not.toContain("kettle");
  expect(kept.length).toBe(Object.keys(vocab).length);
  const own = new SequenceTokenizer(small);
  const unknown = vocab["[UNK]"]!;
  expect(own.encode("kettle", 64).ids).not.toContain(unknown);
  expect(own.encode("kettle", 64).ids.length).toBe(2 + "kettle".length);
  expect(own.encode("leave", 64).ids).toEqual([vocab["[CLS]"], vocab["leave"], vocab["[SEP]"]]);
});
