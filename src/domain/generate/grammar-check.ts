import type { CompiledGrammar } from "@mlc-ai/web-xgrammar";
import { RetuneError } from "../../engine/errors.ts";
import { factoredGrammar } from "./factored-grammar.ts";
import { lastRefusal, loadXGrammar, type XGrammar } from "./xgrammar.ts";

const BYTES = 256;
const END = BYTES; // the id that ends a text

/** Whether whole texts are of a grammar in xgrammar's EBNF, by the automaton that answers are held to; no model is needed. */
export class GrammarCheck {
  readonly #library: XGrammar;
  readonly #grammar: CompiledGrammar;

  private constructor(library: XGrammar, grammar: CompiledGrammar) {
    this.#library = library;
    this.#grammar = grammar;
  }

  /** Rejects with "usage" where the grammar is refused. Dispose of it. */
  static async open(grammar: string): Promise<GrammarCheck> {
    const [library, factored] = [await loadXGrammar(), factoredGrammar(grammar)];
    const pieces = Array.from({ length: BYTES }, (_, byte) => Uint8Array.of(byte)) as unknown as string[]; // bytes are taken, too
    const info = await library.TokenizerInfo.createTokenizerInfo(
      [...pieces, "<end>"],
      "raw",
      false,
      BYTES + 1,
      [END],
    );
    const compiler = await library.GrammarCompiler.createGrammarCompiler(info, false);
    info.dispose();
    try {
      return new GrammarCheck(library, await compiler.compileGrammar(factored));
    } catch (error) {
      throw new RetuneError("usage", `the grammar is refused: ${lastRefusal()}`, {}, { cause: error });
    } finally {
      compiler.dispose();
    }
  }

  /** Whether the grammar takes the text as a whole. */
  async accepts(text: string): Promise<boolean> {
    const matcher = await this.#library.GrammarMatcher.createGrammarMatcher(this.#grammar);
    try {
      return (text === "" || matcher._acceptString(text)) && matcher.acceptToken(END);
    } finally {
      matcher.dispose();
    }
  }

  dispose(): void {
    this.#grammar.dispose();
  }
}
