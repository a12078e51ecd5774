import type {
  DifferenceReport,
  DriftReport,
  LearningCurve,
  MergeCurve,
  MergePoint,
  RunComparison,
  ScoreThreshold,
  TestOpenings,
  TriageReport,
} from "../../src/domain/eval/advice-types.ts";
import { METRIC_NAMES } from "../../src/domain/eval/metrics.ts";
import type { Delta, Metrics } from "../../src/domain/eval/report.ts";
import type { ExportedFile } from "../../src/app/studio-models.ts";
import type { Found, RemedyRequest, RemedyOutcome, VerdictStudio } from "../../src/app/studio-verdicts.ts";

const delta = (value: number, spread = 0.012): Delta => ({
  value,
  low: value - spread,
  high: value + spread,
  p: Math.abs(value) > spread ? 0.002 : 0.4,
});

const metrics = (mrr: number): Metrics =>
  Object.fromEntries(
    METRIC_NAMES.map((name) => [name, Math.min(1, mrr + (name === "mrr@10" ? 0 : 0.1))]),
  ) as Metrics;

export const TRIAGE: TriageReport = {
  questions: 320,
  clusters: 96,
  passages: 240,
  rows: [
    { system: "bm25", metrics: metrics(0.61), delta: delta(-0.05), questions: 320 },
    { system: "base", metrics: metrics(0.66), delta: null, questions: 320 },
    { system: "baseInstruction", metrics: metrics(0.67), delta: delta(0.01), questions: 320 },
    { system: "hybridFitted", metrics: metrics(0.76), delta: delta(0.1), questions: 320 },
    { system: "hybridReciprocalRank", metrics: metrics(0.71), delta: delta(0.05), questions: 320 },
    { system: "trialAdapter", metrics: metrics(0.68), delta: delta(0.02), questions: 320 },
  ],
  ceiling: { value: 0.98, low: 0.96, high: 0.99 },
  fusion: { dense: 0.55, lexical: 0.45 },
  smallestDetectable: { train: 0.021, test: 0.034, testQuestions: 110, testClusters: 32 },
  verdict: "likely",
  sentence:
    "Fine-tuning is worth a run: an adapter trained for a moment gains +0.8 to +3.2 points of MRR@10 on documents it has not seen.",
  reasons: [
    { kind: "trainable", delta: delta(0.02) },
    { kind: "cheap-gain", system: "hybridFitted", delta: delta(0.1) },
  ],
  notes: [],
};

export const LEARNING_CURVE: LearningCurve = {
  points: [40, 80, 120, 160, 240, 320].map((questions) => ({
    questions,
    clusters: Math.round(questions / 3.4),
    error: { value: 0.2 + 1.2 * questions ** -0.6, low: 0.16, high: 0.34 },
  })),
  base: 0.34,
  heldOut: 80,
  advice: {
    kind: "forecast",
    ...{ a: 0.2, b: 1.2, c: 0.6, reached: 0.76, flat: false },
    doubled: { value: 0.0126, low: 0.004, high: 0.021 },
  },
  sentence: "Twice the data: +0.4 … +2.1 points of MRR@10.",
};

export const DRIFT: DriftReport = {
  ...{ generalQuestions: 160, generalPassages: 80, anchors: 160, meanCosine: 0.984, neighbourOverlap: 0.91 },
  ...{ rankBiasedOverlap: 0.88, linearCka: 0.97, margin: 0.01, nonInferior: true },
  general: { before: 0.981, after: 0.979, delta: delta(-0.002, 0.004) },
  index: { kind: "valid" },
  sentence:
    "General search is kept: −0.2 points [−0.6, +0.2] on general questions, so a loss of one point is ruled out. The index stays valid.",
};

const mergePoint = (strength: number): MergePoint => ({
  strength,
  target: 0.66 + 0.05 * Math.sin(2 * strength),
  general: 0.981 - 0.02 * strength ** 3,
  generalDelta: delta(-0.02 * strength ** 3, 0.004),
  nonInferior: strength < 0.7,
});

export const MERGE_CURVE: MergeCurve = {
  points: Array.from({ length: 11 }, (_, index) => mergePoint(index / 10)),
  ...{ basis: "held-out", best: 0.6, crossFitted: 0.702, questions: 320 },
  sentence: "Strength 0.6 gains most (+4.7 points of MRR@10) with general questions kept.",
};

export const THRESHOLD: ScoreThreshold = {
  ...{ score: "cosine", kind: "platt", target: 0.9, threshold: 0.712, reached: true, basis: "held-out" },
  platt: { a: 18.2, b: -12.6 },
  isotonic: null,
  precision: { value: 0.92, low: 0.87, high: 0.95 },
  ...{ answered: 0.58, ece: 0.021, pairs: 3200 },
  bins: [0.05, 0.15, 0.35, 0.55, 0.75, 0.95].map((predicted) => ({
    predicted,
    observed: predicted,
    pairs: 200,
  })),
};

