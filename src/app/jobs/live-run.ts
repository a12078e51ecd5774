import type { AdapterRun } from "../../domain/recipes/adapter-run.ts";
import type { TrainingStep } from "../../domain/recipes/adapter-job.ts";
import type { Backend } from "../../engine/backend.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Probes } from "./evaluate.ts";

const CURVE_POINTS = 2000;
const EMIT_MS = 250;
const PROBE_MS = 1000;

export interface LiveRunPorts {
  readonly now: () => number;
  readonly emit: (run: RunRecord, checkpointAge: number | null) => void;
}

/** A run while it trains: gathers what the page shows, tells it at most four times a second. */
export class LiveRun {
  private record: RunRecord;
  private readonly ports: LiveRunPorts;
  private readonly probes: Probes;
  private readonly startedAt: number;
  private readonly secondsBefore: number;
  private searchSteps = 0;
  private finalSteps = 0;
  private emittedAt = -Infinity;
  private probedAt = -Infinity;
  private savedAt: number | null = null;

  constructor(record: RunRecord, probes: Probes, ports: LiveRunPorts) {
    this.record = record;
    this.probes = probes;
    this.ports = ports;
    this.startedAt = ports.now();
    this.secondsBefore = record.seconds;
  }

  /** The record as it stands now. */
  get current(): RunRecord {
    const seconds = this.secondsBefore + (this.ports.now() - this.startedAt) / 1000;
    return { ...this.record, seconds };
  }

  start(run: AdapterRun, backend: Backend): void {
    this.searchSteps = run.plan.searchSteps;
    this.finalSteps = run.plan.finalSteps;
    this.change({
      state: "running",
      stage: this.searchSteps > 0 ? "searching" : "training",
      backend: backend.label,
      build: backend.build,
      bufferBytes: run.plan.summary.peakBytes,
      probes: this.probes.at(),
      progress: { ...this.record.progress, total: this.searchSteps + this.finalSteps },
    });
  }

  async step(step: TrainingStep, run: AdapterRun): Promise<void> {
    const searching = step.phase === "search";
    const done = searching ? step.step : this.searchSteps + step.step;
    const total = this.searchSteps + (searching ? this.finalSteps : step.totalSteps);
    const { validation } = step;
    this.record = {
      ...this.record,
      stage: searching ? "searching" : "training",
      curve: thinned(this.record.curve, step),
      validation: validation
        ? [...this.record.validation, { step: done, mrr: validation.mrr }]
        : this.record.validation,
      progress: { done, total: Math.max(done, total) },
    };
    if (this.ports.now() - this.probedAt >= PROBE_MS) {
      this.probedAt = this.ports.now();
      const { adapter } = this.record.settings;
      const probes = this.probes.at({ config: adapter, weights: await run.weights() });
      this.record = { ...this.record, probes };
    }
    if (this.ports.now() - this.emittedAt >= EMIT_MS) this.emit();
  }

  saved(): void {
    this.savedAt = this.ports.now();
  }

  note(note: string): void {
    this.change({ notes: [...this.record.notes, note] });
  }

  change(change: Partial<RunRecord>): void {
    this.record = { ...this.record, ...change };
    this.emit();
  }

  private emit(): void {
    this.emittedAt = this.ports.now();
    const age = this.savedAt === null ? null : (this.ports.now() - this.savedAt) / 1000;
    this.ports.emit(this.current, age);
  }
}

/** The curve with one more point; past 2,000 points every second one goes, the first and the newest stay. */
export function thinned(curve: readonly TrainingStep[], step: TrainingStep): readonly TrainingStep[] {
  const longer = [...curve, step];
  return longer.length <= CURVE_POINTS
    ? longer
    : longer.filter((_, index) => index % 2 === 0 || index === longer.length - 1);
}
