import type { MapRequest, MapView } from "../../app/studio-map.ts";
import type { StudioState } from "./studio.svelte.ts";

/** One map on screen: fetched where it was drawn before, else drawn now. */
export class MapState {
  readonly #page: StudioState;
  readonly #projectId: string;
  readonly request: MapRequest;
  view: MapView | null = $state.raw(null);
  jobId: string | null = $state(null);
  missing = $state(false); // it could not be drawn

  constructor(page: StudioState, projectId: string, request: MapRequest) {
    this.#page = page;
    this.#projectId = projectId;
    this.request = request;
  }

  get job() {
    return this.jobId === null ? null : (this.#page.jobs[this.jobId] ?? null);
  }

  async load(): Promise<void> {
    const { maps } = this.#page.studio;
    this.view = (await this.#page.attempt(() => maps.map(this.#projectId, this.request))) ?? null;
    if (this.view === null) await this.draw();
  }

  async draw(): Promise<void> {
    this.missing = false;
    const id = await this.#page.attempt(() => this.#page.studio.maps.drawMap(this.#projectId, this.request));
    this.jobId = id ?? null;
    this.missing = id === undefined;
  }

  /** To be called when the job's state changed: fetches what it made. */
  async settle(): Promise<void> {
    const state = this.job?.state;
    if (state === undefined || state === "running" || state === "paused") return;
    this.jobId = null;
    const { maps } = this.#page.studio;
    if (state === "finished") {
      this.view = (await this.#page.attempt(() => maps.map(this.#projectId, this.request))) ?? null;
    }
    this.missing = this.view === null;
  }

  cancel(): void {
    const id = this.jobId;
    if (id !== null) void this.#page.attempt(() => this.#page.studio.cancel(id));
  }
}
