import type { LabTaskId } from "../../domain/lab/lab-task.ts";
import type { RunControl } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { KeptAs } from "../encoders/keep-decoder.ts";
import { labDataHash } from "../jobs/lab-data-hash.ts";
import { labJobFile } from "../jobs/lab-job-file.ts";
import { chatLinesOf } from "../jobs/lab-recordings.ts";
import type { LabEvent } from "../protocol/lab-calls.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { BackendChoice } from "../studio.ts";
import type * as lab from "../studio-lab.ts";
import type { ExportedFile } from "../studio-models.ts";
import type { Emitter } from "./emitter.ts";
import { asFile, sent } from "./files.ts";
import { LabHub } from "./lab-hub.ts";
import { newLabRun, SAMPLE_NAMES, summaryOf } from "./lab-made.ts";
import { labJobOf, LabRuns } from "./lab-runs.ts";
import { startTeaching, type LabTeachingPorts } from "./lab-teaching.ts";
import type { RunLocks } from "./run-locks.ts";

export interface LabDeskPorts extends LabTeachingPorts {
  readonly workspace: Workspace;
  readonly emitter: Emitter;
  readonly locks: RunLocks;
  readonly choice: () => BackendChoice;
}

/** The LLM lab of this page: each method is a verb; what it takes to do it lies in the lab's worker. */
export class LabDesk implements lab.LabStudio {
  readonly owner: LabRuns;
  readonly hub: LabHub;
  private readonly ports: LabDeskPorts;
  private readonly listening = new Map<string, (answers: lab.LabAnswers) => void>();

  constructor(ports: LabDeskPorts) {
    this.ports = ports;
    this.hub = new LabHub(ports);
    const { workspace, workers, locks, choice } = ports;
    this.owner = new LabRuns({ workspace, workers, locks, choice, tell: (run) => this.tell(run) });
  }

  systems(): Promise<readonly lab.LabSystem[]> {
    return this.ports.workers.lab.call("systems", null);
  }

  async list(): Promise<readonly lab.LabSummary[]> {
    const { lab: store } = this.ports.workspace;
    const runs = await store.runs();
    return (await store.list()).map((each) =>
      summaryOf(each, runs.filter(({ labId }) => labId === each.id).length),
    );
  }

  async create(name: string, system: LabTaskId, sample = false): Promise<lab.LabSummary> {
    const record = await this.ports.workspace.lab.create({
      ...{ id: crypto.randomUUID(), name: name.trim(), system, sample, createdAt: Date.now() },
      ...{ nextRun: 1, files: [], recordings: [] },
    });
    this.changed(record.id);
    return summaryOf(record, 0);
  }

  async openSample(system: LabTaskId): Promise<lab.LabSummary> {
    const known = (await this.list()).find((each) => each.sample && each.system === system);
    if (known) return known;
    const made = await this.create(SAMPLE_NAMES[system], system, true);
    try {
      await this.ports.workers.lab.call("fillSample", { labId: made.id, system });
    } catch (error) {
      await this.remove(made.id);
      throw error;
    }
    this.changed(made.id);
    return summaryOf(await this.ports.workspace.lab.get(made.id), 0);
  }

  async view(labId: string): Promise<lab.LabView> {
    const { workspace, workers } = this.ports;
    const record = await workspace.lab.get(labId);
    const split = await workers.lab.call("split", { labId });
    return { ...summaryOf(record, (await workspace.lab.runs(labId)).length), files: record.files, split };
  }

  async rename(labId: string, name: string): Promise<void> {
    await this.ports.workspace.lab.change(labId, (record) => ({ ...record, name: name.trim() }));
    this.changed(labId);
  }

  async remove(labId: string): Promise<void> {
    for (const run of await this.ports.workspace.lab.runs(labId)) await this.forget(run.id);
    await this.ports.workspace.lab.remove(labId);
    this.changed(labId);
  }

  exportProject(labId: string): Promise<ExportedFile> {
    return this.ports.workers.lab.call("exportProject", { labId });
  }

  async importProject(file: File): Promise<lab.LabSummary> {
    const { workspace, workers } = this.ports;
    const labId = await workers.lab.call("importProject", { file: sent(file) });
    this.changed(labId);
    return summaryOf(await workspace.lab.get(labId), (await workspace.lab.runs(labId)).length);
  }

  async addFile(
    labId: string,
    side: lab.LabSide,
    file: File,
    { skipBadRows = false }: { readonly skipBadRows?: boolean } = {},
  ): Promise<lab.LabFileView> {
    const view = await this.ports.workers.lab.call("readFile", {
      labId,
      side,
      file: sent(file),
      skipBadRows,
    });
    this.changed(labId);
    return view;
  }

  async removeFile(labId: string, side: lab.LabSide): Promise<void> {
    await this.ports.workspace.lab.removeFile(labId, side);
    this.changed(labId);
  }

  rows(
    labId: string,
    side: "train" | "test",
    from: number,
    count: number,
  ): Promise<readonly lab.LabRowView[]> {
    return this.ports.workers.lab.call("rows", { labId, side, from, count });
  }

  estimate(labId: string): Promise<lab.LabEstimate> {
    return this.ports.workers.lab.call("estimate", { labId });
  }

