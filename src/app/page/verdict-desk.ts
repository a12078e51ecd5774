import { encoderById } from "../encoders/known-encoders.ts";
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
} from "../../domain/eval/advice-types.ts";
import type { RunControl } from "../../domain/ports.ts";
import { queryInstructionOf } from "../jobs/recipe-facts.ts";
import type { JobKind } from "../studio.ts";
import type { ExportedFile } from "../studio-models.ts";
import type {
  CompareOptions,
  Found,
  RemedyOutcome,
  RemedyRequest,
  ReportOptions,
  TriageOptions,
  VerdictStudio,
} from "../studio-verdicts.ts";
import { asFile } from "./files.ts";
import type { StudioPorts } from "./studio-ports.ts";

const PRECISION = 0.9;

type Control = Required<RunControl>;

/** Verdicts around runs: jobs of the train worker, results read by the data worker. */
export class VerdictDesk implements VerdictStudio {
  private readonly ports: StudioPorts;

  constructor(ports: StudioPorts) {
    this.ports = ports;
  }

  triage(projectId: string, options: TriageOptions = {}): Promise<string> {
    return this.job("triage", projectId, "Trying searches without training", async (control) => {
      await this.embedProject(projectId, control);
      return this.train.call("triage", { projectId, options, choice: this.choice }, control);
    });
  }

  triageReport(projectId: string): Promise<Found<TriageReport> | null> {
    return this.found<TriageReport>(projectId, "triage");
  }

  openings(projectId: string): Promise<TestOpenings> {
    return this.ports.workers.data.call("openings", { projectId });
  }

  compareRuns(runIds: readonly string[], options: CompareOptions = {}): Promise<RunComparison> {
    return this.ports.workers.data.call("compareRuns", { runIds, options });
  }

  learnCurve(projectId: string): Promise<string> {
    return this.job("advise", projectId, "Drawing the learning curve", async (control) => {
      await this.embedProject(projectId, control);
      return this.train.call("learnCurve", { projectId, choice: this.choice }, control);
    });
  }

  learningCurve(projectId: string): Promise<Found<LearningCurve> | null> {
    return this.found<LearningCurve>(projectId, "learning curve");
  }

  guardDrift(runId: string): Promise<string> {
    return this.runJob(runId, "Guarding against drift", async (control) => {
      await this.embedGeneral(runId, control);
      return this.train.call("guardDrift", { runId, choice: this.choice }, control);
    });
  }

  driftReport(runId: string): Promise<Found<DriftReport> | null> {
    return this.foundOfRun<DriftReport>(runId, "drift");
  }

  mergeCurve(runId: string): Promise<string> {
    return this.runJob(runId, "Drawing the merge curve", async (control) => {
      await this.embedGeneral(runId, control);
      return this.train.call("mergeCurve", { runId, choice: this.choice }, control);
    });
  }

  mergeCurveReport(runId: string): Promise<Found<MergeCurve> | null> {
    return this.foundOfRun<MergeCurve>(runId, "merge curve");
  }

  mergePoint(runId: string, strength: number): Promise<MergePoint> {
    return this.train.call("mergePoint", { runId, strength, choice: this.choice });
  }

  calibrate(runId: string, target = PRECISION): Promise<string> {
    return this.runJob(runId, "Calibrating scores", async (control) =>
      this.train.call("calibrate", { runId, target, choice: this.choice }, control),
    );
  }

  thresholds(runId: string): Promise<Found<ScoreThreshold> | null> {
    return this.foundOfRun<ScoreThreshold>(runId, "threshold");
  }

  findDifferences(runId: string, side: DifferenceReport["side"]): Promise<string> {
    return this.runJob(runId, "Looking for what got worse", async (control) =>
      this.train.call("findDifferences", { runId, side, choice: this.choice }, control),
    );
  }

  differences(runId: string, side: DifferenceReport["side"]): Promise<Found<DifferenceReport> | null> {
    return this.foundOfRun<DifferenceReport>(runId, `differences ${side}`);
  }

  async remedy(runId: string, request: RemedyRequest): Promise<RemedyOutcome> {
    const outcome = await this.ports.workers.data.call("remedy", { runId, request });
    this.ports.desk.changed((await this.ports.workspace.runs.get(runId)).projectId);
    return outcome;
  }

  async repeatRun(runId: string): Promise<string> {
    const { projectId, recipe } = await this.ports.workspace.runs.get(runId);
    const id = await this.ports.runs.start(projectId, recipe);
    await this.ports.desk.mark();
    this.ports.desk.changed(projectId);
    return id;
  }

  async exportVerdict(
    runId: string,
    format: "html" | "json",
    options: ReportOptions = {},
  ): Promise<ExportedFile> {
    return asFile(await this.ports.workers.data.call("exportVerdict", { runId, format, options }));
  }

  private get train(): StudioPorts["workers"]["train"] {
    return this.ports.workers.train;
  }

  private get choice() {
    return this.ports.environment.backendChoice;
  }

  private job(
    kind: JobKind,
    projectId: string,
    label: string,
    work: (control: Control) => Promise<string>,
  ): Promise<string> {
    const id = this.ports.jobs.start({ kind, projectId, label }, async (control) => {
      const sentence = await work(control);
      this.ports.desk.changed(projectId);
      return sentence;
    });
    return Promise.resolve(id);
  }

  private async runJob(
    runId: string,
    label: string,
    work: (control: Control) => Promise<string>,
  ): Promise<string> {
    const { projectId, number } = await this.ports.workspace.runs.get(runId);
    return this.job("advise", projectId, `${label} of run ${number}`, async (control) => {
      await this.embedRun(runId, control);
      return work(control);
    });
  }

  private async found<Value>(projectId: string, kind: string, runId?: string): Promise<Found<Value> | null> {
    const place = { projectId, kind, ...(runId === undefined ? {} : { runId }) };
    return (await this.ports.workers.data.call("finding", place)) as Found<Value> | null;
  }

  private async foundOfRun<Value>(runId: string, kind: string): Promise<Found<Value> | null> {
    const { projectId } = await this.ports.workspace.runs.get(runId);
    return this.found<Value>(projectId, kind, runId);
  }

  private async embedProject(projectId: string, control: Control): Promise<void> {
    const { encoderId } = await this.ports.workspace.projects.get(projectId);
    const { queryInstruction } = await encoderById(this.ports.workspace, encoderId);
    await this.embed(projectId, encoderId, queryInstruction, "search", control);
  }

  /** The texts of both sides by the run's base. */
  private async embedRun(runId: string, control: Control): Promise<void> {
    const { projectId, encoderId, recipe } = await this.ports.workspace.runs.get(runId);
    if (recipe.task === "router") return;
    const { queryInstruction } = await encoderById(this.ports.workspace, encoderId);
    const instruction = queryInstructionOf(recipe) || queryInstruction;
    await this.embed(projectId, encoderId, instruction, "search", control);
  }

  private async embedGeneral(runId: string, control: Control): Promise<void> {
    const { projectId, encoderId, recipe } = await this.ports.workspace.runs.get(runId);
    await this.embed(projectId, encoderId, queryInstructionOf(recipe), "general", control);
  }

  private async embed(
    projectId: string,
    encoderId: string,
    instruction: string,
    texts: "search" | "general",
    control: Control,
  ): Promise<void> {
    const key = this.ports.encoders.keyOf(encoderId);
    const address = { encoderId, ...(key === undefined ? {} : { key }) };
    await this.ports.workers.embed.call("embed", { projectId, instruction, texts, ...address }, control);
  }
}
