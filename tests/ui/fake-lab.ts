/** One family: every method of the lab, made up, which is why this file is long. */
import type {
  LabAnswers,
  LabArmAnswer,
  LabFileView,
  LabMeasureView,
  LabModelView,
  LabRecipe,
  LabResultRow,
  LabResults,
  LabRowView,
  LabRunView,
  LabStudio,
  LabSummary,
  LabSystem,
  LabView,
} from "../../src/app/studio-lab.ts";
import type { ExportedFile } from "../../src/app/studio-models.ts";
import type { StudioEvent } from "../../src/app/studio.ts";
import type { LabFigure } from "../../src/domain/lab/compare.ts";
import type { LabTaskId } from "../../src/domain/lab/lab-task.ts";
import { MODELS } from "./fake-lab-models.ts";
import { RADIT, raditResults, raditRun, raditSummary } from "./fake-retrieval.ts";

const SQL_MEASURES: readonly LabMeasureView[] = [
  {
    key: "executionAccuracy",
    label: "Same rows as the right query",
    meaning: "Both queries run on three made-up databases and give the same rows on all of them.",
    better: "higher",
    unit: "share",
  },
  {
    key: "executableRate",
    label: "Runs at all",
    meaning: "The query runs without an error.",
    better: "higher",
    unit: "share",
  },
];

const IDS: readonly LabTaskId[] = [
  "sft",
  "text-to-sql",
  "code",
  "function-calling",
  "memorise",
  "ra-dit",
  "judge",
  "react",
  "style",
  "llm-selector",
];

const CONSTRAINED: readonly LabTaskId[] = ["text-to-sql", "code", "function-calling"];

export const LAB_SUMMARY: LabSummary = {
  id: "l1",
  name: "Sample: questions to SQL",
  system: "text-to-sql",
  sample: true,
  createdAt: 1_760_000_000_000,
  rows: 1100,
  runs: 1,
};

const FILES: readonly LabFileView[] = [
  { side: "train", name: "train.jsonl", bytes: 148_000, rows: 1000, notes: [] },
  {
    side: "test",
    name: "test.jsonl",
    bytes: 15_200,
    rows: 100,
    notes: [{ line: 17, reason: "The query does not run: no such column “pirce”. Mend it.", skipped: true }],
  },
];

const RECIPE: LabRecipe = {
  base: "retune-nano-decoder",
  settings: {
    method: "lora",
    lora: { rank: 8, alpha: 16 },
    epochs: 10,
    batchSize: 16,
    learningRate: 2e-3,
    seed: 0,
  },
  learn: "answers",
  maxTokens: 512,
  maxNewTokens: 96,
  constrained: true,
  judgedRows: 200,
};

function rowOf(index: number): LabRowView {
  return {
    id: `row ${index}`,
    line: index + 1,
    group: `CREATE TABLE films (name TEXT, year INT, rating INT) -- ${index % 7}`,
    prompt: `How many films have a rating above ${60 + index}?\n\nCREATE TABLE films (name TEXT, year INT, rating INT)`,
    answer: `SELECT COUNT(*) FROM films WHERE rating > ${60 + index}`,
  };
}

const answer = (text: string, right: number, detail?: Readonly<Record<string, unknown>>): LabArmAnswer => ({
  text,
  measures: { executionAccuracy: right, executableRate: 1 },
  ...(detail ? { detail } : {}),
});

const GOLD = { columns: ["COUNT(*)"], rows: [[11]], count: 1 };

function resultRow(index: number): LabResultRow {
  const row = rowOf(index);
  const found = { columns: ["name"], rows: [["Alpen"], ["Brook"]], count: 24 };
  const asked = { gold: row.answer, families: ["aggregate"], goldResult: GOLD };
  const wrong = { ...asked, sql: "SELECT name FROM films", result: found };
  const rightAnswer = answer(row.answer, 1, { ...asked, sql: row.answer, result: GOLD });
  const tuned = index % 8 === 0 ? answer("SELECT MAX(rating) FROM films", 0, wrong) : rightAnswer;
  return { ...row, answers: { base: answer("SELECT name FROM films", 0, wrong), tuned } };
}

function figure(measure: LabMeasureView, base: number, tuned: number): LabFigure {
  const value = tuned - base;
  return {
    ...measure,
    base,
    tuned,
    delta: { value, low: value - 0.06, high: value + 0.05, p: value > 0.06 ? 0.0002 : 0.31 },
    rows: 100,
    verdict: value > 0.06 ? "better" : "cannot-tell",
    mcnemar: { onlyBase: 0, onlyTuned: Math.round(value * 100), p: 1e-6 },
  };
}

