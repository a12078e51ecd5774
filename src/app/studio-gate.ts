import type { FlagKind, QuestionFlag, Retriever } from "../domain/data/gate-flags.ts";
import type { LeakKind } from "../domain/data/leak-report.ts";
import type { QuestionChange, QuestionView } from "./studio-data.ts";

// Questions worth training on, and a test that was not seen in training, as the page sees them.

/** What the review shows of the question under the cursor. */
export interface QuestionDetail {
  readonly id: string;
  readonly passageText: string;
  readonly sentence?: string; // a rule's source sentence
  readonly copyRate: number; // share of its words that the passage holds
  /** Questions that its flags say it repeats. */
  readonly near: readonly NearQuestion[];
}

/** What of a row a decision can change. */
export type RestoredQuestion = Pick<QuestionView, "id" | "text" | "state" | "made" | "flags">;

export interface NearQuestion {
  readonly id: string;
  readonly text: string;
  readonly samePassage: boolean;
  readonly flag: Extract<QuestionFlag, { kind: "duplicate" }>;
}

export interface GateSettings {
  readonly top: number; // the source passage must be found among the first so many
}

/** How the last check of the questions went. */
export interface GateView {
  readonly checked: number;
  readonly flagged: number; // questions with at least one flag
  readonly counts: Readonly<Partial<Record<FlagKind, number>>>;
  readonly searched: Readonly<Record<Retriever, number>>; // questions, by what searched for their passage
  readonly top: number;
}

export interface LeakExample {
  readonly kind: LeakKind;
  readonly share: number; // 1, share of 5-grams, cosine
  readonly test: string; // texts
  readonly train: string;
}

export interface LeakView {
  readonly stale: boolean; // the data changed since
  readonly counts: readonly { readonly kind: LeakKind; readonly found: number; readonly of: number }[];
  readonly questions: readonly string[]; // test questions concerned, ids
  readonly testQuestions: number;
  readonly examples: readonly LeakExample[]; // of each kind the strongest few
  readonly groups: readonly LeakGroup[];
  /** Whether the groups can be moved whole to one side: not where files were given for one side. */
  readonly movable: boolean;
  readonly together: number; // groups of documents that are kept on one side already
  readonly compared: "words" | "words-and-vectors";
  readonly ties: readonly TieView[];
}

/** What hangs together across the two sides. */
export interface LeakGroup {
  readonly train: readonly string[]; // documents, or passages where there is one document
  readonly test: readonly string[];
  readonly questions: number; // of the test side
}

/** Two passages of one side that say nearly the same: both may be right, only one is judged so. */
export interface TieView {
  readonly passage: string; // id of a right passage
  readonly other: string; // id
  readonly share: number; // of its 5-grams in the other
  readonly text: string;
  readonly otherText: string;
  readonly questions: number; // that name the one and not the other
}

/** What the page asks about the quality of a project's questions. */
export interface GateStudio {
  question(projectId: string, questionId: string): Promise<QuestionDetail>;
  /** Accepts, rejects or edits; all of them are one decision to take back. */
  decideQuestions(projectId: string, questionIds: readonly string[], change: QuestionChange): Promise<void>;
  /** Takes the last decision of this project back, also one from before a reload; none where there is none. */
  undoDecision(projectId: string): Promise<readonly RestoredQuestion[]>;
  /** Job: flags every question that is not rejected; written ones with a flag wait for a decision. */
  checkQuestions(projectId: string, settings?: GateSettings): Promise<string>;
  gate(projectId: string): Promise<GateView | null>;
  /** Job: what of the test stands in training, and near-copies among passages. */
  checkLeaks(projectId: string): Promise<string>;
  leaks(projectId: string): Promise<LeakView | null>;
  /**
   * "together": documents that leak stay on one side from now on; "drop": the test questions concerned are rejected
   * (a decision, so it can be taken back); "apart": forgets what is kept together.
   */
  fixLeaks(projectId: string, how: "together" | "drop" | "apart"): Promise<void>;
  /** The near-copies become right answers too. A decision, so it can be taken back; answers how many questions changed. */
  acceptTies(
    projectId: string,
    ties: readonly { readonly passage: string; readonly other: string }[],
  ): Promise<number>;
}
