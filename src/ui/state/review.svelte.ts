import type { QuestionChange, QuestionView } from "../../app/studio-data.ts";
import type { QuestionDetail } from "../../app/studio-gate.ts";
import { ALL_QUESTIONS, byId, filterQuestions, quietMap, sourcesOf, type QuestionFilter } from "../review.ts";
import type { ProjectState } from "./project.svelte.ts";
import type { StudioState } from "./studio.svelte.ts";

const MOST_DETAILS = 200;

interface KnownDetail {
  readonly detail: QuestionDetail;
  readonly flags: QuestionView["flags"]; // a new check brings others
}

/** The review list: filter, cursor, decisions and the way back. Decisions show at once; the Studio keeps the way back. */
export class ReviewState {
  readonly #page: StudioState;
  readonly #project: ProjectState;
  filter: QuestionFilter = $state.raw(ALL_QUESTIONS);
  cursor: number = $state(0);
  editing: boolean = $state(false);
  undone: "done" | "empty" | null = $state(null);
  detail: QuestionDetail | null = $state.raw(null); // of the question that was last looked at
  readonly #details = quietMap<KnownDetail>();

  constructor(page: StudioState, project: ProjectState) {
    this.#page = page;
    this.#project = project;
  }

  shown: readonly QuestionView[] = $derived.by(() =>
    filterQuestions(this.#project.questions ?? [], this.filter),
  );

  sources: readonly string[] = $derived.by(() => sourcesOf(this.#project.questions ?? []));

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

  /** Shows what stands beside the question under the cursor, and fetches the next one's ahead. */
  async look(): Promise<void> {
    const { current } = this;
    if (!current) return;
    const ahead = this.shown[this.cursor + 1];
    const detail = this.#known(current) ?? (await this.#fetch(current));
    if (detail && this.current?.id === current.id) this.detail = detail;
    if (ahead && !this.#known(ahead)) await this.#fetch(ahead);
  }

  /** Accepts or rejects the question under the cursor and goes on to the next. */
  async decide(kind: "accept" | "reject"): Promise<void> {
    const question = this.current;
    if (!question) return;
    const kept = this.#apply([question], { kind });
    if (this.current?.id === question.id) this.move(1);
    await kept;
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
    const restored = await this.#page.attempt(() => this.#page.studio.gate.undoDecision(this.#project.id));
    if (!restored) return;
    this.undone = restored.length > 0 ? "done" : "empty";
    const rows = byId(restored);
    this.#change((row) => ({ ...row, ...rows.get(row.id) }));
    const index = this.shown.findIndex((question) => rows.has(question.id));
    if (index >= 0) this.cursor = index;
  }

  /** Shows the decision at once and tells the Studio; where that fails, the list is read again as it is kept. */
  async #apply(questions: readonly QuestionView[], change: QuestionChange): Promise<void> {
    this.undone = null;
    const ids = questions.map(({ id }) => id);
    const changed = byId(questions);
    this.#change((row) => (changed.has(row.id) ? decided(row, change) : row));
    const done = await this.#page.attempt(async () => {
      await this.#page.studio.gate.decideQuestions(this.#project.id, ids, change);
      return true;
    });
    if (!done) await this.#project.loadQuestions();
  }

  #change(change: (row: QuestionView) => QuestionView): void {
    this.#project.questions = (this.#project.questions ?? []).map(change);
  }

  #known({ id, flags }: QuestionView): QuestionDetail | undefined {
    const known = this.#details.get(id);
    return known && known.flags === flags ? known.detail : undefined;
  }

  async #fetch({ id, flags }: QuestionView): Promise<QuestionDetail | undefined> {
    const { studio } = this.#page;
    const detail = await this.#page.attempt(() => studio.gate.question(this.#project.id, id));
    if (this.#details.size >= MOST_DETAILS) this.#details.clear();
    if (detail) this.#details.set(id, { detail, flags });
    return detail;
  }
}

/** The row as the Studio keeps it from now on. */
function decided(row: QuestionView, change: QuestionChange): QuestionView {
  if (change.kind !== "edit") return { ...row, state: change.kind === "accept" ? "accepted" : "rejected" };
  const { flags: _flags, ...rest } = row;
  return { ...rest, text: change.text, state: "accepted", made: "typed" };
}
