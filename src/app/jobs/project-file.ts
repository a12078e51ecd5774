import { readAdapterSafetensors, writeAdapterSafetensors } from "../../domain/formats/adapter-folder.ts";
import { ProjectZipWriter, readProjectZip } from "../../domain/formats/project-zip.ts";
import type { EvaluationReport } from "../../domain/eval/report.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { PairsRecord, RouterRecord, RungRecord } from "../storage/records.ts";
import type { ProjectRecord, RunRecord, StoredQuestion } from "../storage/records.ts";
import { trainedModelId } from "../storage/run-store.ts";
import { readTunedRun, tunedRunFiles } from "./project-tuned.ts";
import type { TunedRun } from "./project-tuned.ts";
import type { KeptAdapter } from "./result-store.ts";
import { rungKey } from "./ladder.ts";

/** A project with everything a person made in it; vectors are left out, they can be made again. */
export interface WholeProject extends ProjectExtras {
  readonly project: ProjectRecord;
  readonly contents: readonly SourceContent[];
  readonly runs: readonly FinishedRun[]; // adapters
}

/** What a project has besides files and runs. */
export interface ProjectExtras {
  readonly router?: RouterRecord;
  readonly pairs?: PairsRecord;
  readonly rungs: readonly RungRecord[];
}

export interface FinishedRun {
  readonly run: RunRecord;
  readonly report: EvaluationReport | null;
  readonly kept: KeptAdapter;
}

/**
 * The project as one .zip with a manifest of hashes, handed to `write` part by part: `tuned` gives one trained model after
 * the other, so that no two of them lie in memory together. The same project gives the same bytes.
 */
export async function writeProject(
  { project, contents, runs, router, pairs, rungs }: WholeProject,
  tuned: AsyncIterable<TunedRun>,
  write: (part: Uint8Array) => void,
): Promise<void> {
  const zip = new ProjectZipWriter(write);
  await zip.add("project.json", json(project));
  for (const [index, content] of contents.entries()) {
    await zip.add(`sources/${index + 1}.json`, json(content));
  }
  if (router) await zip.add("router.json", json(router));
  if (pairs) await zip.add("pairs.json", json(pairs));
  if (rungs.length > 0) await zip.add("ladder.json", json({ rungs }));
  for (const { run, report, kept } of runs) {
    const { config: _config, weights: _weights, ...rest } = kept;
    await zip.add(`runs/${run.number}/run.json`, json({ run, report, kept: rest }));
    await zip.add(`runs/${run.number}/adapter.safetensors`, writeAdapterSafetensors(kept));
  }
  for await (const each of tuned) {
    for (const [name, bytes] of tunedRunFiles(each)) {
      await zip.add(`tuned/${each.run.number}/${name}`, bytes);
    }
  }
  zip.end();
}

/** A project that was read, its trained models still packed: each is unpacked when it is asked for. */
export interface ReadProject extends WholeProject {
  readonly tuned: readonly PackedRun[];
}

export interface PackedRun {
  readonly run: RunRecord;
  readonly unpack: () => TunedRun;
}

/**
 * Reads a project file; every id is made anew, so that nothing that exists is overwritten. Errors are those of
 * readProjectZip and of the adapter reader; E_FIELD where an entry is not what its name says.
 */
export async function readProject(bytes: Uint8Array, file: string): Promise<ReadProject> {
  const files = await readProjectZip(bytes, file);
  if (files.has("lab.json"))
    throw new RetuneError("E_FIELD", `${file}: a project of the language models' lab. Open it there.`, {
      file,
    });
  const project = part<ProjectRecord>(files, "project.json", file, [
    "name",
    "chunking",
    "encoderId",
    "split",
  ]);
  const ids = new NewIds();
  const runs = numbersIn(files, "runs").map((number): FinishedRun => {
    const stored = part<FinishedRun>(files, `runs/${number}/run.json`, file, ["run", "kept"]);
    const weights = files.get(`runs/${number}/adapter.safetensors`);
    if (!weights) throw wrong(file, `runs/${number} has no adapter.safetensors`);
    const adapter = readAdapterSafetensors(weights, `${file}/runs/${number}/adapter.safetensors`);
    const kept = { ...stored.kept, config: adapter.config, weights: adapter.weights };
    return { run: ids.ofRun(stored.run), report: stored.report, kept };
  });
  const packed = numbersIn(files, "tuned").map((number) => {
    const at = `tuned/${number}`;
    const stored = part<TunedRun>(files, `${at}/run.json`, file, ["run", "results"]);
    return { at, run: ids.ofRun(stored.run), stored };
  });
  const tuned = packed.map(({ at, run: numbered, stored }): PackedRun => {
    const run = ids.renamed(numbered);
    const named = (name: string): Uint8Array | undefined => files.get(`${at}/${name}`);
    return { run, unpack: () => onShelf(readTunedRun({ ...stored, run }, named, `${file}/${at}`)) };
  });
  const encoderId = ids.model(project.encoderId);
  return {
    project: { ...project, id: ids.projectId, sample: false, encoderId },
    contents: readContents(files, file, ids.projectId),
    runs: runs.map(({ run, ...rest }) => ({ ...rest, run: ids.renamed(run) })),
    ...readExtras(files, file, ids),
    tuned,
  };
}

