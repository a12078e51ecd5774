import { Tokenizer } from "@huggingface/tokenizers";
import { approximateTokens } from "../../domain/text/chunk.ts";
import type { TokenCounter } from "../../domain/text/chunk.ts";
import { parseSettings } from "./model-files.ts";
import type { ModelFiles } from "./model-files.ts";

const KEPT = 400_000; // counts kept: of words some 40 MB, of texts a few hundred thousand sentences

/** Counts tokens as the model sees them, special ones left out; by an estimate where the model is not here. */
export async function tokenCounter(files: ModelFiles): Promise<TokenCounter> {
  const bytes = await files.read("tokenizer.json").catch(() => undefined);
  if (!bytes) return approximateTokens;
  const settings = parseSettings(bytes, "tokenizer.json");
  const tokenizer = new Tokenizer(settings, {});
  const count = kept((text) => tokenizer.encode(text, { add_special_tokens: false }).ids.length);
  return cutsAtSpaces(settings) ? (text) => countByWords(text, count) : count;
}

/** A slider asks for the same sentences again and again, and an import for the same words. */
function kept(count: TokenCounter): TokenCounter {
  const counted = new Map<string, number>();
  return (text) => {
    const known = counted.get(text);
    if (known !== undefined) return known;
    if (counted.size >= KEPT) counted.clear();
    const tokens = count(text);
    counted.set(text, tokens);
    return tokens;
  };
}

/**
 * Whether the tokens of a text are those of its words one after the other: BERT cuts at white space, makes every mark of
 * ASCII a token of its own and lets WordPiece cut what is left (google-research/bert, tokenization.py).
 */
function cutsAtSpaces(settings: Record<string, unknown>): boolean {
  const typeOf = (part: string): unknown => (settings[part] as { type?: unknown } | null | undefined)?.type;
  const added = (settings["added_tokens"] ?? []) as readonly { readonly content?: unknown }[];
  return (
    typeOf("model") === "WordPiece" &&
    typeOf("pre_tokenizer") === "BertPreTokenizer" &&
    typeOf("normalizer") === "BertNormalizer" &&
    added.every(({ content }) => typeof content === "string" && /^\[[A-Za-z0-9_]+\]$/.test(content))
  );
}

/** The same number as of the whole text, from counts of words: twenty times as fast, since words repeat. */
function countByWords(text: string, count: TokenCounter): number {
  let tokens = 0;
  for (let at = 0; at < text.length;) {
    if (isSpace(text.charCodeAt(at))) {
      at++;
      continue;
    }
    let end = at;
    while (end < text.length && !isSpace(text.charCodeAt(end))) end++;
    tokens += countStretch(text, at, end, count);
    at = end;
  }
  return tokens;
}

/** Tokens of a stretch without white space; one with a bracket (added tokens) or beyond ASCII is counted as a whole. */
function countStretch(text: string, start: number, end: number, count: TokenCounter): number {
  let tokens = 0;
  let word = start;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (isAlphanumeric(code)) continue;
    if (code < 0x21 || code > 0x7e || code === 0x5b) return count(text.slice(start, end));
    if (word < at) tokens += count(text.slice(word, at));
    tokens++;
    word = at + 1;
  }
  return word < end ? tokens + count(text.slice(word, end)) : tokens;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function isAlphanumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a);
}
