import type { QuestionChange, QuestionView } from "../../app/studio.ts";
import { ALL_QUESTIONS, filterQuestions, type QuestionFilter } from "../review.ts";
import type { ProjectState } from "./project.svelte.ts";
import type { StudioState } from "./studio.svelte.ts";

interface Undo {
  readonly questionId: string;
  readonly change: QuestionChange;
}

/** The review list: filter, cursor, decisions and the way back. */
export class ReviewState {
  readonly #page: StudioState;
  readonly #project: ProjectState;
  filter: QuestionFilter = $state.raw(ALL_QUESTIONS);
  cursor: number = $state(0);
  editing: boolean = $state(false);
  undone: "done" | "empty" | null = $state(null);
  readonly #undo: Undo[] = [];

  constructor(page: StudioState, project: ProjectState) {
    this.#page = page;
    this.#project = project;
  }

  shown: readonly QuestionView[] = $derived.by(() => filterQuestions(this.#project.questions ?? [], this.filter));

  get current(): QuestionView | null {
    return this.shown[Math.min(this.cursor, this.shown.length - 1)] ?? null;
  }

  choose(filter: Partial<QuestionFilter>): void {
    this.filter = { ...this.filter, ...filter };
    this.cursor = 0;
  }

  move(by: number): void {
    this.cursor = Math.max(0, Math.min(this.shown.length - 1, this.cursor + by));
  }

  /** Accepts or rejects the question under the cursor and goes on to the next. */
  async decide(kind: "accept" | "reject"): Promise<void> {
    const question = this.current;
    if (!question) return;
    const stays = this.filter.state === "all";
    await this.#apply(question, { kind });
    if (stays) this.move(1);
  }

  async edit(text: string): Promise<void> {
    const question = this.current;
    this.editing = false;
    if (question && text.trim() !== "" && text !== question.text) {
      await this.#apply(question, { kind: "edit", text: text.trim() });
    }
  }

  async decideAll(kind: "accept" | "reject"): Promise<void> {
    const { studio } = this.#page;
    await this.#page.attempt(async () => {
      for (const question of this.shown) {
        this.#undo.push(backOf(question));
        await studio.reviewQuestion(this.#project.id, question.id, { kind });
      }
    });
    await this.#project.loadQuestions();
  }

  async takeBack(): Promise<void> {
    const last = this.#undo.pop();
    this.undone = last ? "done" : "empty";
    if (!last) return;
    await this.#page.attempt(() => this.#page.studio.reviewQuestion(this.#project.id, last.questionId, last.change));
    await this.#project.loadQuestions();
    this.cursor = Math.max(0, this.shown.findIndex((question) => question.id === last.questionId));
  }

  async #apply(question: QuestionView, change: QuestionChange): Promise<void> {
    this.undone = null;
    const done = await this.#page.attempt(async () => {
      await this.#page.studio.reviewQuestion(this.#project.id, question.id, change);
      return true;
    });
    if (done) this.#undo.push(change.kind === "edit" ? { questionId: question.id, change: { kind: "edit", text: question.text } } : backOf(question));
    await this.#project.loadQuestions();
  }
}

function backOf(question: QuestionView): Undo {
  return { questionId: question.id, change: { kind: question.state === "accepted" ? "accept" : "reject" } };
}
