import type { StudioEvent } from "../../app/studio.ts";
import type { ProjectView, QuestionView } from "../../app/studio-data.ts";
import type { EncoderView } from "../../app/studio-models.ts";
import type { RunSummary } from "../../app/studio-training.ts";
import type { Dataset } from "../../domain/data/dataset.ts";
import { failureOf, type Failure } from "../failure.ts";
import type { StudioState } from "./studio.svelte.ts";

/** One open project: its content, runs and encoders, kept fresh by the Studio's events. */
export class ProjectState {
  readonly id: string;
  readonly #page: StudioState;
  view: ProjectView | null = $state.raw(null);
  runs: readonly RunSummary[] | null = $state.raw(null);
  questions: readonly QuestionView[] | null = $state.raw(null);
  encoders: readonly EncoderView[] = $state.raw([]);
  failure: Failure | null = $state.raw(null);
  #judged: Promise<Dataset> | null = null;
  #wantsQuestions = false;

  constructor(page: StudioState, id: string) {
    this.#page = page;
    this.id = id;
  }

  get encoder(): EncoderView | null {
    return this.encoders.find((encoder) => encoder.id === this.view?.encoderId) ?? null;
  }

  /** The newest run with a result. */
  get lastFinished(): RunSummary | null {
    return this.runs?.filter((run) => run.verdict !== undefined).at(-1) ?? null;
  }

  get liveRun(): RunSummary | null {
    return this.runs?.find((run) => run.state === "running" || run.state === "paused") ?? null;
  }

  follow(): () => void {
    const leave = this.#page.studio.subscribe((event) => this.#take(event));
    void this.reload();
    return leave;
  }

  async reload(): Promise<void> {
    const { studio } = this.#page;
    try {
      const [view, runs, encoders] = await Promise.all([
        studio.project(this.id),
        studio.runs(this.id),
        studio.encoders(),
      ]);
      this.view = view;
      this.runs = [...runs].sort((a, b) => a.number - b.number);
      this.encoders = encoders;
      this.failure = null;
    } catch (error) {
      this.failure = failureOf(error);
    }
    this.#judged = null;
    if (this.#wantsQuestions) await this.loadQuestions();
  }

  async loadQuestions(): Promise<void> {
    this.#wantsQuestions = true;
    const questions = await this.#page.attempt(() => this.#page.studio.questions(this.id));
    if (questions) this.questions = questions;
  }

  /** The judged part, for passage texts; read once until the project changes. */
  judged(): Promise<Dataset> {
    this.#judged ??= this.#page.studio.dataset(this.id, "test");
    return this.#judged;
  }

  #take(event: StudioEvent): void {
    if (event.kind === "project" && event.projectId === this.id) void this.reload();
    if (event.kind !== "run" || event.run.projectId !== this.id) return;
    const known = this.runs?.find((run) => run.id === event.run.id);
    if (!known || known.state !== event.run.state) void this.reload();
  }
}
