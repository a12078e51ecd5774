import { DEFAULT_ENCODER, knownEncoders } from "../encoders/known-encoders.ts";
import { sha256 } from "../../domain/data/hash.ts";
import { RetuneError } from "../../engine/errors.ts";
import { readProject, writeProject } from "../jobs/project-file.ts";
import type { ReadProject, WholeProject } from "../jobs/project-file.ts";
import type { TunedRun } from "../jobs/project-tuned.ts";
import { findResult, keepResult, resultKey } from "../jobs/result-store.ts";
import type { DataMethods } from "../protocol/calls.ts";
import type { Checkpoint } from "../storage/checkpoint.ts";
import type { RunRecord } from "../storage/records.ts";
import { trainedModelId } from "../storage/run-store.ts";
import { bytesOf, fileName } from "./data-service.ts";
import type { DataService } from "./data-service.ts";

type Of<Name extends keyof DataMethods> = DataMethods[Name]["params"];

const MOST_BYTES = 1_900_000_000; // an archive that can still be read back at once

/** A whole project as one file, and back: another part of the data worker. */
export class ProjectFileService {
  private readonly data: DataService;

  constructor(data: DataService) {
    this.data = data;
  }

  /** What a project's trained models would add to its file. */
  async weigh({ projectId }: Of<"weighProject">): Promise<DataMethods["weighProject"]["result"]> {
    const { runs, checkpoints } = this.data.workspace;
    const tuned = (await runs.ofProject(projectId)).filter(isTuned);
    const sizes = await Promise.all(tuned.map(({ id }) => checkpoints.size(resultKey(id))));
    const there = sizes.filter((bytes) => bytes !== null);
    return { models: there.length, modelBytes: there.reduce((sum, bytes) => sum + bytes, 0) };
  }

  /** Written part by part into a Blob, which the browser may keep on disk; then unpacked again and compared. */
  async exportProject({
    projectId,
    models,
  }: Of<"exportProject">): Promise<DataMethods["exportProject"]["result"]> {
    const { modelBytes } = models ? await this.weigh({ projectId }) : { modelBytes: 0 };
    if (modelBytes > MOST_BYTES) {
      const text = `The trained models weigh ${Math.round(modelBytes / 1e6)} MB, more than one file holds (1900 MB).`;
      throw new RetuneError(
        "E_TOO_LARGE",
        `${text} Export the project without them, and the runs one by one.`,
      );
    }
    const whole = await this.wholeProject(projectId);
    const name = `${fileName(whole.project.name)}.retune.zip`;
    const { blob, digests } = await packed(whole, models ? this.tunedRuns(projectId) : nothing());
    const back = await readProject(new Uint8Array(await blob.arrayBuffer()), name);
    const again = await digestsOf(back.tuned);
    if (back.runs.length !== whole.runs.length || back.contents.length !== whole.contents.length) {
      throw different(name);
    }
    if (again.join() !== digests.join()) throw different(name);
    const counted = `${whole.contents.length} files and ${whole.runs.length + digests.length} runs`;
    return { name, blob, verified: `${counted} unpacked again, every hash compared` };
  }

  async importProject({ file }: Of<"importProject">): Promise<string> {
    const { workspace } = this.data;
    const read = await readProject(await bytesOf(file), file.name);
    const { project, contents, tuned } = read;
    // Each is unpacked once before anything is written: all of it, or nothing.
    const own = tuned.map(({ unpack }) => unpack().encoder?.id);
    const known = (await knownEncoders(workspace)).map(({ id }) => id);
    const encoderId = [...known, ...own].includes(project.encoderId) ? project.encoderId : DEFAULT_ENCODER.id;
    await workspace.projects.create({ ...project, encoderId, createdAt: Date.now(), nextRun: 1 }, contents);
    try {
      await this.keepParts(read);
      await this.keepRuns(read);
    } catch (error) {
      await workspace.projects.remove(project.id);
      throw error;
    }
    return project.id;
  }

  private async wholeProject(projectId: string): Promise<WholeProject> {
    const { workspace } = this.data;
    const { projects, parts } = workspace;
    const [router, pairs] = [await parts.router(projectId), await parts.pairs(projectId)];
    const runs = [];
    for (const run of await workspace.runs.ofProject(projectId)) {
      const kept = isTuned(run) ? null : await findResult(workspace.checkpoints, run.id);
      if (!kept) continue;
      const results = await this.resultsOf(run);
      runs.push({ run, report: results?.kind === "retrieval" ? results.report : null, kept });
    }
    return {
      project: await projects.get(projectId),
      contents: await projects.contents(projectId, { texts: true }),
      rungs: await parts.rungs(projectId),
      ...(router ? { router } : {}),
      ...(pairs ? { pairs } : {}),
      runs,
    };
  }

