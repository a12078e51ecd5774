import { Tokenizer } from "@huggingface/tokenizers";
import { RetuneError } from "../../engine/errors.ts";
import type { TokenSequence } from "./pack.ts";

/** A tokenizer.json (and its tokenizer_config.json, "{}" where there is none) as text. */
export interface TokenizerText {
  readonly tokenizerJson: string;
  readonly tokenizerConfigJson: string;
}

/** Turns texts into the ids a BERT reads, cut as Hugging Face's tokenizers cut them (truncation "longest_first"). */
export class SequenceTokenizer {
  private readonly tokenizer: Tokenizer;
  private readonly first: number; // [CLS]
  private readonly last: number; // [SEP]

  /** Throws E_TOKENIZER where the files are no tokenizer that puts two special tokens around a text. */
  constructor({ tokenizerJson, tokenizerConfigJson }: TokenizerText) {
    const [tokenizer, config] = [
      objectOf(tokenizerJson, "tokenizer.json"),
      objectOf(tokenizerConfigJson, "tokenizer_config.json"),
    ];
    try {
      this.tokenizer = new Tokenizer(tokenizer, config);
    } catch (error) {
      throw tokenizerError(`tokenizer.json cannot be used: ${String(error)}`, "tokenizer.json", error);
    }
    const { ids } = this.tokenizer.encode("");
    if (ids.length !== 2) {
      const text = `tokenizer.json puts ${ids.length} special tokens around a text; a BERT's puts [CLS] and [SEP]`;
      throw tokenizerError(text, "tokenizer.json");
    }
    [this.first, this.last] = [ids[0]!, ids[1]!];
  }

  /** [CLS] text [SEP], at most `maxTokens` ids: what is too long loses its end. */
  encode(text: string, maxTokens: number): TokenSequence {
    const ids = this.pieces(text);
    return { ids: [this.first, ...ids.slice(0, Math.max(0, maxTokens - 2)), this.last] };
  }

  /** [CLS] first [SEP] second [SEP] with types 0 and 1, at most `maxTokens` ids: the longer text is cut first. */
  encodePair(first: string, second: string, maxTokens: number): TokenSequence {
    const [a, b] = [this.pieces(first), this.pieces(second)];
    const [keepA, keepB] = keptOfPair(a.length, b.length, Math.max(0, maxTokens - 3));
    const opening = [this.first, ...a.slice(0, keepA), this.last];
    const closing = [...b.slice(0, keepB), this.last];
    return {
      ids: [...opening, ...closing],
      types: [...opening.map(() => 0), ...closing.map(() => 1)],
    };
  }

  /** Tokens of a text, special ones left out. */
  count(text: string): number {
    return this.pieces(text).length;
  }

  private pieces(text: string): readonly number[] {
    return this.tokenizer.encode(text, { add_special_tokens: false }).ids;
  }
}

/**
 * How many tokens of two texts stay when both may have `room` together: only the longer one is cut while it stays the
 * longer, else both to halves, the odd token to the longer (tokenizers: src/utils/truncation.rs, LongestFirst).
 */
export function keptOfPair(first: number, second: number, room: number): [number, number] {
  if (first + second <= room) return [first, second];
  const [short, swapped] = first > second ? [second, true] : [first, false];
  let [few, many] = [short, short > room ? short : Math.max(short, room - short)];
  if (few + many > room) {
    few = Math.floor(room / 2);
    many = few + (room % 2);
  }
  return swapped ? [many, few] : [few, many];
}

function objectOf(text: string, file: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch (error) {
    throw tokenizerError(`${file} is not JSON: ${String(error)}`, file, error);
  }
  throw tokenizerError(`${file} holds no object`, file);
}

function tokenizerError(text: string, file: string, cause?: unknown): RetuneError {
  return new RetuneError("E_TOKENIZER", text, { file }, cause === undefined ? {} : { cause });
}
