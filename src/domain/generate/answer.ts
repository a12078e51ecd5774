import type { DecoderTokenizer } from "../chat/decoder-tokenizer.ts";
import type { Generated } from "./language-model.ts";

/** What ends an answer beside its turn. */
export interface AnswerLimits {
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly endOfTurn: ReadonlySet<number>;
}

const UNFINISHED = /\uFFFD+$/; // how the first bytes of a character decode before its last one is there

/**
 * An answer as it grows. What it has told by `onText` never changes: the bytes of an unfinished character and what may become
 * a stop text are held back until they are decided.
 */
export class Answer {
  readonly ids: number[] = []; // without the end of turn
  readonly #tokenizer: DecoderTokenizer;
  readonly #limits: AnswerLimits;
  readonly #onText: ((text: string) => void) | undefined;
  #tokens = 0;
  #told = "";
  #ended: Generated["ended"] | undefined;
  #text: string | undefined; // once it ended

  constructor(tokenizer: DecoderTokenizer, limits: AnswerLimits, onText?: (text: string) => void) {
    this.#tokenizer = tokenizer;
    this.#limits = limits;
    this.#onText = onText;
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** The answer once it has ended. */
  get generated(): Generated {
    return { text: this.#text ?? this.#decoded(), tokens: this.#tokens, ended: this.#ended ?? "length" };
  }

  /** Takes the next token. */
  push(id: number): void {
    const { maxTokens, stop, endOfTurn } = this.#limits;
    this.#tokens++;
    if (endOfTurn.has(id)) return this.#end("turn", this.#decoded());
    this.ids.push(id);
    if (stop.length > 0 || this.#onText) {
      const text = this.#decoded();
      const cut = firstOf(text, stop);
      if (cut !== undefined) return this.#end("stop", text.slice(0, cut));
      this.#tell(text.slice(0, decidedLength(text, stop)));
    }
    if (this.#tokens >= maxTokens) this.#end("length", this.#decoded());
  }

  #decoded(): string {
    return this.#tokenizer.decode(this.ids, { special: false });
  }

  #end(ended: Generated["ended"], text: string): void {
    this.#ended = ended;
    this.#text = text;
    this.#tell(text);
  }

  #tell(text: string): void {
    if (!this.#onText || text.length <= this.#told.length || !text.startsWith(this.#told)) return;
    this.#onText(text.slice(this.#told.length));
    this.#told = text;
  }
}

/** Where the first stop text begins. */
function firstOf(text: string, stop: readonly string[]): number | undefined {
  const places = stop.map((own) => text.indexOf(own)).filter((place) => place >= 0);
  return places.length === 0 ? undefined : Math.min(...places);
}

/** How much of a text no later token can change or take away. */
function decidedLength(text: string, stop: readonly string[]): number {
  const whole = text.replace(UNFINISHED, "");
  const begun = stop.map((own) => {
    for (let length = Math.min(own.length - 1, whole.length); length > 0; length--) {
      if (whole.endsWith(own.slice(0, length))) return length;
    }
    return 0;
  });
  return whole.length - Math.max(0, ...begun);
}