/** A run's model under the run's new id. */
function onShelf({ encoder, model, ...rest }: TunedRun): TunedRun {
  const { id: runId } = rest.run;
  const shelf = { id: trainedModelId(runId), runId };
  return {
    ...rest,
    ...(encoder ? { encoder: { ...encoder, ...shelf } } : {}),
    ...(model ? { model: { ...model, ...shelf } } : {}),
  };
}

/** Ids of a read project: new ones, the same everywhere for what had one id before. */
class NewIds {
  readonly projectId = crypto.randomUUID() as string;
  private readonly runs = new Map<string, string>();

  ofRun(run: RunRecord): RunRecord {
    const id = crypto.randomUUID();
    this.runs.set(run.id, id);
    return { ...run, id, projectId: this.projectId };
  }

  run(id: string): string | undefined {
    return this.runs.get(id);
  }

  /** A model that was trained in this project by its new id; any other as it is. */
  model(id: string): string {
    for (const [old, fresh] of this.runs) if (trainedModelId(old) === id) return trainedModelId(fresh);
    return id;
  }

  /** A run with the models that it names. */
  renamed(run: RunRecord): RunRecord {
    const { recipe } = run;
    const based = "base" in recipe && recipe.base !== undefined;
    return {
      ...run,
      encoderId: this.model(run.encoderId),
      recipe: based ? { ...recipe, base: this.model(recipe.base) } : recipe,
    };
  }
}

function readContents(files: ReadonlyMap<string, Uint8Array>, file: string, projectId: string) {
  const contents: SourceContent[] = [];
  for (let index = 1; files.has(`sources/${index}.json`); index++) {
    const path = `sources/${index}.json`;
    const content = part<SourceContent>(files, path, file, ["source", "passages", "questions"]);
    // Where its rows and its text lay in the database that it came from means nothing here.
    const { rowsIn: _rows, textIn: _text, importId: _import, ...kept } = content.source;
    contents.push({ ...content, source: { ...kept, id: crypto.randomUUID(), projectId } });
  }
  const known = new Set(contents.flatMap(({ passages }) => passages.map(({ id }) => id)));
  for (const [index, content] of contents.entries()) {
    checkRows(content, known, `${file}/sources/${index + 1}.json`);
  }
  return contents;
}

function readExtras(files: ReadonlyMap<string, Uint8Array>, file: string, ids: NewIds): ProjectExtras {
  const { projectId } = ids;
  const optional = <Value>(path: string, fields: readonly (keyof Value & string)[]): Value | undefined =>
    files.has(path) ? part<Value>(files, path, file, fields) : undefined;
  const router = optional<RouterRecord>("router.json", ["dataset", "split"]);
  const pairs = optional<PairsRecord>("pairs.json", ["rows", "name"]);
  const rungs = optional<Pick<ProjectExtras, "rungs">>("ladder.json", ["rungs"])?.rungs ?? [];
  return {
    ...(router ? { router: { ...router, projectId } } : {}),
    ...(pairs ? { pairs: { ...pairs, projectId } } : {}),
    rungs: rungs.map(({ runId, ...rung }) => {
      const run = runId === undefined ? undefined : ids.run(runId);
      const place = { projectId, key: rungKey(projectId, rung.rung), encoderId: ids.model(rung.encoderId) };
      return { ...rung, ...place, ...(run === undefined ? {} : { runId: run }) };
    }),
  };
}

function numbersIn(files: ReadonlyMap<string, Uint8Array>, folder: string): readonly string[] {
  const pattern = new RegExp(`^${folder}/(\\d+)/run\\.json$`);
  return [...files.keys()].flatMap((name) => pattern.exec(name)?.[1] ?? []);
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}

function part<Value>(
  files: ReadonlyMap<string, Uint8Array>,
  path: string,
  file: string,
  fields: readonly (keyof Value & string)[],
): Value {
  const bytes = files.get(path);
  if (!bytes) throw wrong(file, `${path} is missing`);
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (typeof value !== "object" || value === null) throw wrong(file, `${path} holds no object`);
  const missing = fields.find((field) => !Object.hasOwn(value, field));
  if (missing !== undefined) throw wrong(file, `${path} lacks ${missing}`);
  return value as Value;
}

/** Rows whose ids and references hold together, as every importer promises. */
function checkRows(
  { passages, questions }: SourceContent,
  known: ReadonlySet<string>, // passages of all files: a near-copy in another one may be right too
  place: string,
): void {
  if (new Set(passages.map(({ id }) => id)).size !== passages.length)
    throw wrong(place, "two passages have one id");
  for (const question of questions as readonly Partial<StoredQuestion>[]) {
    const relevant: unknown = question.relevant;
    if (typeof question.text !== "string" || !Array.isArray(relevant) || relevant.length === 0) {
      throw wrong(place, `question ${question.id ?? "?"} lacks its text or its passages`);
    }
    const lost = question.relevant!.find((row) => !known.has(row.passage))?.passage;
    if (lost === undefined) continue;
    throw new RetuneError(
      "E_REFERENCE",
      `${place}: question ${question.id ?? "?"} names ${lost}, which is not there`,
    );
  }
}

function wrong(file: string, what: string): RetuneError {
  return new RetuneError("E_FIELD", `${file}: ${what}. Export the project again.`, { file });
}
