import { ProjectZipWriter, readProjectZip } from "../../domain/formats/project-zip.ts";
import { readSafetensors, writeSafetensors, type WrittenTensor } from "../../domain/formats/safetensors.ts";
import { LAB_TASK_IDS } from "../../domain/lab/registry.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { Checkpoint } from "../storage/checkpoint.ts";
import type { LabFileRecord, LabRecord, LabRunRecord } from "../storage/lab-records.ts";
import type { LabResults } from "../studio-lab.ts";
import { unpackResult } from "./packed-result.ts";

// A lab project as one .zip with a manifest of hashes (formats/project-zip.ts):
//   lab.json                        the project, its recordings, what is known of its files
//   rows/<side>.txt                 its files as they came
//   runs/<number>/run.json          a judged run and its results
//   runs/<number>/state.json, weights.safetensors   what it learnt, without its base
//   runs/<number>/search/…                          the same of a retriever's half, where it has one

/** A judged run with what it learnt. */
export interface LabRunFile {
  readonly run: LabRunRecord;
  readonly results: LabResults;
  readonly kept: Checkpoint; // packed-result.ts
  readonly search: Checkpoint | null; // what its retriever learnt
}

export interface WholeLab {
  readonly lab: LabRecord;
  readonly files: readonly LabFileRecord[];
  readonly runs: readonly LabRunFile[];
}

/** Handed to `write` part by part. */
export async function writeLabProject(
  { lab, files, runs }: WholeLab,
  write: (part: Uint8Array) => void,
): Promise<void> {
  const zip = new ProjectZipWriter(write);
  const sides = files.map(({ side, name, skipBadRows }) => ({ side, name, skipBadRows }));
  await zip.add("lab.json", json({ lab, sides }));
  for (const { side, bytes } of files) await zip.add(`rows/${side}.txt`, bytes);
  for (const { run, results, kept, search } of runs) {
    const at = `runs/${run.number}`;
    await zip.add(`${at}/run.json`, json({ run, results }));
    await addKept(zip, at, kept);
    if (search) await addKept(zip, `${at}/search`, search);
  }
  zip.end();
}

async function addKept(zip: ProjectZipWriter, at: string, { tensors, ...state }: Checkpoint): Promise<void> {
  await zip.add(`${at}/state.json`, json(state));
  await zip.add(`${at}/weights.safetensors`, writeSafetensors(floats(tensors)));
}

/**
 * Reads a lab project's file; every id is made anew, so that nothing that exists is overwritten. Errors are those of
 * readProjectZip and of safetensors; E_FIELD where an entry is not what its name says.
 */
export async function readLabProject(bytes: Uint8Array, file: string): Promise<WholeLab> {
  const entries = await readProjectZip(bytes, file);
  const { lab, sides } = part<{ lab: LabRecord; sides: Omit<LabFileRecord, "labId" | "bytes">[] }>(
    entries,
    "lab.json",
    file,
  );
  if (!LAB_TASK_IDS.includes(lab.system)) throw wrong(file, `it knows no system "${String(lab.system)}"`);
  const labId = crypto.randomUUID();
  const files = sides.map((side): LabFileRecord => {
    const rows = entries.get(`rows/${side.side}.txt`);
    if (!rows) throw wrong(file, `rows/${side.side}.txt is missing`);
    return { ...side, labId, bytes: rows.slice() };
  });
  const numbers = [...entries.keys()].flatMap((path) => /^runs\/(\d+)\/run\.json$/.exec(path)?.[1] ?? []);
  const runs = numbers.map((number) => readRun(entries, `runs/${number}`, file, labId));
  return { lab: { ...lab, id: labId, sample: false }, files, runs };
}

function readRun(
  entries: ReadonlyMap<string, Uint8Array>,
  at: string,
  file: string,
  labId: string,
): LabRunFile {
  const { run, results } = part<Omit<LabRunFile, "kept">>(entries, `${at}/run.json`, file);
  const kept = readKept(entries, at, file);
  const search = entries.has(`${at}/search/state.json`) ? readKept(entries, `${at}/search`, file) : null;
  return { run: { ...run, id: crypto.randomUUID(), labId }, results, kept, search };
}

function readKept(entries: ReadonlyMap<string, Uint8Array>, at: string, file: string): Checkpoint {
  const state = part<Omit<Checkpoint, "tensors">>(entries, `${at}/state.json`, file);
  const weights = entries.get(`${at}/weights.safetensors`);
  if (!weights) throw wrong(file, `${at}/weights.safetensors is missing`);
  const { tensors } = readSafetensors(weights, `${file}/${at}/weights.safetensors`);
  const kept = { ...state, tensors };
  try {
    unpackResult(kept);
  } catch (error) {
    if (error instanceof RetuneError) throw error;
    throw wrong(file, `${at}: its state names weights that are not there`);
  }
  return kept;
}

function floats(tensors: Checkpoint["tensors"]): ReadonlyMap<string, WrittenTensor> {
  return new Map(
    [...tensors].map(([name, { shape, values }]): [string, WrittenTensor] => {
      if (values instanceof Float32Array) return [name, { shape, values }];
      throw new RetuneError("unsupported", `${name} holds whole numbers; a model's file holds floats only.`);
    }),
  );
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}

/** An entry of JSON; the manifest's hashes have been compared, so that it is what was written. */
function part<Value>(entries: ReadonlyMap<string, Uint8Array>, path: string, file: string): Value {
  const bytes = entries.get(path);
  if (!bytes)
    throw wrong(file, `${path} is missing; is it a project of the search part? Open that from Home`);
  return JSON.parse(new TextDecoder().decode(bytes)) as Value;
}

function wrong(file: string, what: string): RetuneError {
  return new RetuneError("E_FIELD", `${file}: no whole lab project: ${what}.`, { file });
}
