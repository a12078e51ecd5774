/** One family: every method of the Studio, made up, which is why this file is long. */
import type { EnvironmentView, Studio, StudioEvent } from "../../src/app/studio.ts";
import type { ImportReport, ProjectSummary, ProjectView, QuestionView } from "../../src/app/studio-data.ts";
import type { RunView } from "../../src/app/studio-training.ts";
import type { Verdict } from "../../src/domain/eval/report.ts";
import {
  ENVIRONMENT,
  jobOf,
  passageText,
  questionTexts,
  runView,
  SAMPLE,
  sampleQuestions,
  SETTINGS,
} from "./fake-data.ts";
import { fakeReport, numbers } from "./fake-report.ts";
import { otherTask, tuningRun, rerankResults, ROUTER_RESULTS } from "./fake-results.ts";
import { FakeGate } from "./fake-gate.ts";
import { FakeTeachers } from "./fake-teachers.ts";
import { FakeImports } from "./fake-imports.ts";
import { FakeLab } from "./fake-lab.ts";
import { FakeMaps } from "./fake-maps.ts";
import { FakeVerdicts } from "./fake-verdicts.ts";
import { FakeMining } from "./fake-mining.ts";
import { FakeTuning, LADDER_ENDED } from "./fake-tuning.ts";

/** States of the page that are hard to reach on purpose with the real program. */
export type Scenario =
  | "empty"
  | "sample"
  | "running"
  | "paused"
  | "failed"
  | "interrupted"
  | "elsewhere"
  | "tuning" // LoRA, under way
  | "re-ranker"
  | "router"
  | Verdict;

