import type { QuestionChange, QuestionView } from "../../app/studio-data.ts";
import type { QuestionDetail } from "../../app/studio-gate.ts";
import { ALL_QUESTIONS, filterQuestions, type QuestionFilter } from "../review.ts";
import type { ProjectState } from "./project.svelte.ts";
import type { StudioState } from "./studio.svelte.ts";

/** The review list: filter, cursor, decisions and the way back. Decisions show at once; the Studio keeps the way back. */
export class ReviewState {
  readonly #page: StudioState;
  readonly #project: ProjectState;
  filter: QuestionFilter = $state.raw(ALL_QUESTIONS);
  cursor: number = $state(0);
  editing: boolean = $state(false);
  undone: "done" | "empty" | null = $state(null);
  detail: QuestionDetail | null = $state.raw(null); // of the question that was last looked at

  constructor(page: StudioState, project: ProjectState) {
    this.#page = page;
    this.#project = project;
  }

  shown: readonly QuestionView[] = $derived.by(() =>
    filterQuestions(this.#project.questions ?? [], this.filter),
  );

  sources: readonly string[] = $derived.by(() => [
    ...new Set((this.#project.questions ?? []).map(({ source }) => source)),
  ]);

  get current(): QuestionView | null {
    return this.shown[Math.min(this.cursor, this.shown.length - 1)] ?? null;
  }

  choose(filter: Partial<QuestionFilter>): void {
    this.filter = { ...this.filter, ...filter };
    this.cursor = 0;
  }

  move(by: number): void {
    this.cursor = Math.max(
      0,
      Math.min(this.shown.length - 1, Math.min(this.cursor, this.shown.length - 1) + by),
    );
  }

  /** Fetches what stands beside the question under the cursor. */
  async look(): Promise<void> {
    const id = this.current?.id;
    if (id === undefined) return;
    const detail = await this.#page.attempt(() => this.#page.studio.gate.question(this.#project.id, id));
    if (detail && this.current?.id === id) this.detail = detail;
  }

  /** Accepts or rejects the question under the cursor and goes on to the next. */
  async decide(kind: "accept" | "reject"): Promise<void> {
    const question = this.current;
    if (!question || !(await this.#apply([question], { kind }))) return;
    if (this.current?.id === question.id) this.move(1);
  }

  async edit(text: string): Promise<void> {
    const question = this.current;
    this.editing = false;
    if (question && text.trim() !== "" && text !== question.text) {
      await this.#apply([question], { kind: "edit", text: text.trim() });
    }
  }

  /** Decides all that the filters show: one decision, taken back as one. */
  async decideAll(kind: "accept" | "reject"): Promise<void> {
    await this.#apply(this.shown, { kind });
  }

  async takeBack(): Promise<void> {
    const ids = await this.#page.attempt(() => this.#page.studio.gate.undoDecision(this.#project.id));
    if (!ids) return;
    this.undone = ids.length > 0 ? "done" : "empty";
    if (ids.length === 0) return;
    await this.#project.loadQuestions();
    const index = this.shown.findIndex((question) => question.id === ids[0]);
    if (index >= 0) this.cursor = index;
  }

  async #apply(questions: readonly QuestionView[], change: QuestionChange): Promise<boolean> {
    this.undone = null;
    const ids = questions.map(({ id }) => id);
    const done = await this.#page.attempt(async () => {
      await this.#page.studio.gate.decideQuestions(this.#project.id, ids, change);
      return true;
    });
    if (!done) return false;
    const changed = new Set(ids);
    this.#project.questions = (this.#project.questions ?? []).map((row) =>
      changed.has(row.id) ? decided(row, change) : row,
    );
    return true;
  }
}

/** The row as the Studio keeps it from now on. */
function decided(row: QuestionView, change: QuestionChange): QuestionView {
  if (change.kind !== "edit") return { ...row, state: change.kind === "accept" ? "accepted" : "rejected" };
  const { flags: _flags, ...rest } = row;
  return { ...rest, text: change.text, state: "accepted", made: "typed" };
}
