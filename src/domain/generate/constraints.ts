// Constrained decoding by xgrammar (Dong et al. 2024): a pushdown automaton over bytes says which tokens may come next. It is given the
// bytes that every token adds to a text, so any tokenizer will do. Where a text's first token loses the space before it (SentencePiece,
// words), that token is held to the grammar by a vocabulary of its own, and its bytes are told to the automaton of the others.
// JSON is written as Python's json.dumps writes it: one line, ", " and ": " between its parts.
import type { CompiledGrammar, GrammarCompiler, GrammarMatcher } from "@mlc-ai/web-xgrammar";
import { RetuneError } from "../../engine/errors.ts";
import type { ChatFormat } from "../chat/chat-format.ts";
import type { DecoderTokenizer } from "../chat/decoder-tokenizer.ts";
import type { AnswerConstraint } from "./answer-constraint.ts";
import { factoredGrammar } from "./factored-grammar.ts";
import type { Constraint } from "./language-model.ts";
import type { TokenMask } from "./sampling.ts";
import { schemaGrammar } from "./schema-grammar.ts";
import { lastRefusal, loadXGrammar, type XGrammar } from "./xgrammar.ts";

const MOST_COMPILED = 64;

/** A grammar for a text's first token, where that differs, and for those after it. */
interface Compiled {
  readonly first: CompiledGrammar | undefined;
  readonly later: CompiledGrammar;
}

interface Compilers {
  readonly library: XGrammar;
  readonly first: GrammarCompiler | undefined;
  readonly later: GrammarCompiler;
}

/** Holds answers of one vocabulary to schemas and grammars; each is compiled once. */
export class Constraints {
  readonly #format: ChatFormat;
  readonly #vocabSize: number;
  readonly #compiled = new Map<string, Compiled>(); // least recently used first
  #compilers: Promise<Compilers> | undefined;

  /** @param vocabSize of the logits, which may be more than the tokenizer has */
  constructor(format: ChatFormat, vocabSize: number) {
    this.#format = format;
    this.#vocabSize = vocabSize;
  }

  /** For one answer. Rejects with "usage" where the schema or grammar is refused, and "unsupported" for a tokenizer it cannot read. */
  async open(constraint: Constraint): Promise<AnswerConstraint> {
    this.#compilers ??= this.#makeCompilers();
    const compilers = await this.#compilers;
    const { GrammarMatcher } = compilers.library;
    const { first, later } = await this.#compiledFor(constraint, compilers);
    return new GrammarConstraint(
      this.#format.tokenizer,
      first && (await GrammarMatcher.createGrammarMatcher(first)),
      await GrammarMatcher.createGrammarMatcher(later),
    );
  }

  dispose(): void {
    for (const { first, later } of this.#compiled.values()) {
      first?.dispose();
      later.dispose();
    }
    this.#compiled.clear();
    void this.#compilers?.then(({ first, later }) => {
      first?.dispose();
      later.dispose();
    }, ignored);
    this.#compilers = undefined;
  }

  async #makeCompilers(): Promise<Compilers> {
    const { tokenizer, endOfTurn } = this.#format;
    if (endOfTurn.size === 0) {
      const text = "constrained answers: the model's chat template ends no turn, so no answer would end";
      throw new RetuneError("unsupported", text);
    }
    const library = await loadXGrammar();
    const [first, later] = [true, false].map((begins) =>
      Array.from({ length: this.#vocabSize }, (_, id) => tokenizer.bytesOf(id, begins)),
    );
    const differs = first!.some((bytes, id) => bytes.join() !== later![id]!.join());
    return {
      library,
      first: differs ? await this.#compilerOf(library, first!) : undefined,
      later: await this.#compilerOf(library, later!),
    };
  }

  async #compilerOf(library: XGrammar, vocabulary: readonly Uint8Array[]): Promise<GrammarCompiler> {
    const { TokenizerInfo, GrammarCompiler } = library;
    const bytes = vocabulary as unknown as string[]; // its binding takes bytes for a string, too
    const ends = [...this.#format.endOfTurn].filter((id) => id < this.#vocabSize);
    const info = await TokenizerInfo.createTokenizerInfo(bytes, "raw", false, this.#vocabSize, ends);
    const compiler = await GrammarCompiler.createGrammarCompiler(info, false);
    info.dispose();
    return compiler;
  }

  async #compile(constraint: Constraint, { library, first, later }: Compilers): Promise<Compiled> {
    const grammar =
      constraint.kind === "grammar" ? constraint.grammar : await schemaGrammar(library, constraint.schema);
    return {
      first: first && (await compiledBy(first, grammar)),
      later: await compiledBy(later, grammar),
    };
  }

  async #compiledFor(constraint: Constraint, compilers: Compilers): Promise<Compiled> {
    const key = JSON.stringify(constraint);
    const known = this.#compiled.get(key);
    const compiled = known ?? (await this.#compile(constraint, compilers));
    this.#compiled.delete(key);
    this.#compiled.set(key, compiled);
    for (const [oldest, old] of this.#compiled) {
      if (this.#compiled.size <= MOST_COMPILED) break;
      this.#compiled.delete(oldest);
      old.first?.dispose();
      old.later.dispose();
    }
    return compiled;
  }
}

function ignored(): void {
  // who waited for it has been told
}

async function compiledBy(compiler: GrammarCompiler, grammar: string): Promise<CompiledGrammar> {
  const factored = factoredGrammar(grammar);
  try {
    return await compiler.compileGrammar(factored);
  } catch (error) {
    const text = `constrained answers: the grammar is refused: ${lastRefusal()}`;
    throw new RetuneError("usage", text, {}, { cause: error });
  }
}

class GrammarConstraint implements AnswerConstraint {
  readonly #tokenizer: DecoderTokenizer;
  readonly #later: GrammarMatcher;
  #first: GrammarMatcher | undefined; // until a token was taken

  constructor(tokenizer: DecoderTokenizer, first: GrammarMatcher | undefined, later: GrammarMatcher) {
    this.#tokenizer = tokenizer;
    this.#first = first;
    this.#later = later;
  }

  mask(): Promise<TokenMask> {
    return (this.#first ?? this.#later).getNextTokenBitmask();
  }

  accept(id: number): void {
    const bytes = this.#first ? this.#tokenizer.bytesOf(id, true) : new Uint8Array(0);
    this.#first?.dispose();
    this.#first = undefined;
    const taken =
      bytes.length > 0
        ? this.#later._acceptString(bytes as unknown as string) // as above
        : this.#later.acceptToken(id);
    if (!taken) throw new Error(`token ${id} was picked against its grammar`);
  }

  dispose(): void {
    this.#first?.dispose();
    this.#later.dispose();
  }
}