/** A Studio of made-up data for tests and for looking at screens; it keeps what it is told for as long as it lives. */
export class FakeStudio extends FakeTuning implements Studio {
  readonly maps = new FakeMaps();
  readonly imports = new FakeImports();
  readonly verdicts = new FakeVerdicts();
  readonly teachers = new FakeTeachers();
  readonly mining = new FakeMining((event) => this.#tell(event));
  readonly #listeners = new Set<(event: StudioEvent) => void>();
  readonly #verdict: Verdict;
  #environment = ENVIRONMENT;
  #project: ProjectView | null = null;
  #run: RunView | null = null;
  #questions: readonly QuestionView[] = [];
  #results: "re-ranker" | "router" | "retrieval" = "retrieval";
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Every call that changes something, for tests: "decideQuestions 1 reject". */
  readonly calls: string[] = [];
  readonly gate = new FakeGate({
    questions: () => this.#questions,
    change: (questions) => (this.#questions = questions),
    calls: this.calls,
  });

  readonly lab: FakeLab;

  constructor(scenario: Scenario) {
    super();
    const lab = { empty: scenario === "empty", running: scenario === "running" };
    this.lab = new FakeLab((event) => this.#tell(event), lab);
    this.#verdict = scenario === "worse" || scenario === "cannot-tell" ? scenario : "better";
    if (scenario === "worse") this.ladderView = LADDER_ENDED;
    if (scenario === "empty") return;
    this.#makeSample();
    if (scenario === "running") this.#go(runView("running", 80));
    else if (scenario === "paused") this.#show(runView("paused", 140));
    else if (scenario === "elsewhere") this.#show({ ...runView("running", 140), ownedElsewhere: true });
    else if (scenario === "interrupted") this.#show(runView("interrupted", 140));
    else if (scenario === "tuning") this.#show(tuningRun(runView("running", 140)));
    else if (scenario === "re-ranker" || scenario === "router") {
      this.#results = scenario;
      this.#show(otherTask(runView("finished", 300, "better"), scenario));
    } else if (scenario === "failed") {
      const error = {
        code: "not-finite",
        message: "The loss became NaN at step 141 (learning rate 0.003).",
        place: {},
      } as const;
      this.#show({ ...runView("failed", 140), error });
    } else if (scenario !== "sample") this.#show(runView("finished", 300, this.#verdict));
  }

  subscribe(listener: (event: StudioEvent) => void): () => void {
    this.#listeners.add(listener);
    if (this.#run) listener({ kind: "job", job: jobOf(this.#run) });
    return () => this.#listeners.delete(listener);
  }

  environment(): EnvironmentView {
    return this.#environment;
  }

  async chooseBackend(choice: EnvironmentView["backend"]["choice"]): Promise<void> {
    this.#environment = { ...this.#environment, backend: { ...this.#environment.backend, choice } };
    this.#tell({ kind: "environment", environment: this.#environment });
  }

  async projects(): Promise<readonly ProjectSummary[]> {
    return this.#project ? [this.#summary()] : [];
  }

  async createProject(name: string): Promise<ProjectSummary> {
    this.#makeSample();
    const nothing = { documents: 0, passages: 0, questions: 0 };
    this.#questions = [];
    this.#project = {
      ...this.#project!,
      name,
      sample: false,
      passages: 0,
      questions: 0,
      sources: [],
      split: { train: nothing, test: nothing },
      vectors: { cached: 0, needed: 0 },
    };
    this.#tell({ kind: "projects" });
    return this.#summary();
  }

  async openSample(): Promise<ProjectSummary> {
    if (!this.#project) this.#makeSample();
    this.#tell({ kind: "projects" });
    return this.#summary();
  }

  async project(): Promise<ProjectView> {
    if (!this.#project) throw new Error("This project is not in this browser.");
    return { ...this.#project, ...this.#summary() };
  }

  async renameProject(_id: string, name: string): Promise<void> {
    this.#project = { ...this.#project!, name };
    this.#tell({ kind: "projects" });
  }

  async removeProject(): Promise<void> {
    this.#project = null;
    this.#run = null;
    this.#tell({ kind: "projects" });
  }

  async exportProject(): ReturnType<Studio["exportProject"]> {
    return this.#file("handbook.zip");
  }

  async importProject(): Promise<ProjectSummary> {
    return this.openSample();
  }

  addFiles(id: string, files: readonly File[]): Promise<ImportReport> {
    return this.imports.start(id, files);
  }

  async removeSource(): Promise<void> {
    this.calls.push("removeSource");
  }

  async previewChunks(_id: string, settings: { maxTokens: number }): ReturnType<Studio["previewChunks"]> {
    const random = numbers(11);
    const count = Math.round(40_000 / settings.maxTokens);
    return {
      count,
      lengths: Array.from({ length: count }, () =>
        Math.round(settings.maxTokens * (0.3 + 0.7 * random() ** 0.5)),
      ),
      first: Array.from({ length: 12 }, (_, index) => ({
        document: `0${1 + (index >> 2)}-welcome.md`,
        heading: "Leave and hours",
        text: passageText(index),
      })),
    };
  }

  async applyChunks(_id: string, chunking: ProjectView["chunking"]): Promise<ProjectView> {
    this.#project = { ...this.#project!, chunking };
    return this.#project;
  }

  async questions(): Promise<readonly QuestionView[]> {
    return this.#questions;
  }

  async generate(...[, options]: Parameters<Studio["generate"]>): Promise<string> {
    this.calls.push(`generate ${options.teacher.kind}`);
    return "j2";
  }

  async splitByDocument(...[, testShare]: Parameters<Studio["splitByDocument"]>): Promise<ProjectView> {
    this.calls.push(`splitByDocument ${testShare}`);
    return this.#project!;
  }

  async dataset(): ReturnType<Studio["dataset"]> {
    return {
      passages: Array.from({ length: 40 }, (_, index) => ({ id: `p${index}`, text: passageText(index) })),
      queries: questionTexts(148).map((text, index) => ({
        id: `q${index}`,
        text,
        relevant: [{ passage: `p${index % 40}`, grade: 1 }],
      })),
    };
  }

  async exportDataset(): ReturnType<Studio["exportDataset"]> {
    return this.#file("dataset.json");
  }

  importVectors = async (): Promise<void> => void this.calls.push("importVectors");

  async encoders(): ReturnType<Studio["encoders"]> {
    const instruction = "Represent this sentence for searching relevant passages: ";
    const bge = { origin: "site", dimension: 384, queryInstruction: instruction } as const;
    return [
      { ...bge, id: "bge", name: "bge-small-en-v1.5", precision: "fp32", available: true },
      { ...bge, id: "bge-q", name: "bge-small-en-v1.5", precision: "int8", available: false },
    ];
  }

  async chooseEncoder(): Promise<void> {
    this.calls.push("chooseEncoder");
  }

  async addEncoderFolder(): ReturnType<Studio["addEncoderFolder"]> {
    return (await this.encoders())[0]!;
  }

  addEncoderEndpoint: Studio["addEncoderEndpoint"] = () => this.addEncoderFolder();
  addHubModel: Studio["addHubModel"] = () => this.addEncoderFolder();
  lookUpHubModel: Studio["lookUpHubModel"] = async (id) => ({ id, files: [], totalBytes: 133_000_000 });

  async embed(): Promise<string> {
    return "j3";
  }

  async plan(...[, { task, settings }]: Parameters<Studio["plan"]>): ReturnType<Studio["plan"]> {
    const linear = task === "adapter" && settings.adapter.kind === "linear";
    return {
      backend: "CPU, WASM SIMD, 2 threads",
      textsToEmbed: 0,
      secondsToEmbed: 0,
      secondsToTrain: linear ? 4.2 : 12,
      peakBytes: 3_407_872,
      launchesPerStep: linear ? 9 : 14,
      trainQuestions: 240,
      testQuestions: 148,
      textsToEmbedAgain: 0,
      secondsToEmbedAgain: 0,
      steps: 300,
      anchors: 0,
      parameters: { trained: 147_456, total: 147_456 },
      storage: { checkpointBytes: 1_769_472, resultBytes: 589_824, freeBytes: 2_000_000_000 },
      warnings: [],
    };
  }

  async startRun(): Promise<string> {
    this.#go(runView("running", 0));
    return "r1";
  }

  async pause(): Promise<void> {
    clearInterval(this.#timer);
    this.#show({ ...this.#run!, state: "paused" });
  }

  async resume(): Promise<void> {
    this.#go({ ...this.#run!, state: "running" });
  }

  async stopAndKeep(): Promise<void> {
    clearInterval(this.#timer);
    this.#show(runView("stopped", 200, this.#verdict));
  }

  async discard(): Promise<void> {
    clearInterval(this.#timer);
    this.#run = null;
    this.#tell({ kind: "project", projectId: "p1" });
  }

  async runs(): ReturnType<Studio["runs"]> {
    if (!this.#run) return [];
    // Who got worse tries again: two judged runs to compare.
    return this.#verdict === "worse" ? [this.#run, { ...this.#run, id: "r2", number: 2 }] : [this.#run];
  }

  async run(): Promise<RunView> {
    if (!this.#run) throw new Error("This run is not in this browser.");
    return this.#run;
  }

  async report(): ReturnType<Studio["report"]> {
    return fakeReport(this.#verdict, questionTexts(148));
  }

  async results(): ReturnType<Studio["results"]> {
    const report = await this.report();
    if (this.#results === "router") return ROUTER_RESULTS;
    return this.#results === "re-ranker" ? rerankResults(report) : { kind: "retrieval", report };
  }

  exportRouterData: Studio["exportRouterData"] = async () => this.#file("router.json");

  async jobFile(): Promise<string> {
    return JSON.stringify(
      { task: "adapter", model: "bge-small-en-v1.5", train: "train.json", ...SETTINGS },
      null,
      2,
    );
  }

  async exportRun(...[, format]: Parameters<Studio["exportRun"]>): ReturnType<Studio["exportRun"]> {
    return this.#file(`run-1.${format}`);
  }

  async importAdapter(): ReturnType<Studio["importAdapter"]> {
    return runView("finished", 300, "better");
  }

  async cancel(): Promise<void> {
    this.calls.push("cancel");
  }

  async storage(): ReturnType<Studio["storage"]> {
    return {
      usedBytes: 48_200_000,
      persistent: false,
      caches: [
        { name: "Vectors", bytes: 1_900_000 },
        { name: "Models", bytes: 44_000_000 },
      ],
    };
  }

  persistStorage = async (): Promise<boolean> => false;

  #tell(event: StudioEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #file(name: string): Awaited<ReturnType<Studio["exportProject"]>> {
    return { name, blob: new Blob([name]), verified: "Read back: 1 tensor, all values equal." };
  }

  #summary(): ProjectSummary {
    const { id, name, sample, createdAt, passages, questions } = this.#project!;
    const judged = this.#run?.verdict;
    return {
      id,
      name,
      sample,
      createdAt,
      passages,
      questions,
      runs: this.#run ? 1 : 0,
      ...(judged ? { best: { runId: "r1", mrrDelta: this.#run!.mrrDelta!, verdict: judged } } : {}),
    };
  }

  #makeSample(): void {
    this.#questions = sampleQuestions();
    this.#project = SAMPLE;
  }

  #show(run: RunView): void {
    this.#run = run;
    this.#tell({ kind: "job", job: jobOf(run) });
    this.#tell({ kind: "run", run });
  }

  #go(from: RunView): void {
    let done = from.progress.done;
    this.#show(from);
    this.#timer = setInterval(() => {
      done = Math.min(300, done + 5);
      if (done < 300) return this.#show(runView("running", done));
      clearInterval(this.#timer);
      this.#show(runView("finished", 300, this.#verdict));
      this.#tell({ kind: "projects" });
    }, 250);
  }
}
