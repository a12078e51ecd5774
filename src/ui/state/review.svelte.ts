import type { QuestionChange, QuestionView } from "../../app/studio-data.ts";
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
  readonly #undo: (readonly Undo[])[] = []; // a bulk decision is taken back as one

  constructor(page: StudioState, project: ProjectState) {
    this.#page = page;
    this.#project = project;
  }

  shown: readonly QuestionView[] = $derived.by(() =>
    filterQuestions(this.#project.questions ?? [], this.filter),
  );

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
    const group: Undo[] = [];
    this.#undo.push(group);
    await this.#page.attempt(async () => {
      for (const question of this.shown) {
        await studio.reviewQuestion(this.#project.id, question.id, { kind });
        group.push(backOf(question));
      }
    });
    await this.#project.loadQuestions();
  }

  async takeBack(): Promise<void> {
    const group = this.#undo.pop();
    this.undone = group ? "done" : "empty";
    if (!group) return;
    await this.#page.attempt(async () => {
      for (const back of group)
        await this.#page.studio.reviewQuestion(this.#project.id, back.questionId, back.change);
    });
    await this.#project.loadQuestions();
    const first = group[0]?.questionId;
    this.cursor = Math.max(
      0,
      this.shown.findIndex((question) => question.id === first),
    );
  }

  async #apply(question: QuestionView, change: QuestionChange): Promise<void> {
    this.undone = null;
    const done = await this.#page.attempt(async () => {
      await this.#page.studio.reviewQuestion(this.#project.id, question.id, change);
      return true;
    });
    if (done) this.#undo.push([change.kind === "edit" ? textBack(question) : backOf(question)]);
    await this.#project.loadQuestions();
  }
}

function backOf(question: QuestionView): Undo {
  return { questionId: question.id, change: { kind: question.state === "accepted" ? "accept" : "reject" } };
}

function textBack(question: QuestionView): Undo {
  return { questionId: question.id, change: { kind: "edit", text: question.text } };
}
