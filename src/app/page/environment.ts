import type { BackendFacts } from "../protocol/calls.ts";
import type { BackendChoice, EnvironmentView } from "../studio.ts";
import type { Emitter } from "./emitter.ts";

export type EnvironmentFacts = Omit<EnvironmentView, "backend" | "gpu" | "threads" | "requestsSent">;

const UNKNOWN: BackendFacts = {
  backend: { active: "cpu", label: "CPU", reason: "not measured yet" },
  gpu: { available: false, software: false, name: "" },
  threads: 1,
};

/** What the strip shows: facts as they become known, told when they change. */
export class Environment {
  private readonly emitter: Emitter;
  private facts: EnvironmentFacts;
  private backend: BackendFacts = UNKNOWN;
  private choice: BackendChoice = "auto";
  private requests = 0;

  constructor(emitter: Emitter, facts: EnvironmentFacts) {
    this.emitter = emitter;
    this.facts = facts;
  }

  get view(): EnvironmentView {
    return {
      ...this.facts,
      ...this.backend,
      backend: { choice: this.choice, ...this.backend.backend },
      requestsSent: this.requests,
    };
  }

  get backendChoice(): BackendChoice {
    return this.choice;
  }

  learn(facts: Partial<EnvironmentFacts>): void {
    this.facts = { ...this.facts, ...facts };
    this.tell();
  }

  setBackend(choice: BackendChoice, facts: BackendFacts): void {
    this.choice = choice;
    this.backend = facts;
    this.tell();
  }

  countRequest(): void {
    this.requests++;
    this.tell();
  }

  private tell(): void {
    this.emitter.emit({ kind: "environment", environment: this.view });
  }
}