  private async *tunedRuns(projectId: string): AsyncGenerator<TunedRun> {
    const { workspace } = this.data;
    const encoders = new Map((await workspace.encoders()).map((encoder) => [encoder.id, encoder]));
    for (const run of await workspace.runs.ofProject(projectId)) {
      const saved = isTuned(run) ? await workspace.checkpoints.latest(resultKey(run.id)) : null;
      if (!saved) continue;
      const id = trainedModelId(run.id);
      const [encoder, model] = [encoders.get(id), await workspace.model(id)];
      yield {
        ...{ run, results: await this.resultsOf(run), kept: saved.checkpoint },
        ...(encoder ? { encoder } : {}),
        ...(model ? { model } : {}),
      };
    }
  }

  private resultsOf({ id }: RunRecord) {
    return this.data.workspace.runs.results(id).catch(() => null); // it was not judged to its end
  }

  private async keepParts({ router, pairs, rungs }: ReadProject): Promise<void> {
    const { parts } = this.data.workspace;
    if (router) await parts.changeRouter(router.projectId, () => router);
    if (pairs) await parts.savePairs(pairs);
    for (const rung of rungs) await parts.saveRung(rung);
  }

  /** Adapters and tuned runs under the numbers they had. */
  private async keepRuns({ project, runs, tuned }: ReadProject): Promise<void> {
    const { workspace } = this.data;
    const adapters = runs.map(({ run, report, kept }) => ({
      number: run.number,
      keep: async () => {
        await workspace.runs.create(run);
        await keepResult(workspace.checkpoints, run.id, kept, run.build);
        if (report) await workspace.runs.finish(run.id, { kind: "retrieval", report }, {});
      },
    }));
    const models = tuned.map(({ run, unpack }) => ({
      number: run.number,
      keep: () => this.keepTuned(unpack()),
    }));
    for (const { number, keep } of [...adapters, ...models].sort((a, b) => a.number - b.number)) {
      await workspace.projects.update(project.id, (record) => ({ ...record, nextRun: number }));
      await keep();
    }
  }

  private async keepTuned({ run, results, kept, encoder, model }: TunedRun): Promise<void> {
    const { workspace } = this.data;
    await workspace.runs.create(run);
    await workspace.checkpoints.save(resultKey(run.id), kept);
    if (encoder) await workspace.saveEncoder(encoder);
    if (model) await workspace.saveModel(model);
    if (results) await workspace.runs.finish(run.id, results, {});
  }
}

function isTuned({ recipe }: RunRecord): boolean {
  return recipe.task !== "adapter";
}

async function* nothing(): AsyncGenerator<TunedRun> {
  // without the trained models
}

/** The file as a Blob, to which every trained model is handed over before the next one is read. */
async function packed(
  whole: WholeProject,
  tuned: AsyncIterable<TunedRun>,
): Promise<{ readonly blob: Blob; readonly digests: readonly string[] }> {
  const type = "application/zip";
  const digests: string[] = [];
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let blob = new Blob([], { type });
  const flush = (): void => void (blob = new Blob([blob, ...parts.splice(0)], { type }));
  const each = async function* (): AsyncGenerator<TunedRun> {
    for await (const run of tuned) {
      yield run;
      digests.push(await digestOf(run.kept));
      flush();
    }
  };
  await writeProject(whole, each(), (part) => void parts.push(part as Uint8Array<ArrayBuffer>));
  flush();
  return { blob, digests };
}

async function digestsOf(runs: ReadProject["tuned"]): Promise<readonly string[]> {
  const digests: string[] = [];
  for (const { unpack } of runs) digests.push(await digestOf(unpack().kept));
  return digests;
}

/** Over all that a trained model consists of. */
async function digestOf({ config, state, tensors }: Checkpoint): Promise<string> {
  const parts = [config, state];
  for (const [name, { values }] of tensors) {
    const bytes = new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
    parts.push(name, await sha256(bytes));
  }
  return sha256(JSON.stringify(parts));
}

function different(name: string): RetuneError {
  return new RetuneError("corrupt", `${name} reads back differently than it was written; export again.`);
}
