import { compareJudgedRuns } from "../jobs/compare-runs.ts";
import { exportVerdict } from "../jobs/export-verdict.ts";
import { testOpenings } from "../jobs/openings.ts";
import { applyRemedy } from "../jobs/remedy.ts";
import { foundValue } from "../jobs/verdict-ground.ts";
import type { VerdictDataMethods } from "../protocol/verdict-calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { Workspace } from "../storage/workspace.ts";

/** What the data worker answers around verdicts: it reads, compares, changes questions and writes reports. */
export function verdictDataHandlers(workspace: Workspace): Handlers<VerdictDataMethods> {
  return {
    finding: ({ projectId, kind, runId }) => foundValue<unknown>(workspace, projectId, kind, runId),
    openings: ({ projectId }) => testOpenings(workspace, projectId),
    compareRuns: ({ runIds, options }) => compareJudgedRuns(workspace, runIds, options),
    remedy: ({ runId, request }) => applyRemedy(workspace, runId, request),
    exportVerdict: ({ runId, format, options }) => exportVerdict(workspace, runId, format, options),
  };
}
