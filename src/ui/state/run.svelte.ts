import type { RunResults, RunView } from "../../app/studio-training.ts";
import { failureOf, type Failure } from "../failure.ts";
import type { StudioState } from "./studio.svelte.ts";

/** One run on screen: its live view, and its results once there are any. */
export class RunState {
  readonly id: string;
  readonly #page: StudioState;
  #loaded: RunView | null = $state.raw(null);
  results: RunResults | null = $state.raw(null);
  failure: Failure | null = $state.raw(null);

  constructor(page: StudioState, id: string) {
    this.#page = page;
    this.id = id;
  }

  get view(): RunView | null {
    return this.#page.runs[this.id] ?? this.#loaded;
  }

  async load(): Promise<void> {
    try {
      this.#loaded = await this.#page.studio.run(this.id);
    } catch (error) {
      this.failure = failureOf(error);
    }
  }

  async loadResults(): Promise<void> {
    await this.load();
    if (this.failure) return;
    try {
      this.results = await this.#page.studio.results(this.id);
    } catch (error) {
      this.failure = failureOf(error);
    }
  }
}
