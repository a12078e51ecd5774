import type {
  DifferenceReport,
  DriftReport,
  LearningCurve,
  MergeCurve,
  ScoreThreshold,
  TestOpenings,
  TriageReport,
} from "./advice-types.ts";
import type { Delta, MetricName, Metrics, Verdict } from "./report.ts";

/** Everything found about one run; null where it was not looked for. Holds no text of the person's data but in `rows`. */
export interface VerdictReport {
  readonly format: "retune-verdict-1";
  readonly made: { readonly by: string; readonly at: string }; // "Retune 0.1.0"; ISO 8601, of the file
  readonly run: {
    readonly name: string; // "Run 3"
    readonly task: string;
    readonly recipe: unknown; // settings as they were
    readonly base: string; // the model it started from
    readonly backend: string;
    readonly seconds: number;
    readonly startedAt: string; // ISO 8601
    readonly notes: readonly string[];
  };
  readonly data: {
    readonly hash: string; // SHA-256 over both sides as trained and judged
    readonly trainQuestions: number;
    readonly testQuestions: number;
    readonly clusters: number;
    readonly passages: number;
  };
  readonly systems: Readonly<Record<string, Metrics>>;
  readonly delta: Readonly<Record<MetricName, Delta>> | null;
  readonly deltaName: string; // "tuned − base"
  readonly verdict: Verdict;
  readonly smallestDetectable: number;
  readonly openings: Pick<TestOpenings, "count" | "sentence"> & { readonly atRun: number | null };
  readonly triage: TriageReport | null;
  readonly learningCurve: LearningCurve | null;
  readonly drift: DriftReport | null;
  readonly mergeCurve: MergeCurve | null;
  readonly threshold: ScoreThreshold | null;
  readonly differences: Omit<DifferenceReport, "rows" | "clusters"> | null; // of the test side
  readonly rows: readonly ReportRow[] | null; // null: not asked for
}

/** One judged question, only where the person asked for rows. */
export interface ReportRow {
  readonly text: string;
  readonly right: string; // passage text
  readonly before: number | null;
  readonly after: number | null;
}

export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  better: "Better than its base",
  worse: "Worse than its base",
  "cannot-tell": "Cannot be told from its base",
};
