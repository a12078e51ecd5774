import type { RunControl } from "../../domain/ports.ts";
import { RetuneError, toWire } from "../../engine/errors.ts";
import type { JobView } from "../studio.ts";
import type { Emitter } from "./emitter.ts";
import { Eta } from "./eta.ts";

export interface JobRequest {
  readonly kind: JobView["kind"];
  readonly projectId: string;
  readonly label: string;
  readonly lab?: true; // the project is the lab's
}

const EMIT_MS = 250;

/** Jobs of this page: each has an id, a control to cancel it, and tells its progress at most four times a second. */
export class JobBoard {
  private readonly emitter: Emitter;
  private readonly controllers = new Map<string, AbortController>();

  constructor(emitter: Emitter) {
    this.emitter = emitter;
  }

  /** Starts `work` and answers its id at once; how it ends is told as an event, with the label `work` answers. */
  start(request: JobRequest, work: (control: Required<RunControl>) => Promise<string>): string {
    const id = crypto.randomUUID();
    const controller = new AbortController();
    this.controllers.set(id, controller);
    const eta = new Eta();
    let view: JobView = { id, ...request, state: "running", done: 0, total: 0, etaSeconds: null };
    let emittedAt = -Infinity;
    const tell = (change: Partial<JobView>): void => {
      view = { ...view, ...change };
      emittedAt = performance.now();
      this.emitter.emit({ kind: "job", job: view });
    };
    const onProgress: NonNullable<RunControl["onProgress"]> = ({ done, total, label }) => {
      const change = { done, total, etaSeconds: eta.left(done, total), label: label ?? view.label };
      if (performance.now() - emittedAt >= EMIT_MS) tell(change);
      else view = { ...view, ...change };
    };
    tell({});
    void work({ signal: controller.signal, onProgress })
      .then((label) => tell({ state: "finished", label, done: view.total, etaSeconds: null }))
      .catch((error: unknown) => {
        const cancelled = error instanceof RetuneError && error.code === "cancelled";
        tell({ state: cancelled ? "cancelled" : "failed", error: toWire(error), etaSeconds: null });
      })
      .finally(() => this.controllers.delete(id));
    return id;
  }

  cancel(jobId: string): void {
    this.controllers.get(jobId)?.abort();
  }
}
