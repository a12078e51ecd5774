// The nano language: its tokenizer, from texts of every generator, and rows as sequences to learn from.
import { ChatFormat } from "../../src/domain/chat/chat-format.ts";
import { questionText } from "../../src/domain/lab/question-prompt.ts";
import type { SupervisedSequence } from "../../src/domain/models/llama/supervision.ts";
import { codeRow } from "./code-rows.ts";
import { Draw } from "./draw.ts";
import { echoText } from "./echo-texts.ts";
import { mixedTurn, placeholderWords, sqlTurn, type Turn } from "./mix.ts";
import { nanoTokenizer, type NanoTokenizerFiles } from "./tokenizer.ts";
import { WORDS_OF_PROMPTS } from "./prompt-words.ts";
import * as words from "./words.ts";

const TEXTS = 4000; // of the mix: every form of every generator is among them
const VOCABULARY_STREAM = 1_000_001;

/** The tokenizer's files; the same at every call. */
export function nanoLanguage(): NanoTokenizerFiles {
  return nanoTokenizer(texts(), phrases());
}

function* texts(): Iterable<string> {
  const draw = new Draw(0, VOCABULARY_STREAM);
  yield* placeholderWords();
  for (let count = 0; count < TEXTS; count++) {
    const { asked, answer } = mixedTurn(draw);
    yield* [asked, answer, sqlTurn(draw, "further").asked, echoText(draw), codeRow(draw).text];
  }
  const { THINGS, MARKS, COLOURS, MATERIALS, PEOPLE, DIRECTIONS, COUNTS } = words;
  const all = [THINGS, MARKS, COLOURS, MATERIALS, PEOPLE, DIRECTIONS, COUNTS].flat();
  yield* all.map((word) => ` ${word}`);
  yield* WORDS_OF_PROMPTS;
}

/** What stands around passages and their question. */
function phrases(): string[] {
  const [before, between, after] = questionText(["\u0001"], "\u0001").split("\u0001");
  return [before!, between!, after!];
}

export function chatFormat({
  tokenizerJson,
  tokenizerConfigJson,
  chatTemplate,
}: NanoTokenizerFiles): ChatFormat {
  return new ChatFormat({ tokenizerJson, tokenizerConfigJson, chatTemplate });
}

/** A turn as the chat template writes it, its answer with the end of turn learnt. */
export class TurnSequences {
  readonly #format: ChatFormat;
  readonly #user: number;
  readonly #ends: readonly [end: number, assistant: number];

  constructor(format: ChatFormat) {
    this.#format = format;
    const id = (token: string): number => format.tokenizer.idOf(token)!;
    [this.#user, this.#ends] = [id("<|user|>"), [id("<|end|>"), id("<|assistant|>")]];
  }

  /** The same ids as `renderedRows` gives, without rendering. */
  of({ asked, answer }: Pick<Turn, "asked" | "answer">): SupervisedSequence {
    const { tokenizer } = this.#format;
    const [end, assistant] = this.#ends;
    const prompt = [this.#user, ...tokenizer.encode(asked), end, assistant];
    const said = [...tokenizer.encode(answer), end];
    const ids = [...prompt, ...said];
    return { ids, supervised: ids.map((_, place) => place >= prompt.length) };
  }
}
