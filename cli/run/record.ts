import type { EvaluationReport, Fusion, Metrics, SystemName } from "../../src/domain/eval/report.ts";
import type { ScoreThreshold } from "../../src/domain/eval/advice-types.ts";
import type { Backend } from "../../src/engine/backend.ts";

export const SYSTEMS = ["base", "baseInstruction", "bm25", "hybridBase", "hybridTuned", "tuned"] as const;

export interface RunSeconds {
  readonly embed: number;
  readonly train: number;
  readonly evaluate: number;
}

/** What every DIR/run.json says of how it was made. */
export interface RunFacts {
  readonly seconds: RunSeconds;
  readonly versions: Readonly<Record<string, string>>;
  readonly hashes: Readonly<Record<string, string>>;
}

/** DIR/run.json of adapters and encoders. Everything that is not computed is null, never absent. */
export interface RunRecord extends Readonly<Record<SystemName, Metrics | null>>, RunFacts {
  readonly task: string;
  readonly delta: EvaluationReport["delta"];
  readonly deltaHybrid: EvaluationReport["deltaHybrid"];
  readonly verdict: EvaluationReport["verdict"];
  readonly verdictHybrid: EvaluationReport["verdictHybrid"];
  readonly smallestDetectable: number | null;
  readonly losses: readonly number[];
  readonly chosen: object;
  readonly heldOut: { readonly base: number; readonly tuned: number } | null;
  readonly fusion: Fusion;
  readonly fusionBase: Fusion;
  readonly questions: { readonly train: number; readonly validation: number };
  readonly clusters: number | null;
  readonly medianCopyRate: number | null;
  readonly lowOverlap: EvaluationReport["lowOverlap"] | null;
  readonly backend: string;
  readonly backendLabel: string;
  readonly backendReason: string;
  readonly kernelBuild: string;
  readonly threshold: ScoreThreshold | null; // of the tuned cosine on the validation file, precision 0.9
  readonly notes: readonly string[];
}

/** What training leaves that a record tells of, whatever was trained. */
export interface TrainedFacts {
  readonly chosen: object;
  readonly fusion: { readonly base: Fusion; readonly tuned: Fusion };
  readonly losses: readonly number[];
  readonly heldOut: { readonly base: number; readonly tuned: number } | null;
  readonly notes: readonly string[];
}

export interface RunParts extends RunFacts {
  readonly task: string;
  readonly trainQuestions: number;
  readonly notes: readonly string[]; // beside those of training
  readonly trained: TrainedFacts;
  readonly report: EvaluationReport | undefined; // of the validation file
  readonly threshold: ScoreThreshold | null;
  readonly backend: Backend;
  readonly reason: string; // why this backend
}

export function recordOf(parts: RunParts): RunRecord {
  const { task, trained, report, backend, reason, trainQuestions, notes, ...facts } = parts;
  return {
    task,
    ...systemsOf(report),
    delta: report?.delta ?? null,
    deltaHybrid: report?.deltaHybrid ?? null,
    verdict: report?.verdict ?? "cannot-tell",
    verdictHybrid: report?.verdictHybrid ?? "cannot-tell",
    smallestDetectable: report?.smallestDetectable ?? null,
    losses: trained.losses,
    chosen: trained.chosen,
    heldOut: trained.heldOut,
    fusion: trained.fusion.tuned,
    fusionBase: trained.fusion.base,
    questions: { train: trainQuestions, validation: report?.queries ?? 0 },
    clusters: report?.clusters ?? null,
    medianCopyRate: report?.medianCopyRate ?? null,
    lowOverlap: report?.lowOverlap ?? null,
    ...facts,
    ...backendFacts(backend, reason),
    notes: [...notes, ...trained.notes],
  };
}

/** What computed a run. */
export function backendFacts(
  { kind, label, build }: Backend,
  reason: string,
): Pick<RunRecord, "backend" | "backendLabel" | "backendReason" | "kernelBuild"> {
  return { backend: kind, backendLabel: label, backendReason: reason, kernelBuild: build };
}

/** The systems of a report; null where one was not computed. */
export function systemsOf(
  report: EvaluationReport | undefined,
): Readonly<Record<SystemName, Metrics | null>> {
  return Object.fromEntries(SYSTEMS.map((name) => [name, report?.systems[name] ?? null])) as Record<
    SystemName,
    Metrics | null
  >;
}