const COMPARISON = {
  task: "text-to-sql" as const,
  rows: 100,
  groups: 41,
  figures: [figure(SQL_MEASURES[0]!, 0, 0.87), figure(SQL_MEASURES[1]!, 0.96, 1)],
  verdict: "better" as const,
};

const RESULTS: LabResults = {
  comparison: COMPARISON,
  constrained: {
    ...COMPARISON,
    figures: [figure(SQL_MEASURES[0]!, 0.02, 0.88), figure(SQL_MEASURES[1]!, 1, 1)],
  },
  rows: Array.from({ length: 100 }, (_, index) => resultRow(index)),
};

const FINISHED: LabRunView = {
  ...{ id: "lr1", labId: "l1", number: 1, state: "finished", recipe: RECIPE },
  ...{ startedAt: 1_760_000_000_000, seconds: 148, verdict: "better" },
  headline: { key: "executionAccuracy", base: 0, tuned: 0.87 },
  stage: "done",
  progress: { done: 600, total: 600, etaSeconds: null },
  losses: Array.from({ length: 120 }, (_, index) => ({ step: 5 * index, loss: 1.2 * 0.97 ** index + 0.08 })),
  looks: Array.from({ length: 11 }, (_, index) => ({
    step: 60 * index,
    perplexity: 3.1 * 0.8 ** index + 1.1,
  })),
  ...{ tokensPerSecond: 5400, backend: "WASM SIMD", ownedElsewhere: false, checkpointAge: null, notes: [] },
};

/** A lab of one sample with one finished run; it keeps what it is told for as long as it lives. */
export class FakeLab implements LabStudio {
  readonly #tell: (event: StudioEvent) => void;
  #labs: LabSummary[];
  #runs: LabRunView[];
  readonly calls: string[] = [];

  constructor(tell: (event: StudioEvent) => void, { empty, running }: { empty: boolean; running: boolean }) {
    this.#tell = tell;
    this.#labs = empty ? [] : [LAB_SUMMARY];
    const live = { state: "running", stage: "training" } as const;
    const { verdict: _verdict, headline: _headline, ...bare } = FINISHED;
    const progress = { done: 240, total: 600, etaSeconds: 88 };
    this.#runs = running ? [{ ...bare, ...live, progress, checkpointAge: 4 }] : [FINISHED];
  }

  async systems(): Promise<readonly LabSystem[]> {
    return IDS.map((id) => ({ id, measures: SQL_MEASURES, canConstrain: CONSTRAINED.includes(id) }));
  }

  async list(): Promise<readonly LabSummary[]> {
    return this.#labs;
  }

  async create(name: string, system: LabTaskId): Promise<LabSummary> {
    const made = { ...LAB_SUMMARY, id: "l2", name, system, sample: false, rows: 0, runs: 0 };
    this.#labs = [made, ...this.#labs];
    this.#tell({ kind: "lab", labId: made.id });
    return made;
  }

