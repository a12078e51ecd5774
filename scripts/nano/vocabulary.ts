// The nano encoder's own WordPiece: special tokens, every printable ASCII character with its "##" form, the pieces that
// the corpus uses most, then the base's whole order (which follows frequency) up to the wanted size. Cutting words is
// greedy, so a smaller vocabulary only cuts rare words into more pieces; nothing becomes unknown that was known in ASCII.
import type { SequenceTokenizer, TokenizerText } from "../../src/domain/text/wordpiece.ts";

const FROM_CORPUS = 6_000;
const LAST_UNUSED = 1_995; // of bert-base-uncased: [unused…] and single characters come before the words
const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

export interface Vocabulary {
  readonly kept: readonly number[]; // ids of the base's tokenizer, ascending; the new id is the place
  readonly tokenizer: TokenizerText;
}

interface TokenizerJson {
  readonly model: { readonly vocab: Readonly<Record<string, number>> };
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
  readonly post_processor: {
    readonly special_tokens: Readonly<Record<string, { readonly ids: readonly number[] }>>;
  };
}

/** Chooses `size` pieces by counting `texts` with the base's tokenizer, and writes a tokenizer.json of them. */
export function chooseVocabulary(
  base: TokenizerText,
  tokenizer: SequenceTokenizer,
  texts: readonly string[],
  size: number,
): Vocabulary {
  const json = JSON.parse(base.tokenizerJson) as TokenizerJson;
  const pieces = new Map(Object.entries(json.model.vocab).map(([piece, id]) => [id, piece]));
  const kept = new Set(SPECIAL.map((piece) => json.model.vocab[piece]!));
  for (const [id, piece] of pieces) if (/^(##)?[!-~]$/.test(piece)) kept.add(id);
  for (const id of mostUsed(tokenizer, texts, kept)) kept.add(id);
  for (let id = LAST_UNUSED + 1; kept.size < size && id < pieces.size; id++) {
    if (/^[ -~]+$/.test(pieces.get(id)!)) kept.add(id);
  }
  const ids = [...kept].sort((a, b) => a - b);
  const vocab = Object.fromEntries(ids.map((id, place) => [pieces.get(id)!, place]));
  return { kept: ids, tokenizer: { ...base, tokenizerJson: JSON.stringify(renumbered(json, vocab)) } };
}

function mostUsed(
  tokenizer: SequenceTokenizer,
  texts: readonly string[],
  but: ReadonlySet<number>,
): number[] {
  const counts = new Map<number, number>();
  for (const text of texts) {
    for (const id of tokenizer.encode(text, Infinity).ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return [...counts.keys()]
    .filter((id) => !but.has(id))
    .sort((a, b) => counts.get(b)! - counts.get(a)! || a - b)
    .slice(0, FROM_CORPUS);
}

function renumbered(json: TokenizerJson, vocab: Readonly<Record<string, number>>): TokenizerJson {
  const special = Object.entries(json.post_processor.special_tokens);
  return {
    ...json,
    added_tokens: json.added_tokens.map((token) => ({ ...token, id: vocab[token.content]! })),
    model: { ...json.model, vocab },
    post_processor: {
      ...json.post_processor,
      special_tokens: Object.fromEntries(
        special.map(([piece, token]) => [piece, { ...token, ids: [vocab[piece]!] }]),
      ),
    },
  };
}
