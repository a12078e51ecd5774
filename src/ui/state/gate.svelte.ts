import type { JobView } from "../../app/studio.ts";
import type { GateView, LeakView, TieView } from "../../app/studio-gate.ts";
import { GATE } from "../../domain/data/gate.ts";
import type { ProjectState } from "./project.svelte.ts";
import type { StudioState } from "./studio.svelte.ts";

/** The last check of the questions and the last look for leaks, and what is done about them. */
export class GateState {
  readonly #page: StudioState;
  readonly #project: ProjectState;
  view: GateView | null = $state.raw(null);
  leaks: LeakView | null = $state.raw(null);
  busy: boolean = $state(false);
  top: number = $state(GATE.top); // its passage must be among the first so many
  #writing: string | null = null; // the job that writes questions

  constructor(page: StudioState, project: ProjectState) {
    this.#page = page;
    this.#project = project;
  }

  /** The check that runs for this project, if any. */
  get job(): JobView | null {
    const running = Object.values(this.#page.jobs).filter(
      ({ kind, projectId, state }) =>
        kind === "check" && projectId === this.#project.id && state === "running",
    );
    return running.at(-1) ?? null;
  }

  async load(): Promise<void> {
    const view = await this.#page.attempt(() => this.#page.studio.gate.gate(this.#project.id));
    if (view !== undefined) this.view = view;
  }

  async loadLeaks(): Promise<void> {
    const leaks = await this.#page.attempt(() => this.#page.studio.gate.leaks(this.#project.id));
    if (leaks !== undefined) this.leaks = leaks;
  }

  check(): Promise<unknown> {
    const { top } = this;
    return this.#page.attempt(() => this.#page.studio.gate.checkQuestions(this.#project.id, { top }));
  }

  checkLeaks(): Promise<unknown> {
    return this.#page.attempt(() => this.#page.studio.gate.checkLeaks(this.#project.id));
  }

  /** Mends the split or the test and looks again. */
  async fix(how: "together" | "drop" | "apart"): Promise<void> {
    await this.#work(() => this.#page.studio.gate.fixLeaks(this.#project.id, how));
  }

  async accept(ties: readonly TieView[]): Promise<void> {
    await this.#work(() => this.#page.studio.gate.acceptTies(this.#project.id, ties));
  }

  /** Questions that were just written are checked at once. To be called in an effect. */
  checkNewQuestions(): void {
    const jobs = Object.values(this.#page.jobs).filter(
      ({ kind, projectId }) => kind === "generate" && projectId === this.#project.id,
    );
    const job = jobs.at(-1);
    if (job?.state === "running") this.#writing = job.id;
    if (job?.state !== "finished" || job.id !== this.#writing) return;
    this.#writing = null;
    void this.check();
  }

  async #work(action: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    await this.#page.attempt(async () => {
      await action();
      await this.#page.studio.gate.checkLeaks(this.#project.id);
    });
    await this.loadLeaks();
    this.busy = false;
  }
}