  async openSample(): Promise<LabSummary> {
    if (this.#labs.length === 0) this.#labs = [LAB_SUMMARY];
    return LAB_SUMMARY;
  }

  async view(labId: string): Promise<LabView> {
    const summary = [...this.#labs, raditSummary(LAB_SUMMARY)].find(({ id }) => id === labId);
    if (!summary) throw new Error("This project is not in this browser.");
    const made = labId !== "l1" && labId !== RADIT.labId;
    const obstacle = made ? "There are no rows to learn from yet. Add a file." : null;
    const split = { byFile: true, sharedGroups: [], obstacle };
    const sides = made
      ? { train: { rows: 0, groups: 0 }, test: { rows: 0, groups: 0 } }
      : { train: { rows: 1000, groups: 377 }, test: { rows: 99, groups: 41 } };
    return { ...summary, files: made ? [] : FILES, split: { ...split, ...sides } };
  }

  async rename(labId: string, name: string): Promise<void> {
    this.#labs = this.#labs.map((lab) => (lab.id === labId ? { ...lab, name } : lab));
    this.#tell({ kind: "lab", labId });
  }

  async remove(labId: string): Promise<void> {
    this.#labs = this.#labs.filter(({ id }) => id !== labId);
    this.#tell({ kind: "lab", labId });
  }

  async exportProject(): Promise<ExportedFile> {
    return fileOf("sample-questions-to-sql.retune-lab.zip");
  }

  async importProject(): Promise<LabSummary> {
    return LAB_SUMMARY;
  }

  async addFile(_labId: string, side: LabFileView["side"], file: File): Promise<LabFileView> {
    this.calls.push(`addFile ${side} ${file.name}`);
    return FILES[0]!;
  }

  async removeFile(): Promise<void> {
    this.calls.push("removeFile");
  }

  async rows(...[labId, , from, count]: Parameters<LabStudio["rows"]>): Promise<readonly LabRowView[]> {
    return labId === "l1" ? Array.from({ length: count }, (_, index) => rowOf(from + index)) : [];
  }

  async estimate(): ReturnType<LabStudio["estimate"]> {
    const counted = { examples: 61, tooLong: 0, longest: 412, epochs: 3, totalTokens: 77_731 };
    return { ...counted, faults: { message_unrecognized_key: 2 } };
  }

  async distil(): Promise<string> {
    this.calls.push("distil");
    return "job-teacher";
  }

  async models(): Promise<readonly LabModelView[]> {
    return MODELS;
  }

  async addModelFolder(): Promise<LabModelView> {
    return MODELS[1]!;
  }

  readonly hub: LabStudio["hub"] = {
    lookUp: (id) =>
      Promise.resolve({
        id,
        files: [{ path: "model.safetensors", bytes: 269_000_000 }],
        totalBytes: 271_000_000,
      }),
    add: () => Promise.resolve(MODELS[1]!),
  };

  async removeModel(): Promise<void> {
    this.calls.push("removeModel");
  }

  async recommended(): Promise<LabRecipe> {
    return RECIPE;
  }

  async plan(): ReturnType<LabStudio["plan"]> {
    return {
      ...{
        backend: "CPU, WASM SIMD, 2 threads",
        steps: 600,
        rows: 1000,
        tokens: 397_000,
        learntTokens: 109_000,
      },
      ...{ trainedParameters: 74_752, totalParameters: 911_488, peakBytes: 31_000_000 },
      ...{ secondsToTrain: 96, checkpointBytes: 897_024 },
      notes: ["Row 312 is longer than the limit and was left out."],
    };
  }

  async start(): Promise<string> {
    this.calls.push("start");
    return "lr1";
  }

  async pause(): Promise<void> {
    this.#change({ state: "paused" });
  }

  async resume(): Promise<void> {
    this.#change({ state: "running" });
  }

  async stopAndKeep(): Promise<void> {
    this.#runs = [{ ...FINISHED, state: "stopped" }];
    this.#tell({ kind: "lab-run", run: this.#runs[0]! });
  }

  async discard(): Promise<void> {
    this.#runs = [];
    this.#tell({ kind: "lab", labId: "l1" });
  }

  async runs(labId: string): Promise<readonly LabRunView[]> {
    if (labId === RADIT.labId) return [raditRun(FINISHED)];
    return labId === "l1" ? this.#runs : [];
  }

  async run(): Promise<LabRunView> {
    return this.#runs[0]!;
  }

  async results(runId: string): Promise<LabResults> {
    return runId === RADIT.runId ? raditResults(RESULTS) : RESULTS;
  }

  async jobFile(): Promise<string> {
    return JSON.stringify(
      { task: "text-to-sql", model: "retune-nano-decoder", train: "train.jsonl" },
      null,
      2,
    );
  }

  async ask(...[, question, onAnswers]: Parameters<LabStudio["ask"]>): Promise<LabAnswers> {
    onAnswers({ base: { text: "SELECT name", measures: {} } });
    if (question.rowId !== undefined) return resultRow(1).answers;
    const answers = {
      base: { text: "SELECT name FROM films", measures: {} },
      tuned: { text: "SELECT COUNT(*) FROM films", measures: {} },
    };
    onAnswers(answers);
    return answers;
  }

  async record(): Promise<void> {
    this.calls.push("record");
  }

  async recordings(): ReturnType<LabStudio["recordings"]> {
    const kept = { prompt: rowOf(3).prompt, answer: rowOf(3).answer, edited: true, model: "Run 1" };
    return [{ ...kept, id: "k1", createdAt: 1_760_000_000_000 }];
  }

  async removeRecording(): Promise<void> {
    this.calls.push("removeRecording");
  }

  async exportRecordings(): Promise<ExportedFile> {
    return fileOf("recorded.jsonl");
  }

  async exports(): ReturnType<LabStudio["exports"]> {
    return [
      { format: "peft", bytes: 312_000, obstacle: null },
      { format: "merged", bytes: 3_300_000, obstacle: null },
      { format: "gguf", bytes: 310_000, obstacle: null },
      { format: "report-json", bytes: 4_200, obstacle: null },
    ];
  }

  async exportRun(...[, format]: Parameters<LabStudio["exportRun"]>): Promise<ExportedFile> {
    return fileOf(`run-1-${format}.zip`);
  }

  #change(change: Partial<LabRunView>): void {
    this.#runs = this.#runs.map((run) => ({ ...run, ...change }));
    this.#tell({ kind: "lab-run", run: this.#runs[0]! });
  }
}

function fileOf(name: string): ExportedFile {
  return { name, blob: new Blob(["{}"]), verified: "read back and compared" };
}
