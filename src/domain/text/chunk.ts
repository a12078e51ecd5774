import { sha256 } from "../data/hash.ts";
import type { Passage } from "../data/dataset.ts";
import { sentencesOf } from "./sentences.ts";
import type { TextBlock, TextDocument } from "./structure.ts";

/** Counts what an encoder would see; must not fall when text is added. */
export type TokenCounter = (text: string) => number;

export interface ChunkOptions {
  readonly maxTokens: number; // never passed; 510 is what a 512-position encoder sees
  readonly overlapTokens: number; // at most so much of the end of a chunk, in whole sentences, opens the next
  readonly minTokens: number; // a shorter section joins the one after it
  readonly countTokens: TokenCounter;
}

/** A stretch of a document, the unit of retrieval. */
export interface Chunk {
  readonly text: string; // opens with the headings that stand inside it
  readonly heading?: string; // the innermost heading over its first sentence
  readonly headings: readonly string[]; // the path to it, outermost first
  readonly tokens: number;
  readonly page?: number; // where its first sentence stands, in formats with pages
}

export interface ChunkPassage extends Passage {
  readonly document: string;
  readonly heading?: string;
  readonly page?: number;
}

/** About the number of WordPiece tokens of English text: 1.3 a word, one for each character of scripts without spaces. */
export const approximateTokens: TokenCounter = (text) => {
  const dense =
    text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu)?.length ?? 0;
  const words =
    text.match(/[^\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]+/gu) ?? [];
  return dense + words.reduce((sum, word) => sum + Math.max(1.3, word.length / 6), 0);
};

export const CHUNK_DEFAULTS: ChunkOptions = {
  maxTokens: 200,
  overlapTokens: 20,
  minTokens: 24,
  countTokens: approximateTokens,
};

interface Piece {
  readonly text: string;
  readonly tokens: number;
  readonly opensBlock: boolean; // stands on a line of its own
  readonly heading: boolean;
}

/** Chunks of whole sentences, in reading order; a new heading opens a new chunk once the open one is long enough. */
export function chunkBlocks(blocks: readonly TextBlock[], options: Partial<ChunkOptions> = {}): Chunk[] {
  const chunker = new Chunker({ ...CHUNK_DEFAULTS, ...options });
  for (const block of blocks) chunker.add(block);
  return chunker.finish();
}

/**
 * The passages of a document. An id is the start of the SHA-256 of document name, text and, for equal texts, their
 * count, so the same file gives the same ids on every machine and an edit changes only the ids it touches.
 */
export async function passagesOf(
  document: TextDocument,
  options: Partial<ChunkOptions> = {},
): Promise<ChunkPassage[]> {
  const seen = new Map<string, number>();
  const passages: ChunkPassage[] = [];
  for (const { text, heading, page } of chunkBlocks(document.blocks, options)) {
    const copy = seen.get(text) ?? 0;
    seen.set(text, copy + 1);
    const hash = await sha256(JSON.stringify([document.name, text, copy]));
    passages.push({ id: hash.slice(0, 32), text, document: document.name, ...given({ heading, page }) });
  }
  return passages;
}

interface Standing {
  readonly heading?: string;
  readonly page?: number;
}

function given(where: { heading: string | undefined; page: number | undefined }): Standing {
  const { heading, page } = where;
  return { ...(heading === undefined ? {} : { heading }), ...(page === undefined ? {} : { page }) };
}

class Chunker {
  private readonly options: ChunkOptions;
  private readonly chunks: Chunk[] = [];
  private path: { level: number; text: string }[] = [];
  private open: Piece[] = [];
  private openPath: readonly string[] = [];
  private page: number | undefined;
  private openPage: number | undefined;
  private fresh = false; // whether the open chunk holds more than the overlap

  constructor(options: ChunkOptions) {
    this.options = options;
  }

