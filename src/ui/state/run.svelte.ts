import type { EvaluationReport } from "../../domain/eval/report.ts";
import type { RunView } from "../../app/studio-training.ts";
import { failureOf, type Failure } from "../failure.ts";
import type { StudioState } from "./studio.svelte.ts";

/** One run on screen: its live view, and its report once there is one. */
export class RunState {
  readonly id: string;
  readonly #page: StudioState;
  #loaded: RunView | null = $state.raw(null);
  report: EvaluationReport | null = $state.raw(null);
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

  async loadReport(): Promise<void> {
    await this.load();
    if (this.failure) return;
    try {
      this.report = await this.#page.studio.report(this.id);
    } catch (error) {
      this.failure = failureOf(error);
    }
  }
}
