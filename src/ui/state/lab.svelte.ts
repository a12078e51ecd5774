import type { LabRunSummary, LabRunView, LabSystem, LabView } from "../../app/studio-lab.ts";
import type { StudioEvent } from "../../app/studio.ts";
import { failureOf, type Failure } from "../failure.ts";
import type { StudioState } from "./studio.svelte.ts";

/** One open project of the lab: its rows and runs, kept fresh by the Studio's events. */
export class LabState {
  readonly id: string;
  readonly #page: StudioState;
  view: LabView | null = $state.raw(null);
  system: LabSystem | null = $state.raw(null);
  runs: readonly LabRunSummary[] | null = $state.raw(null); // newest first
  live: Readonly<Record<string, LabRunView>> = $state.raw({}); // last view of every run that was seen
  failure: Failure | null = $state.raw(null);

  constructor(page: StudioState, id: string) {
    this.#page = page;
    this.id = id;
  }

  get running(): LabRunSummary | null {
    return this.runs?.find(({ state }) => state === "running" || state === "paused") ?? null;
  }

  /** Newest first. */
  get judged(): readonly LabRunSummary[] {
    return this.runs?.filter(({ verdict }) => verdict !== undefined) ?? [];
  }

  follow(): () => void {
    const leave = this.#page.studio.subscribe((event) => this.#take(event));
    void this.reload();
    const seen = (): void => void (document.visibilityState === "visible" && this.reload()); // other tabs may have changed it
    document.addEventListener("visibilitychange", seen);
    return () => {
      document.removeEventListener("visibilitychange", seen);
      leave();
    };
  }

  async reload(): Promise<void> {
    const { lab } = this.#page.studio;
    try {
      const [view, runs, systems] = await Promise.all([lab.view(this.id), lab.runs(this.id), lab.systems()]);
      this.view = view;
      this.runs = runs;
      this.system = systems.find(({ id }) => id === view.system) ?? null;
      this.failure = null;
    } catch (error) {
      this.failure = failureOf(error);
    }
  }

  async loadRun(runId: string): Promise<void> {
    const run = await this.#page.attempt(() => this.#page.studio.lab.run(runId));
    if (!run) return;
    this.live = { ...this.live, [runId]: run };
    const listed = this.runs?.find(({ id }) => id === runId);
    if (listed && listed.state !== run.state) void this.reload();
  }

  #take(event: StudioEvent): void {
    if (event.kind === "lab" && event.labId === this.id) void this.reload();
    if (event.kind !== "lab-run" || event.run.labId !== this.id) return;
    const before = this.live[event.run.id]?.state;
    this.live = { ...this.live, [event.run.id]: event.run };
    if (before !== event.run.state) void this.reload();
  }
}
