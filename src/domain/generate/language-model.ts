import type { ChatFormat } from "../chat/chat-format.ts";
import type { SupervisedSequence } from "../models/llama/supervision.ts";
import type { RunControl } from "../ports.ts";

/** What an answer is held to, token by token: a JSON schema, or a grammar in xgrammar's EBNF whose start rule is "root". */
export type Constraint =
  | { readonly kind: "json-schema"; readonly schema: string }
  | { readonly kind: "grammar"; readonly grammar: string };

export interface GenerationSettings {
  readonly maxTokens: number; // new tokens of an answer, from 1
  readonly temperature?: number; // default 0: the most likely token, the smaller id where two are equal
  readonly topK?: number; // of sampling; default all
  readonly topP?: number; // of sampling; default 1
  readonly seed?: number; // of sampling; default 0
  readonly stop?: readonly string[]; // texts at which an answer ends; they are not part of it
  readonly constraints?: readonly (Constraint | undefined)[]; // one for each prompt
  /** What an answer has grown by: whole characters only. `prompt` is its place. */
  readonly onText?: (prompt: number, text: string) => void;
}

export interface Generated {
  readonly text: string; // without the end of turn and without what follows a stop
  readonly tokens: number; // made, with the end of turn
  readonly ended: "turn" | "stop" | "length";
}

/** Teacher-forced likelihood of the supervised tokens of a sequence. */
export interface SequenceScore {
  readonly loss: number; // Σ −ln p, in nats
  readonly tokens: number; // that count
}

/**
 * A causal language model that is ready to be asked. All three reject with "cancelled" when the signal fires, and with "usage"
 * where a prompt and its answer pass the model's positions.
 */
export interface LanguageModel {
  readonly name: string;
  readonly format: ChatFormat;
  readonly contextTokens: number; // prompt and answer together
  /** It knows only delexicalised words: t1, c1, v1 … for tables, columns, values (src/domain/lab/delexicalise.ts). */
  readonly placeholders?: boolean;
  /** Prompts as ids (`ChatFormat.promptIds`) → their answers in the same order. */
  generate(
    prompts: readonly (readonly number[])[],
    settings: GenerationSettings,
    control?: RunControl,
  ): Promise<readonly Generated[]>;
  /** The likelihood of given texts, in the same order. */
  score(sequences: readonly SupervisedSequence[], control?: RunControl): Promise<readonly SequenceScore[]>;
  /** ln p of each candidate as the next token: [prompts][candidates]. */
  nextTokens(
    prompts: readonly (readonly number[])[],
    candidates: readonly number[],
    control?: RunControl,
  ): Promise<readonly Float64Array[]>;
}
