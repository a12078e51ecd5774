import type {
  DifferenceReport,
  DriftReport,
  LearningCurve,
  MergeCurve,
  ScoreThreshold,
  TriageReport,
} from "../../domain/eval/advice-types.ts";
import type { ReportRow, VerdictReport } from "../../domain/eval/verdict-report.ts";
import { verdictHtml } from "../../domain/eval/verdict-html.ts";
import type { Metrics } from "../../domain/eval/report.ts";
import { RetuneError } from "../../engine/errors.ts";
import { knownEncoders } from "../encoders/known-encoders.ts";
import type { SentBytes } from "../protocol/calls.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { ReportOptions } from "../studio-verdicts.ts";
import type { RunResults } from "../studio-training.ts";
import { MADE_BY } from "../version.ts";
import { testOpenings } from "./openings.ts";
import { judgedQuestions } from "./run-differences.ts";
import { projectGround } from "./verdict-ground.ts";
import type { ProjectGround } from "./verdict-ground.ts";

/** A run's verdict with all that was found about it as one file, read back before it is handed over. */
export async function exportVerdict(
  workspace: Workspace,
  runId: string,
  format: "html" | "json",
  { rows = false }: ReportOptions,
): Promise<SentBytes> {
  const run = await workspace.runs.get(runId);
  const report = await verdictReport(workspace, run, rows);
  const text = format === "json" ? `${JSON.stringify(report, null, 2)}\n` : verdictHtml(report);
  const back = JSON.parse(format === "json" ? text : embedded(text)) as VerdictReport;
  if (JSON.stringify(back) !== JSON.stringify(report)) {
    throw new RetuneError("corrupt", "The report reads back differently than it was written; export again.");
  }
  const kept = report.rows ? `${report.rows.length} questions in it` : "no row of your data in it";
  return {
    name: `retune-run-${run.number}-verdict.${format}`,
    bytes: new TextEncoder().encode(text),
    verified: `read back and compared; ${kept}`,
  };
}

function embedded(html: string): string {
  const open = 'id="retune-verdict">';
  const start = html.lastIndexOf(open) + open.length;
  return html.slice(start, html.indexOf("</script>", start));
}

async function verdictReport(workspace: Workspace, run: RunRecord, rows: boolean): Promise<VerdictReport> {
  const results = await workspace.runs.results(run.id);
  const ground = await projectGround(workspace, run.projectId);
  const found = async <Value>(kind: string, ofRun: boolean): Promise<Value | null> => {
    const place = { dataHash: ground.dataHash, ...(ofRun ? { runId: run.id } : {}) };
    return ((await workspace.parts.finding(run.projectId, kind, place))?.value as Value | undefined) ?? null;
  };
  const { count, sentence } = await testOpenings(workspace, run.projectId);
  const differences = await found<DifferenceReport>("differences test", true);
  return {
    format: "retune-verdict-1",
    made: { by: MADE_BY, at: new Date().toISOString() },
    run: await runFacts(workspace, run),
    ...judgedFacts(results, run, ground),
    openings: { count, sentence, atRun: run.testOpenings ?? null },
    triage: await found<TriageReport>("triage", false),
    learningCurve: await found<LearningCurve>("learning curve", false),
    drift: await found<DriftReport>("drift", true),
    mergeCurve: await found<MergeCurve>("merge curve", true),
    threshold: await found<ScoreThreshold>("threshold", true),
    differences: differences && withoutRows(differences),
    rows: rows ? rowsOf(results, run, ground) : null,
  };
}

async function runFacts(workspace: Workspace, run: RunRecord): Promise<VerdictReport["run"]> {
  const { number, recipe, encoderId, backend, seconds, notes } = run;
  const startedAt = new Date(run.startedAt).toISOString();
  const base = (await knownEncoders(workspace)).find(({ id }) => id === encoderId)?.name ?? encoderId;
  return { name: `Run ${number}`, task: recipe.task, recipe, base, backend, seconds, startedAt, notes };
}

type JudgedFacts = Pick<
  VerdictReport,
  "data" | "systems" | "delta" | "deltaName" | "verdict" | "smallestDetectable"
>;

function judgedFacts(results: RunResults, run: RunRecord, { data }: ProjectGround): JudgedFacts {
  if (results.kind === "router") {
    throw new RetuneError("unsupported", "A router has a report of its own; export its figures instead.");
  }
  const { report } = results;
  const counts = {
    hash: run.dataHash,
    trainQuestions: data.train.queries.length,
    testQuestions: report.queries,
    clusters: report.clusters,
    passages: data.train.passages.length + data.test.passages.length,
  };
  const shared = {
    data: counts,
    systems: report.systems as Readonly<Record<string, Metrics>>,
    smallestDetectable: report.smallestDetectable,
  };
  return results.kind === "retrieval"
    ? { ...shared, delta: results.report.delta, deltaName: "tuned − base", verdict: results.report.verdict }
    : {
        ...shared,
        delta: results.report.deltaRetrieved,
        deltaName: "re-ranked − first search",
        verdict: results.report.verdictRetrieved,
      };
}

function withoutRows({ side, wins, losses, ties, remedies }: DifferenceReport): VerdictReport["differences"] {
  return { side, wins, losses, ties, remedies };
}

function rowsOf(results: RunResults, run: RunRecord, { data }: ProjectGround): readonly ReportRow[] {
  const passages = new Map(data.test.passages.map(({ id, text }) => [id, text]));
  const queries = new Map(data.test.queries.map((query) => [query.id, query]));
  return judgedQuestions(results, run).flatMap(({ query, before, after }): ReportRow[] => {
    const own = queries.get(query);
    if (!own) return [];
    return [{ text: own.text, right: passages.get(own.relevant[0]!.passage) ?? "", before, after }];
  });
}
