import type { TrainingStep } from "../../domain/recipes/adapter-job.ts";
import type { Backend } from "../../engine/backend.ts";
import type { RunRecord } from "../storage/records.ts";
import type { ProbeView } from "../studio-training.ts";

const CURVE_POINTS = 2000;
const EMIT_MS = 250;
const PROBE_MS = 1000;

export interface LiveRunPorts {
  readonly now: () => number;
  readonly emit: (run: RunRecord, checkpointAge: number | null) => void;
}

/** How long a run will be and what it takes, known when it is opened. */
export interface RunTotals {
  readonly searchSteps: number; // before what is kept is trained; 0 where nothing is searched
  readonly finalSteps: number;
  readonly peakBytes: number;
}

/** Ranks of a few questions, now and before: looked at once a second. */
export type LookAtProbes = () => Promise<readonly ProbeView[]>;

/** A run while it trains: gathers what the page shows, tells it at most four times a second. */
export class LiveRun {
  private record: RunRecord;
  private readonly ports: LiveRunPorts;
  private readonly startedAt: number;
  private readonly secondsBefore: number;
  private searchSteps = 0;
  private finalSteps = 0;
  private emittedAt = -Infinity;
  private probedAt = -Infinity;
  private savedAt: number | null = null;
  private tokens = 0;
  private lastStep = Infinity; // the first step's time is not known
  private trainedFrom: number | undefined;

  constructor(record: RunRecord, ports: LiveRunPorts) {
    this.record = record;
    this.ports = ports;
    this.startedAt = ports.now();
    this.secondsBefore = record.seconds;
  }

  /** The record as it stands now. */
  get current(): RunRecord {
    const seconds = this.secondsBefore + (this.ports.now() - this.startedAt) / 1000;
    return { ...this.record, seconds };
  }

  start(totals: RunTotals, backend: Backend, probes: readonly ProbeView[] = []): void {
    this.searchSteps = totals.searchSteps;
    this.finalSteps = totals.finalSteps;
    this.change({
      state: "running",
      stage: this.searchSteps > 0 ? "searching" : "training",
      backend: backend.label,
      build: backend.build,
      bufferBytes: totals.peakBytes,
      probes,
      progress: { ...this.record.progress, total: this.searchSteps + this.finalSteps },
    });
  }

  async step(step: TrainingStep, lookAtProbes?: LookAtProbes): Promise<void> {
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
      ...this.speed(step),
    };
    if (lookAtProbes && this.ports.now() - this.probedAt >= PROBE_MS) {
      this.probedAt = this.ports.now();
      this.record = { ...this.record, probes: await lookAtProbes() };
    }
    if (this.ports.now() - this.emittedAt >= EMIT_MS) this.emit();
  }

  /** Progress of embedding, judging or reading pairs. */
  progress(stage: RunRecord["stage"], done: number, total: number): void {
    this.record = { ...this.record, stage, progress: { done, total } };
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

  /** Tokens a second over what was trained since the run was opened here. */
  private speed(step: TrainingStep & { readonly tokens?: number }): Partial<RunRecord> {
    if (step.tokens === undefined) return {};
    const now = this.ports.now();
    this.tokens += step.tokens * Math.max(0, step.step - this.lastStep);
    this.lastStep = step.step;
    this.trainedFrom ??= now;
    const seconds = (now - this.trainedFrom) / 1000;
    return seconds > 0 ? { tokensPerSecond: this.tokens / seconds } : {};
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
