import { RetuneError } from "../../engine/errors.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { ExportedFile } from "../studio-models.ts";
import type { SentFile } from "../protocol/sent-files.ts";
import { readLabProject, writeLabProject, type LabRunFile, type WholeLab } from "./lab-project-file.ts";
import { searchKey } from "./lab-retrieval.ts";
import { resultKey } from "./result-store.ts";

const MOST_BYTES = 1_900_000_000; // an archive that can still be read back at once

/** A lab project with its rows, kept answers and judged runs as one .zip, unpacked again and compared. */
export async function exportLabProject(workspace: Workspace, labId: string): Promise<ExportedFile> {
  const whole = await wholeLab(workspace, labId);
  const name = `${whole.lab.name.replaceAll(/[^\p{L}\p{N}]+/gu, "-").toLowerCase()}.retune-lab.zip`;
  const parts: Blob[] = [];
  await writeLabProject(whole, (bytes) => parts.push(new Blob([bytes.slice()])));
  const blob = new Blob(parts, { type: "application/zip" });
  if (blob.size > MOST_BYTES) {
    const size = `${Math.round(blob.size / 1e6)} MB`;
    throw new RetuneError(
      "E_TOO_LARGE",
      `${name} would have ${size}, more than one file holds (1900 MB). Discard runs.`,
    );
  }
  const back = await readLabProject(new Uint8Array(await blob.arrayBuffer()), name);
  if (back.files.length !== whole.files.length || back.runs.length !== whole.runs.length)
    throw new RetuneError("corrupt", `${name} reads back differently. Export again.`);
  const counted = `${whole.files.length} files and ${whole.runs.length} runs`;
  return { name, blob, verified: `${counted} unpacked again, every hash compared` };
}

/** Reads a lab project's .zip into a project of its own: all of it, or nothing. Resolves with its id. */
export async function importLabProject(workspace: Workspace, { name, blob }: SentFile): Promise<string> {
  const { lab: store, checkpoints } = workspace;
  const { lab, files, runs } = await readLabProject(new Uint8Array(await blob.arrayBuffer()), name);
  const views = new Map(lab.files.map((view) => [view.side, view]));
  await store.create({ ...lab, files: [], createdAt: Date.now() });
  try {
    for (const file of files) {
      const view = views.get(file.side);
      if (view) await store.saveFile(file, view);
    }
    for (const { run, results, kept, search } of runs) {
      await store.restoreRun(run, results);
      await checkpoints.save(resultKey(run.id), kept);
      if (search) await checkpoints.save(searchKey(run.id), search);
    }
  } catch (error) {
    await store.remove(lab.id);
    throw error;
  }
  return lab.id;
}

/** Runs that were not judged stay behind: what they need to go on is this device's. */
async function wholeLab({ lab: store, checkpoints }: Workspace, labId: string): Promise<WholeLab> {
  const lab = await store.get(labId);
  const files = await Promise.all(lab.files.map(({ side }) => store.file(labId, side)));
  const runs: LabRunFile[] = [];
  for (const run of await store.runs(labId)) {
    const saved = run.verdict === undefined ? null : await checkpoints.latest(resultKey(run.id));
    if (!saved) continue;
    const search = (await checkpoints.latest(searchKey(run.id)))?.checkpoint ?? null;
    runs.push({ run, results: await store.results(run.id), kept: saved.checkpoint, search });
  }
  return { lab, files: files.filter((file) => file !== undefined), runs };
}
