import { readAdapterSafetensors, writeAdapterSafetensors } from "../../domain/formats/adapter-folder.ts";
import { readProjectZip, writeProjectZip } from "../../domain/formats/project-zip.ts";
import type { EvaluationReport } from "../../domain/eval/report.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { ProjectRecord, RunRecord, StoredQuestion } from "../storage/records.ts";
import type { KeptAdapter } from "./result-store.ts";

/** A project with everything a person made in it; vectors are left out, they can be made again. */
export interface WholeProject {
  readonly project: ProjectRecord;
  readonly contents: readonly SourceContent[];
  readonly runs: readonly FinishedRun[];
}

export interface FinishedRun {
  readonly run: RunRecord;
  readonly report: EvaluationReport | null;
  readonly kept: KeptAdapter;
}

/** The project as one .zip with a manifest of hashes. The same project gives the same bytes. */
export async function writeProject({ project, contents, runs }: WholeProject): Promise<Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const { tally: _tally, revision: _revision, ...lasting } = project;
  files.set("project.json", json(lasting));
  for (const [index, { source, ...rows }] of contents.entries()) {
    const { rowsIn: _rows, textIn: _text, importId: _import, ...record } = source;
    files.set(`sources/${index + 1}.json`, json({ source: record, ...rows }));
  }
  for (const { run, report, kept } of runs) {
    const { config: _config, weights: _weights, ...rest } = kept;
    files.set(`runs/${run.number}/run.json`, json({ run, report, kept: rest }));
    files.set(`runs/${run.number}/adapter.safetensors`, writeAdapterSafetensors(kept));
  }
  return writeProjectZip(files);
}

/**
 * Reads a project file; every id is made anew, so that nothing that exists is overwritten. Errors are those of
 * readProjectZip and of the adapter reader; E_FIELD where an entry is not what its name says.
 */
export async function readProject(bytes: Uint8Array, file: string): Promise<WholeProject> {
  const files = await readProjectZip(bytes, file);
  const project = part<ProjectRecord>(files, "project.json", file, [
    "name",
    "chunking",
    "encoderId",
    "split",
  ]);
  const projectId = crypto.randomUUID();
  const contents: SourceContent[] = [];
  for (let index = 1; files.has(`sources/${index}.json`); index++) {
    const path = `sources/${index}.json`;
    const content = part<SourceContent>(files, path, file, ["source", "passages", "questions"]);
    checkRows(content, `${file}/${path}`);
    const source = { ...content.source, id: crypto.randomUUID(), projectId };
    contents.push({ ...content, source });
  }
  const numbers = [...files.keys()].flatMap((name) => /^runs\/(\d+)\/run\.json$/.exec(name)?.[1] ?? []);
  const runs = numbers.map((number): FinishedRun => {
    const stored = part<FinishedRun>(files, `runs/${number}/run.json`, file, ["run", "kept"]);
    const weights = files.get(`runs/${number}/adapter.safetensors`);
    if (!weights) throw wrong(file, `runs/${number} has no adapter.safetensors`);
    const adapter = readAdapterSafetensors(weights, `${file}/runs/${number}/adapter.safetensors`);
    const kept = { ...stored.kept, config: adapter.config, weights: adapter.weights };
    return { run: { ...stored.run, id: crypto.randomUUID(), projectId }, report: stored.report, kept };
  });
  return { project: { ...project, id: projectId, sample: false }, contents, runs };
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
function checkRows({ passages, questions }: SourceContent, place: string): void {
  const known = new Set(passages.map((passage) => passage.id));
  if (known.size !== passages.length) throw wrong(place, "two passages have one id");
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
