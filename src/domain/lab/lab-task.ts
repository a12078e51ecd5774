import type { ChatFormat } from "../chat/chat-format.ts";
import type { Conversation } from "../chat/template-messages.ts";
import type { LanguageModel } from "../generate/language-model.ts";
import type { RunControl } from "../ports.ts";

/** The systems of the lab, by the names that jobs, projects and screens share. */
export type LabTaskId =
  | "sft"
  | "text-to-sql"
  | "code"
  | "function-calling"
  | "memorise"
  | "ra-dit"
  | "judge"
  | "react"
  | "style"
  | "llm-selector";

export interface LabExample {
  readonly id: string; // stable: a line number, or the row's own id
  readonly line: number; // of its file, from 1
  readonly group: string; // rows of one group never stand on both sides of a split: schema, document, tool set
}

/** A row that was not taken, or that deserves a look. */
export interface LabNote {
  readonly line: number;
  readonly reason: string; // one sentence: what is wrong, what to do
  readonly skipped: boolean;
}

export interface LabRead<Example> {
  readonly examples: readonly Example[];
  readonly notes: readonly LabNote[];
}

/**
 * A figure of each row; the figure of a model is its mean over the rows where it is defined, or what `summary` makes of all
 * its answers (a κ, a correlation, a perplexity over all tokens); undefined: these answers do not define it.
 */
export interface LabMeasure {
  readonly key: string; // as reports write it: "executionAccuracy"
  readonly label: string;
  readonly meaning: string; // one sentence for somebody who meets it first
  readonly better: "higher" | "lower";
  readonly unit: "share" | "number"; // a share lies in [0, 1]
  readonly summary?: (answers: readonly LabAnswer[]) => number | undefined;
}

/** What a model did with one held-out row. */
export interface LabAnswer {
  readonly id: string; // of the example
  readonly text: string; // its answer, or what stands for it
  readonly measures: Readonly<Record<string, number>>; // a measure that does not apply is left out
  readonly detail?: Readonly<Record<string, unknown>>; // plain JSON for the page: a result table, errors of a schema
}

/** What is learnt from, and what both models are asked afterwards. */
export interface LabSides<Example extends LabExample = LabExample> {
  readonly train: readonly Example[];
  readonly test: readonly Example[];
}

export interface LabSettings {
  readonly maxNewTokens?: number; // default: the task's own
  readonly constrained?: boolean; // answers are held to the task's schema or grammar
  readonly seed?: number;
}

/** What of a model changes the texts that it is asked and taught; a `LanguageModel` is one. */
export interface ModelForm {
  readonly placeholders?: boolean; // it knows placeholders in the place of names and literals (lab/delexicalise.ts)
  readonly format?: ChatFormat; // whether its template shows functions (lab/calls)
}

/**
 * One system: what its rows are, what a model learns from them, and how its answers are judged. Held-out rows are the same for
 * base and tuned, so that differences can be paired.
 */
export interface LabTask<Example extends LabExample = LabExample> {
  readonly id: LabTaskId;
  readonly measures: readonly LabMeasure[]; // the first decides the verdict
  readonly maxNewTokens: number;
  /** Rows of a file. Throws "format" where it is none of the task's forms; bad rows are notes, or all is refused without skipBadRows. */
  read(file: string, bytes: Uint8Array, options?: { readonly skipBadRows?: boolean }): LabRead<Example>;
  /**
   * Parts the rows of one file where that is not "some groups are held out" (splitRows): memorising asks what was learnt, too.
   * `given` are the rows of a second file, where there is one.
   */
  sides?(
    examples: readonly Example[],
    share: number,
    seed: number,
    given?: readonly Example[],
  ): LabSides<Example>;
  /** The task with what its measures take from the rows that are learnt (a style's classifier); ask it before `examine` where it is there. */
  judgedBy?(training: readonly Example[]): LabTask<Example>;
  /** What is learnt from a row: conversations whose assistant turns are the targets. */
  conversations(example: Example, form?: ModelForm): readonly Conversation[];
  /** Asks the model about every row and judges what it says, in the order of rows. */
  examine(
    model: LanguageModel,
    examples: readonly Example[],
    settings: LabSettings,
    control?: RunControl,
  ): Promise<readonly LabAnswer[]>;
}
