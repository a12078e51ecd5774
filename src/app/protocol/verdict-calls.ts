import type {
  DifferenceReport,
  MergePoint,
  RunComparison,
  TestOpenings,
} from "../../domain/eval/advice-types.ts";
import type { BackendChoice } from "../studio.ts";
import type {
  CompareOptions,
  Found,
  RemedyOutcome,
  RemedyRequest,
  ReportOptions,
  TriageOptions,
} from "../studio-verdicts.ts";
import type { SentBytes } from "./sent-files.ts";

type Call<Params, Result> = { readonly params: Params; readonly result: Result };
interface OfRun {
  readonly runId: string;
}
interface Computed {
  readonly choice: BackendChoice;
}

/** What the data worker answers around verdicts: reading, comparing, changing questions. */
export interface VerdictDataMethods {
  /** A kept result by its kind ("triage", "drift" …), of a run or of the project. */
  readonly finding: Call<
    { readonly projectId: string; readonly kind: string; readonly runId?: string },
    Found<unknown> | null
  >;
  readonly openings: Call<{ readonly projectId: string }, TestOpenings>;
  readonly compareRuns: Call<
    { readonly runIds: readonly string[]; readonly options: CompareOptions },
    RunComparison
  >;
  readonly remedy: Call<OfRun & { readonly request: RemedyRequest }, RemedyOutcome>;
  readonly exportVerdict: Call<
    OfRun & { readonly format: "html" | "json"; readonly options: ReportOptions },
    SentBytes
  >;
}

/** What the train worker computes around verdicts; every result is kept and its sentence answered. */
export interface VerdictTrainMethods {
  readonly triage: Call<Computed & { readonly projectId: string; readonly options: TriageOptions }, string>;
  readonly learnCurve: Call<Computed & { readonly projectId: string }, string>;
  readonly guardDrift: Call<Computed & OfRun, string>;
  readonly mergeCurve: Call<Computed & OfRun, string>;
  readonly mergePoint: Call<Computed & OfRun & { readonly strength: number }, MergePoint>;
  readonly calibrate: Call<Computed & OfRun & { readonly target: number }, string>;
  readonly findDifferences: Call<Computed & OfRun & { readonly side: DifferenceReport["side"] }, string>;
}