  add(block: TextBlock): void {
    this.page = block.page;
    if (block.kind === "heading") {
      if (this.tokens() >= this.options.minTokens || !this.fresh) this.close(false);
      this.path = [
        ...this.path.filter(({ level }) => level < block.level),
        { level: block.level, text: block.text },
      ];
    }
    const sentences =
      block.kind === "paragraph" || block.kind === "item" ? sentencesOf(block.text) : [block.text];
    for (const [index, sentence] of sentences.entries()) {
      for (const [part, text] of this.fitting(sentence, block.kind === "code").entries()) {
        this.push(text, index === 0 && part === 0, block.kind === "heading");
      }
    }
  }

  finish(): Chunk[] {
    this.close(false);
    return this.chunks;
  }

  private push(text: string, opensBlock: boolean, heading: boolean): void {
    const tokens = this.options.countTokens(text);
    if (this.fresh && this.tokens() + tokens > this.options.maxTokens) this.close(true);
    while (this.open.length > 0 && this.tokens() + tokens > this.options.maxTokens) this.open.shift();
    if (!this.fresh) {
      this.openPath = this.path.map((entry) => entry.text);
      this.openPage = this.page;
    }
    this.open.push({ text, tokens, opensBlock, heading });
    this.fresh = true;
  }

  private tokens(): number {
    return this.open.reduce((sum, piece) => sum + piece.tokens, 0);
  }

  /** Ends the open chunk; inside a section its last sentences also open the next. */
  private close(inSection: boolean): void {
    if (this.fresh) {
      const text = this.open.map((piece, index) => separator(piece, index) + piece.text).join("");
      const chunk = { text, headings: this.openPath, tokens: this.options.countTokens(text) };
      this.chunks.push({ ...chunk, ...given({ heading: this.openPath.at(-1), page: this.openPage }) });
    }
    this.open = inSection ? this.overlap() : [];
    this.fresh = false;
  }

  private overlap(): Piece[] {
    const kept: Piece[] = [];
    let tokens = 0;
    for (const piece of [...this.open].reverse()) {
      tokens += piece.tokens;
      if (tokens > this.options.overlapTokens || piece.heading || kept.length + 1 === this.open.length) break;
      kept.unshift(piece);
    }
    return kept;
  }

  /** A sentence past the budget in parts that fit: by words, and a word past it by characters. */
  private fitting(sentence: string, isCode: boolean): string[] {
    const { countTokens, maxTokens } = this.options;
    if (countTokens(sentence) <= maxTokens) return [sentence];
    const parts: string[] = [];
    let open = "";
    for (const word of wordsOf(sentence, isCode, maxTokens * 16)) {
      if (open !== "" && countTokens(open + word) > maxTokens) {
        parts.push(open.trim());
        open = "";
      }
      open += word;
      while (countTokens(open) > maxTokens && open.length > 1) {
        const cut = fittingLength(open, countTokens, maxTokens);
        parts.push(open.slice(0, cut));
        open = open.slice(cut);
      }
    }
    return [...parts, open.trim()].filter((part) => part !== "");
  }
}

/** Words with the space after them (lines for code); what is longer than any chunk could be is cut at once. */
function wordsOf(sentence: string, isCode: boolean, longest: number): string[] {
  return sentence.split(isCode ? /(?<=\n)/ : /(?<=\s)/).flatMap((word) => {
    if (word.length <= longest) return [word];
    const count = Math.ceil(word.length / longest);
    return Array.from({ length: count }, (_, index) => word.slice(index * longest, (index + 1) * longest));
  });
}

/** The longest prefix within the budget, at least one whole character, by bisection. */
function fittingLength(text: string, countTokens: TokenCounter, maxTokens: number): number {
  let [low, high] = [1, text.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (countTokens(text.slice(0, middle)) <= maxTokens) low = middle;
    else high = middle - 1;
  }
  const splitsPair = /[\ud800-\udbff]/.test(text[low - 1]!) && low < text.length - 1;
  return splitsPair ? (low > 1 ? low - 1 : low + 1) : low;
}

function separator(piece: Piece, index: number): string {
  if (index === 0) return "";
  return piece.opensBlock ? "\n" : " ";
}
