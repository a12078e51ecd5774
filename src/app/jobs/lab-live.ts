import type { DecoderStep } from "../../domain/recipes/decoder/decoder-job.ts";
import type { LabRunRecord } from "../storage/lab-records.ts";
import type { LabStage } from "../studio-lab.ts";

const CURVE_POINTS = 2000;
const EMIT_MS = 250;

interface LivePorts {
  readonly now: () => number;
  readonly emit: (run: LabRunRecord, checkpointAge: number | null) => void;
}

/** A lab run while it works: gathers what the page shows, tells it at most four times a second. */
export class LiveLabRun {
  private record: LabRunRecord;
  private readonly ports: LivePorts;
  private readonly startedAt: number;
  private readonly secondsBefore: number;
  private emittedAt = -Infinity;
  private savedAt: number | null = null;
  private tokens = 0;
  private lastStep: number | undefined;
  private trainedFrom = 0;

  constructor(record: LabRunRecord, ports: LivePorts) {
    this.record = record;
    this.ports = ports;
    this.startedAt = ports.now();
    this.secondsBefore = record.seconds;
  }

  /** The record as it stands now. */
  get current(): LabRunRecord {
    return { ...this.record, seconds: this.secondsBefore + (this.ports.now() - this.startedAt) / 1000 };
  }

  step({ step, totalSteps, loss, tokens, look }: DecoderStep): void {
    const { losses, looks } = this.record;
    this.record = {
      ...this.record,
      progress: { done: step, total: totalSteps },
      losses: thinned([...losses.filter((point) => point.step < step), { step, loss }]),
      looks: look ? [...looks.filter((known) => known.step < look.step), pointOf(look)] : looks,
      tokensPerSecond: this.speed(step, tokens),
    };
    this.emitIfDue();
  }

  progress(stage: LabStage, done: number, total: number): void {
    this.record = { ...this.record, stage, progress: { done, total } };
    this.emitIfDue();
  }

  saved(): void {
    this.savedAt = this.ports.now();
  }

  note(note: string): void {
    if (!this.record.notes.includes(note)) this.change({ notes: [...this.record.notes, note] });
  }

  change(change: Partial<LabRunRecord>): void {
    this.record = { ...this.record, ...change };
    this.emit();
  }

  /** Tokens a second since the first step seen here, whose own time is not known. */
  private speed(step: number, tokens: number): number | null {
    const now = this.ports.now();
    if (this.lastStep === undefined) this.trainedFrom = now;
    else this.tokens += tokens * Math.max(0, step - this.lastStep);
    this.lastStep = step;
    const seconds = (now - this.trainedFrom) / 1000;
    return seconds > 0 ? this.tokens / seconds : null;
  }

  private emitIfDue(): void {
    if (this.ports.now() - this.emittedAt >= EMIT_MS) this.emit();
  }

  private emit(): void {
    this.emittedAt = this.ports.now();
    const age = this.savedAt === null ? null : (this.ports.now() - this.savedAt) / 1000;
    this.ports.emit(this.current, age);
  }
}

function pointOf({ step, perplexity }: NonNullable<DecoderStep["look"]>): LabRunRecord["looks"][number] {
  return { step, perplexity };
}

/** Past 2,000 points every second one goes; the first and the newest stay. */
function thinned<Point>(points: readonly Point[]): readonly Point[] {
  if (points.length <= CURVE_POINTS) return points;
  return points.filter((_, index) => index % 2 === 0 || index === points.length - 1);
}
