import { RetuneError } from "../../engine/errors.ts";
import { DEFAULT_ENCODER, encoderById, NANO_ENCODER } from "../encoders/known-encoders.ts";
import { instructionOf, queryInstructionOf } from "../jobs/recipe-facts.ts";
import { SAMPLE } from "../jobs/sample.ts";
import type { QueryVectors } from "../protocol/calls.ts";
import type { Canary } from "../storage/canary.ts";
import type { ProjectRecord, RunRecord } from "../storage/records.ts";
import { trainedModelId } from "../storage/run-store.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { ProjectSummary, ProjectView } from "../studio-data.ts";
import type { SearchRequest } from "../studio-playground.ts";
import type { EncoderShelf } from "./encoder-shelf.ts";
import type { Emitter } from "./emitter.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface ProjectDeskPorts {
  readonly workspace: Workspace;
  readonly workers: WorkerPool;
  readonly emitter: Emitter;
  readonly canary: Canary;
  readonly encoders: EncoderShelf;
  readonly modelReady: () => boolean; // the site's default; without it a project starts with the small one
}

const CHUNKING = { maxTokens: 200, overlapTokens: 20 } as const;
const SPLIT = { testShare: 0.25, seed: 0 } as const;

/** Projects as the page sees them. */
export class ProjectDesk {
  private readonly ports: ProjectDeskPorts;

  constructor(ports: ProjectDeskPorts) {
    this.ports = ports;
  }

  async list(): Promise<readonly ProjectSummary[]> {
    const projects = await this.ports.workspace.projects.list();
    return Promise.all(projects.map((project) => this.summary(project)));
  }

  async create(name: string, sample = false): Promise<ProjectSummary> {
    const clean = name.trim();
    if (clean === "") throw new RetuneError("usage", "A project needs a name.");
    const project = await this.ports.workspace.projects.create({
      id: crypto.randomUUID(),
      name: clean,
      sample,
      createdAt: Date.now(),
      chunking: CHUNKING,
      encoderId: (sample || this.ports.modelReady() ? DEFAULT_ENCODER : NANO_ENCODER).id, // the sample brings vectors
      split: SPLIT,
      nextRun: 1,
    });
    await this.mark();
    return this.summary(project);
  }

  async openSample(): Promise<ProjectSummary> {
    const { workspace, workers } = this.ports;
    const found = (await workspace.projects.list()).find((project) => project.sample);
    const projectId = found?.id ?? (await this.create(SAMPLE.name, true)).id;
    const sample = await workspace.projects.get(projectId);
    if ((await workspace.projects.tally(sample)).sources === 0) {
      await workers.data.call("fillSample", { projectId });
      this.changed(projectId);
    }
    return this.summary(await workspace.projects.get(projectId));
  }

  async view(projectId: string): Promise<ProjectView> {
    const project = await this.ports.workspace.projects.get(projectId);
    const { sources, split, vectors } = await this.ports.workers.data.call("facts", { projectId });
    const { chunking, encoderId } = project;
    return { ...(await this.summary(project)), sources, chunking, split, encoderId, vectors };
  }

  async summary(project: ProjectRecord): Promise<ProjectSummary> {
    const { workspace } = this.ports;
    const { passages, questions } = await workspace.projects.tally(project);
    const runs = await workspace.runs.ofProject(project.id);
    const judged = runs.filter((run) => run.mrrDelta !== undefined && run.verdict !== undefined);
    const best = judged.reduce<(typeof judged)[number] | undefined>(
      (top, run) => (top && top.mrrDelta! >= run.mrrDelta! ? top : run),
      undefined,
    );
    const { id, name, sample, createdAt } = project;
    return {
      ...{ id, name, sample, createdAt },
      ...{ passages, questions },
      runs: runs.length,
      ...(best ? { best: { runId: best.id, mrrDelta: best.mrrDelta!, verdict: best.verdict! } } : {}),
    };
  }

  /** A question's vectors: from the cache where it is a known one, else from the encoder. */
  async questionVectors(projectId: string, { text, runId }: SearchRequest): Promise<QueryVectors> {
    const { workspace } = this.ports;
    const { encoderId } = await workspace.projects.get(projectId);
    const run = runId === undefined ? undefined : await workspace.runs.get(runId);
    const tuned = run ? await this.tunedVector(projectId, run, text) : {};
    if (!run || queryInstructionOf(run.recipe) === "")
      return { plain: await this.vector(projectId, encoderId, text, ""), ...tuned };
    const instruction = instructionOf(run.recipe, await encoderById(workspace, encoderId));
    return { instruction: await this.vector(projectId, encoderId, text, instruction), ...tuned };
  }

  /** By a tuned encoder; passages that it has not embedded yet are embedded first. */
  private async tunedVector(
    projectId: string,
    { id, recipe }: RunRecord,
    text: string,
  ): Promise<{ readonly tuned?: Float32Array }> {
    if (recipe.task !== "encoder" && recipe.task !== "lora") return {};
    const { embed } = this.ports.workers;
    const encoderId = trainedModelId(id);
    const instruction = queryInstructionOf(recipe);
    await embed.call("embed", { projectId, encoderId, instruction: "" });
    return { tuned: await embed.call("encode", { encoderId, instruction, texts: [text] }) };
  }

  changed(projectId: string): void {
    this.ports.emitter.emit({ kind: "project", projectId });
    this.ports.emitter.emit({ kind: "projects" });
  }

  mark(): Promise<void> {
    return this.ports.workspace.mark(this.ports.canary);
  }

  private async vector(
    projectId: string,
    encoderId: string,
    text: string,
    instruction: string,
  ): Promise<Float32Array> {
    const { workers, encoders } = this.ports;
    const cached = await workers.data.call("queryVector", { projectId, text, instruction });
    if (cached) return cached;
    const key = encoders.keyOf(encoderId);
    const address = { encoderId, ...(key === undefined ? {} : { key }) };
    return workers.embed.call("encode", { ...address, instruction, texts: [text] });
  }
}
