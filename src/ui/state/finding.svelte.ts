import type { Found } from "../../app/studio-verdicts.ts";
import type { StudioState } from "./studio.svelte.ts";

export interface FindingSource<Value> {
  readonly read: () => Promise<Found<Value> | null>;
  readonly start: () => Promise<string>; // job that finds it
}

/** One kept analysis on screen: what was found, and the job that finds it anew. */
export class FindingState<Value> {
  readonly #page: StudioState;
  readonly #source: FindingSource<Value>;
  found: Found<Value> | null = $state.raw(null);
  read = $state(false); // it is known whether there is one
  #jobId: string | null = $state(null);

  constructor(page: StudioState, source: FindingSource<Value>) {
    this.#page = page;
    this.#source = source;
  }

  get job() {
    return this.#jobId === null ? null : (this.#page.jobs[this.#jobId] ?? null);
  }

  get busy(): boolean {
    return this.#jobId !== null;
  }

  async load(): Promise<void> {
    this.found = (await this.#page.attempt(this.#source.read)) ?? null;
    this.read = true;
  }

  /** For what is shown without being asked for: found where it was not found before. */
  async loadOrStart(): Promise<void> {
    this.found = (await this.#page.attempt(this.#source.read)) ?? null;
    if (this.found === null) await this.start();
    this.read = true;
  }

  async start(): Promise<void> {
    this.#jobId = (await this.#page.attempt(this.#source.start)) ?? null;
  }

  /** To be called when the job's state changed. */
  async settle(): Promise<void> {
    const state = this.job?.state;
    if (state === undefined || state === "running" || state === "paused") return;
    await this.load();
    this.#jobId = null;
  }

  cancel(): void {
    const id = this.#jobId;
    if (id !== null) void this.#page.attempt(() => this.#page.studio.cancel(id));
  }
}