export function differences(side: "train" | "test"): DifferenceReport {
  const rows = Array.from({ length: 9 }, (_, index) => ({
    query: `q${index}`,
    text: `How many days of leave does section ${index + 1} give?`,
    document: index % 2 ? "handbook.md" : "leave.md",
    right: `p${index}`,
    ...{ before: index < 4 ? 1 : 3, after: index < 4 ? 3 : 1, gain: index < 4 ? -2 / 3 : 2 / 3 },
    intruder: index < 4 ? `p${index + 20}` : null,
    intruderText: index < 4 ? "Parental leave is granted on request." : null,
  }));
  const cluster = { meanGain: -0.67, queries: ["q0", "q2"], share: 0.5, suggested: "fix-label" } as const;
  return {
    ...{ side, rows, wins: 5, losses: 4, ties: 0 },
    clusters: [
      { ...cluster, id: "document leave.md", kind: "document", name: "leave.md", terms: [] },
      { ...cluster, id: "terms leave, days", kind: "terms", name: "leave, days", terms: ["leave", "days"] },
    ],
    remedies: side === "train" ? ["hard-negative", "fix-label", "drop-query"] : ["fix-label", "drop-query"],
  };
}

const kept = <Value>(value: Value): Promise<Found<Value>> => Promise.resolve({ value, stale: false });

/** Verdicts of made-up figures. Jobs end at once; what they find is there from the beginning. */
export class FakeVerdicts implements VerdictStudio {
  readonly calls: string[] = [];

  triage = (projectId: string): Promise<string> => this.#started(`triage ${projectId}`);
  triageReport = (): Promise<Found<TriageReport> | null> => kept(TRIAGE);
  learnCurve = (projectId: string): Promise<string> => this.#started(`learnCurve ${projectId}`);
  learningCurve = (): Promise<Found<LearningCurve> | null> => kept(LEARNING_CURVE);
  guardDrift = (runId: string): Promise<string> => this.#started(`guardDrift ${runId}`);
  driftReport = (): Promise<Found<DriftReport> | null> => kept(DRIFT);
  mergeCurve = (runId: string): Promise<string> => this.#started(`mergeCurve ${runId}`);
  mergeCurveReport = (): Promise<Found<MergeCurve> | null> => kept(MERGE_CURVE);
  mergePoint = (_runId: string, strength: number): Promise<MergePoint> =>
    Promise.resolve(mergePoint(strength));
  calibrate = (runId: string): Promise<string> => this.#started(`calibrate ${runId}`);
  thresholds = (): Promise<Found<ScoreThreshold> | null> => kept(THRESHOLD);
  findDifferences = (runId: string, side: string): Promise<string> =>
    this.#started(`findDifferences ${runId} ${side}`);
  differences = (_runId: string, side: "train" | "test"): Promise<Found<DifferenceReport> | null> =>
    kept(differences(side));
  repeatRun = (runId: string): Promise<string> => this.#started(`repeatRun ${runId}`);

  openings(): Promise<TestOpenings> {
    const openings = [1, 2, 3].map((number) => {
      const purpose = number === 3 ? ("strength" as const) : ("judged" as const);
      return { number, runId: `run-${number}`, run: `Run ${number}`, purpose, testHash: "0".repeat(64) };
    });
    return Promise.resolve({
      ...{ count: 3, earlier: 0, openings },
      sentence: "This test set was opened 3 times.",
    });
  }

  compareRuns(runIds: readonly string[]): Promise<RunComparison> {
    const runs = runIds.map((id, index) => {
      const own = delta(0.03 - 0.02 * index);
      const verdict = own.low > 0 ? ("better" as const) : ("cannot-tell" as const);
      const figures = { "hit@1": 0.6, "hit@3": 0.72, "hit@5": 0.81, "hit@10": 0.87 };
      const base = { ...figures, "mrr@10": 0.66 };
      const named = {
        id,
        name: `Run ${index + 1}`,
        model: "bge-small-en-v1.5",
        base,
        delta: own,
        adjusted: own.p * runIds.length,
        verdict,
      };
      return { ...named, metrics: { ...figures, "mrr@10": 0.69 - 0.02 * index } };
    });
    const pairs = runs.slice(1).map(({ id }, index) => ({
      ...{ first: runs[0]!.id, second: id, delta: delta(-0.02 * (index + 1)), adjusted: 0.01 * (index + 1) },
      ...{ verdict: "worse" as const, smallestDetectable: 0.02 },
    }));
    const rows = Array.from({ length: 6 }, (_, index) => ({
      ...{ query: `q${index}`, text: `Question ${index}?`, base: 3 },
      ranks: runs.map((_run, run) => 1 + ((index + run) % 4)),
    }));
    return Promise.resolve({ questions: 110, clusters: 32, runs, pairs, rows, notes: [] });
  }

  remedy(runId: string, { remedy, queries }: RemedyRequest): Promise<RemedyOutcome> {
    this.calls.push(`remedy ${runId} ${remedy} ${queries.length}`);
    const sentence = `${queries.length} questions got a hard negative. Repeat the run to see what it brings.`;
    return Promise.resolve({ changed: queries.length, unchanged: 0, sentence });
  }

  exportVerdict(runId: string, format: "html" | "json"): Promise<ExportedFile> {
    this.calls.push(`exportVerdict ${runId} ${format}`);
    const verified = "read back and compared; no row of your data in it";
    return Promise.resolve({ name: `verdict.${format}`, blob: new Blob(["{}"]), verified });
  }

  #started(call: string): Promise<string> {
    this.calls.push(call);
    return Promise.resolve(`job ${this.calls.length}`);
  }
}
