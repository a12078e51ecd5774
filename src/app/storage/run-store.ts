import type { EvaluationReport } from "../../domain/eval/report.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { Connection } from "./connection.ts";
import type { RunResults } from "../studio-training.ts";
import type { ReportRecord, RunRecord } from "./records.ts";

/** Runs and their reports. */
export class RunStore {
  private readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Stores a new run under the project's next number. */
  async create(run: Omit<RunRecord, "number">): Promise<RunRecord> {
    return this.connection.write(["projects", "runs"], "the new run", async (transaction) => {
      const project = await transaction.objectStore("projects").get(run.projectId);
      if (!project)
        throw new RetuneError("usage", `There is no project ${run.projectId}. Open it from Home.`);
      const record: RunRecord = { ...run, number: project.nextRun };
      await transaction.objectStore("projects").put({ ...project, nextRun: project.nextRun + 1 });
      await transaction.objectStore("runs").add(record);
      return record;
    });
  }

  async get(runId: string): Promise<RunRecord> {
    const run = await this.connection.read(["runs"], "opening a run", (transaction) =>
      transaction.objectStore("runs").get(runId),
    );
    return existing(run, runId);
  }

  async all(): Promise<readonly RunRecord[]> {
    return this.connection.read(["runs"], "listing runs", (tx) => tx.objectStore("runs").getAll());
  }

  async ofProject(projectId: string): Promise<readonly RunRecord[]> {
    const runs = await this.connection.read(["runs"], "listing runs", (transaction) =>
      transaction.objectStore("runs").index("project").getAll(projectId),
    );
    return runs.sort((a, b) => a.number - b.number);
  }

  /** A run that goes on leaves behind what stopped it. */
  async update(runId: string, change: Partial<Omit<RunRecord, "id">>): Promise<RunRecord> {
    return this.connection.write(["runs"], "the run's state", async (transaction) => {
      const store = transaction.objectStore("runs");
      const known = existing(await store.get(runId), runId);
      const { error: _past, ...going } = known;
      const changed = { ...(change.state === "running" ? going : known), ...change };
      await store.put(changed);
      return changed;
    });
  }

  /** The end of a run in one transaction: its report and its state. */
  async finish(
    runId: string,
    results: RunResults,
    change: Partial<Omit<RunRecord, "id">>,
  ): Promise<RunRecord> {
    return this.connection.write(["runs", "reports"], "the finished run", async (transaction) => {
      const store = transaction.objectStore("runs");
      const changed = { ...existing(await store.get(runId), runId), ...change };
      await transaction.objectStore("reports").put(reportRecord(runId, results));
      await store.put(changed);
      return changed;
    });
  }

  /** Of a run that is judged by its search; "usage" for re-rankers and routers, which have results of their own. */
  async report(runId: string): Promise<EvaluationReport> {
    const results = await this.results(runId);
    if (results.kind === "retrieval") return results.report;
    throw new RetuneError("usage", `A ${results.kind} run has no retrieval report; ask for its results.`);
  }

  async results(runId: string): Promise<RunResults> {
    const record = await this.connection.read(["reports"], "opening a report", (transaction) =>
      transaction.objectStore("reports").get(runId),
    );
    if (!record) throw new RetuneError("usage", "This run has no report yet: it was not judged to its end.");
    return record.results ?? { kind: "retrieval", report: record.report! };
  }

  async remove(runId: string): Promise<void> {
    const stores = ["runs", "reports", "manifests", "chunks", "encoders", "models"] as const;
    await this.connection.write(stores, "discarding the run", async (transaction) => {
      const ofRun = IDBKeyRange.bound([runId], [`${runId}\uffff`]); // its result lies under a longer key
      await transaction.objectStore("runs").delete(runId);
      await transaction.objectStore("reports").delete(runId);
      await transaction.objectStore("manifests").delete(ofRun);
      await transaction.objectStore("chunks").delete(ofRun);
      await transaction.objectStore("encoders").delete(trainedModelId(runId));
      await transaction.objectStore("models").delete(trainedModelId(runId));
    });
  }
}

/** The id under which a trained model can be chosen like any other. */
export function trainedModelId(runId: string): string {
  return `trained-${runId}`;
}

function reportRecord(runId: string, results: RunResults): ReportRecord {
  return results.kind === "retrieval" ? { runId, report: results.report } : { runId, results };
}

function existing(run: RunRecord | undefined, runId: string): RunRecord {
  if (!run) throw new RetuneError("usage", `There is no run ${runId}. It may have been discarded.`);
  return run;
}
