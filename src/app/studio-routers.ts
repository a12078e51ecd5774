import type { GenerateOptions } from "./studio-data.ts";
import type { ExportedFile } from "./studio-models.ts";

// A project's router: the choices it picks from and the questions it learns from, as the page sees them.

export interface RouterView {
  readonly choices: readonly ChoiceView[];
  readonly questions: { readonly train: number; readonly test: number; readonly none: number };
  readonly problems: readonly string[]; // "“Billing” has no question yet."
}

/** A data source or tool that a question can be sent to. */
export interface ChoiceView {
  readonly id: string; // unique, never changes
  readonly name: string;
  readonly description: string;
  readonly questions: number;
}

/** An example question. Several right choices are possible; none means "none of these". */
export interface RoutedQuestionView {
  readonly id: string;
  readonly text: string;
  readonly choices: readonly string[]; // ids
  readonly split: "train" | "test";
  readonly made: string; // "imported", "typed", "rule: …", "teacher: llama3"
}

export interface RouterImportReport {
  readonly choices: number;
  readonly questions: number;
  readonly warnings: readonly string[];
}

/** One question sent to the choices, base beside tuned. */
export interface RouteAnswer {
  readonly base: RouteSide | null; // null where the run has no base to compare with (softmax)
  readonly tuned: RouteSide;
  readonly milliseconds: number; // embedding or reading the pairs included
}

export interface RouteSide {
  readonly chosen: string | null; // id; null: none of these
  readonly probability: number; // that the best choice is right, calibrated
  readonly threshold: number; // below it: none of these
  readonly ranked: readonly { readonly choiceId: string; readonly name: string; readonly score: number }[];
}

export interface RouteRequest {
  readonly text: string;
  readonly runId: string; // of a router
  readonly top: number; // choices shown
}

/** What the page asks about routers. */
export interface RouterStudio {
  router(projectId: string): Promise<RouterView>;
  routedQuestions(projectId: string): Promise<readonly RoutedQuestionView[]>;
  /** Adds or changes a choice; without an id it gets one. */
  saveChoice(
    projectId: string,
    choice: { readonly id?: string; readonly name: string; readonly description: string },
  ): Promise<RouterView>;
  removeChoice(projectId: string, choiceId: string): Promise<RouterView>;
  /** Adds or changes an example question; `choices` empty means "none of these". */
  saveRoutedQuestion(
    projectId: string,
    question: { readonly id?: string; readonly text: string; readonly choices: readonly string[] },
  ): Promise<RouterView>;
  removeRoutedQuestion(projectId: string, questionId: string): Promise<RouterView>;
  /**
   * Replaces the router's data: one router JSON, choices and examples as CSV or JSONL (one or two files), or a LlamaIndex
   * dataset whose corpus is the descriptions.
   */
  importRouter(projectId: string, files: readonly File[]): Promise<RouterImportReport>;
  /** Job: writes `perPassage` questions for every choice from its description, by rules or by an endpoint. */
  generateRoutedQuestions(projectId: string, options: GenerateOptions): Promise<string>;
  exportRouterData(projectId: string): Promise<ExportedFile>;
  /** One question to a trained router. */
  route(projectId: string, request: RouteRequest): Promise<RouteAnswer>;
}
