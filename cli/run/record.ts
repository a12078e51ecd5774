import type { EvaluationReport, Fusion, Metrics, SystemName } from "../../src/domain/eval/report.ts";
import type { TrainedAdapter } from "../../src/domain/recipes/adapter-run.ts";
import type { Backend } from "../../src/engine/backend.ts";
import type { JobInputs } from "./inputs.ts";

export const SYSTEMS = ["base", "baseInstruction", "bm25", "hybridBase", "hybridTuned", "tuned"] as const;

export interface RunSeconds {
  readonly embed: number;
  readonly train: number;
  readonly evaluate: number;
}

/** DIR/run.json. Everything that is not computed is null, never absent. */
export interface RunRecord extends Readonly<Record<SystemName, Metrics | null>> {
  readonly delta: EvaluationReport["delta"];
  readonly deltaHybrid: EvaluationReport["deltaHybrid"];
  readonly verdict: EvaluationReport["verdict"];
  readonly verdictHybrid: EvaluationReport["verdictHybrid"];
  readonly smallestDetectable: number | null;
  readonly losses: readonly number[];
  readonly chosen: TrainedAdapter["chosen"];
  readonly heldOut: TrainedAdapter["heldOut"];
  readonly fusion: Fusion;
  readonly fusionBase: Fusion;
  readonly questions: { readonly train: number; readonly validation: number };
  readonly clusters: number | null;
  readonly medianCopyRate: number | null;
  readonly lowOverlap: EvaluationReport["lowOverlap"] | null;
  readonly seconds: RunSeconds;
  readonly backend: string;
  readonly backendLabel: string;
  readonly backendReason: string;
  readonly kernelBuild: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly hashes: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

export interface RunFacts {
  readonly inputs: JobInputs;
  readonly trained: TrainedAdapter;
  readonly report: EvaluationReport | undefined; // of the validation file
  readonly backend: Backend;
  readonly reason: string; // why this backend
  readonly seconds: RunSeconds;
  readonly versions: Readonly<Record<string, string>>;
  readonly hashes: Readonly<Record<string, string>>;
}

export function recordOf({ inputs, trained, report, backend, reason, ...facts }: RunFacts): RunRecord {
  return {
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
    questions: { train: inputs.train.dataset.queries.length, validation: report?.queries ?? 0 },
    clusters: report?.clusters ?? null,
    medianCopyRate: report?.medianCopyRate ?? null,
    lowOverlap: report?.lowOverlap ?? null,
    ...facts,
    backend: backend.kind,
    backendLabel: backend.label,
    backendReason: reason,
    kernelBuild: backend.build,
    notes: [...inputs.notes, ...trained.notes],
  };
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