  distil(labId: string, teaching: lab.LabTeaching): Promise<string> {
    return startTeaching(this.ports, labId, teaching, () => this.changed(labId));
  }

  models(): Promise<readonly lab.LabModelView[]> {
    return this.ports.workers.lab.call("models", null);
  }

  addModelFolder(
    files: readonly File[],
    control: RunControl = {},
    keptAs: KeptAs = "files",
  ): Promise<lab.LabModelView> {
    return this.ports.workers.lab.call("addModel", { files: files.map(sent), keptAs }, control);
  }

  async removeModel(id: string): Promise<void> {
    await this.ports.workers.lab.call("removeModel", { id });
  }

  recommended(labId: string, base?: string): Promise<lab.LabRecipe> {
    return this.ports.workers.lab.call("recommended", { labId, ...(base === undefined ? {} : { base }) });
  }

  plan(labId: string, recipe: lab.LabRecipe, control: RunControl = {}): Promise<lab.LabPlan> {
    return this.ports.workers.lab.call("plan", { labId, recipe, choice: this.ports.choice() }, control);
  }

  async start(labId: string, recipe: lab.LabRecipe): Promise<string> {
    const { workspace } = this.ports;
    const { obstacle } = (await this.view(labId)).split;
    if (obstacle !== null) throw new RetuneError("too-little-data", obstacle);
    const dataHash = await labDataHash(workspace.lab, labId);
    const run = await workspace.lab.createRun({ ...newLabRun(labId, recipe), dataHash });
    await this.owner.begin(run);
    this.changed(labId);
    return run.id;
  }

  pause(runId: string): Promise<void> {
    return this.owner.pause(runId);
  }

  resume(runId: string): Promise<void> {
    return this.owner.resume(runId);
  }

  stopAndKeep(runId: string): Promise<void> {
    return this.owner.stopAndKeep(runId);
  }

  async discard(runId: string): Promise<void> {
    const { labId } = await this.ports.workspace.lab.run(runId);
    await this.forget(runId);
    this.changed(labId);
  }

  async runs(labId: string): Promise<readonly lab.LabRunSummary[]> {
    return [...(await this.ports.workspace.lab.runs(labId))].reverse();
  }

  run(runId: string): Promise<lab.LabRunView> {
    return this.owner.view(runId);
  }

  results(runId: string): Promise<lab.LabResults> {
    return this.ports.workspace.lab.results(runId);
  }

  async jobFile(runId: string): Promise<string> {
    const { workspace } = this.ports;
    const run = await workspace.lab.run(runId);
    const record = await workspace.lab.get(run.labId);
    const model = (await this.models()).find(({ id }) => id === run.recipe.base);
    return labJobFile(record, run.recipe, model?.name ?? run.recipe.base);
  }

  async ask(
    labId: string,
    question: lab.LabQuestion,
    onAnswers: (answers: lab.LabAnswers) => void,
    control: RunControl = {},
  ): Promise<lab.LabAnswers> {
    const askId = crypto.randomUUID();
    this.listening.set(askId, onAnswers);
    try {
      const choice = this.ports.choice();
      return await this.ports.workers.lab.call("ask", { labId, askId, question, choice }, control);
    } finally {
      this.listening.delete(askId);
    }
  }

  async record(labId: string, recording: Omit<lab.LabRecording, "id" | "createdAt">): Promise<void> {
    const made = { ...recording, id: crypto.randomUUID(), createdAt: Date.now() };
    await this.ports.workspace.lab.change(labId, (known) => ({
      ...known,
      recordings: [...known.recordings, made],
    }));
    this.changed(labId);
  }

  async recordings(labId: string): Promise<readonly lab.LabRecording[]> {
    return (await this.ports.workspace.lab.get(labId)).recordings;
  }

  async removeRecording(labId: string, id: string): Promise<void> {
    await this.ports.workspace.lab.change(labId, (known) => ({
      ...known,
      recordings: known.recordings.filter((each) => each.id !== id),
    }));
    this.changed(labId);
  }

  async exportRecordings(labId: string): Promise<ExportedFile> {
    const { name, recordings } = await this.ports.workspace.lab.get(labId);
    return asFile(chatLinesOf(name, recordings));
  }

  exports(runId: string): Promise<readonly lab.LabExportOffer[]> {
    return this.ports.workers.lab.call("exports", { runId });
  }

  exportRun(runId: string, format: lab.LabExportFormat): Promise<ExportedFile> {
    return this.ports.workers.lab.call("exportRun", { runId, format });
  }

  hear(event: LabEvent): void {
    if (event.kind === "lab-run") this.owner.hear(event);
    else this.listening.get(event.askId)?.(event.answers);
  }

  private tell(run: lab.LabRunView): void {
    this.ports.emitter.emit({ kind: "lab-run", run });
    this.ports.emitter.emit({ kind: "job", job: labJobOf(run) });
    if (run.state !== "running") this.changed(run.labId);
  }

  /** What was shown of its work ends with the run. */
  private async forget(runId: string): Promise<void> {
    const run = await this.owner.view(runId);
    await this.owner.discard(runId);
    this.ports.emitter.emit({ kind: "job", job: { ...labJobOf(run), state: "cancelled" } });
  }

  private changed(labId: string): void {
    this.ports.emitter.emit({ kind: "lab", labId });
  }
}
