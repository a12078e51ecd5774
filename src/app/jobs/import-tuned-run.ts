import type { FolderFiles } from "../../domain/formats/adapter-folder.ts";
import { openZip } from "../../domain/formats/zip.ts";
import { PEFT_CONFIG } from "../../domain/formats/peft-folder.ts";
import { knownEncoders } from "../encoders/known-encoders.ts";
import type { ModelSource } from "../encoders/model-source.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { Recipe } from "../studio-training.ts";
import { tunedFacts } from "./embed-tuned.ts";
import { readTunedFolder } from "./import-tuned.ts";
import type { ImportedModel } from "./import-tuned.ts";
import { newRun } from "./new-run.ts";
import { shelveReranker } from "./run-cross-encoder.ts";
import { keepTrained } from "./trained-store.ts";

interface ImportPorts {
  readonly workspace: Workspace;
  readonly models: ModelSource;
}

/** Picked files by their paths inside the folder, and the folder's name; one .zip is opened. */
export function pickedPaths(picked: ReadonlyMap<string, Uint8Array>): {
  readonly name: string;
  readonly files: FolderFiles;
} {
  const files = opened(picked);
  const paths = [...files.keys()].map((path) => path.split("/"));
  const deep = paths.every((path) => path.length > 1);
  const inside = [...files].map(([path, bytes]): [string, Uint8Array] => [
    deep ? path.slice(path.indexOf("/") + 1) : path,
    bytes,
  ]);
  return { name: deep ? paths[0]![0]! : "imported", files: new Map(inside) };
}

function opened(picked: ReadonlyMap<string, Uint8Array>): FolderFiles {
  const [only] = picked;
  if (picked.size !== 1 || !only?.[0].toLowerCase().endsWith(".zip")) return picked;
  const archive = openZip(only[1], only[0]);
  const entries = [...archive.entries.values()].filter(({ name }) => !name.endsWith("/"));
  return new Map(entries.map((entry) => [entry.name, archive.extract(entry)]));
}

/** Whether a folder is PEFT's or a whole model's, and not an adapter over vectors. */
export function isTunedFolder(files: FolderFiles): boolean {
  if (files.has(PEFT_CONFIG) || files.has("modules.json")) return true;
  const config = files.get("config.json");
  return config !== undefined && new TextDecoder().decode(config).includes('"hidden_size"');
}

/** What was tuned elsewhere as a run of this project, on the shelf with what was trained here, not judged yet. */
export async function importTunedRun(
  ports: ImportPorts,
  projectId: string,
  name: string,
  files: FolderFiles,
): Promise<RunRecord> {
  const { workspace, models } = ports;
  const { encoderId } = await workspace.projects.get(projectId);
  const others = (await workspace.models()).filter(({ kind }) => kind === "cross-encoder");
  const named = [...(await knownEncoders(workspace)), ...others];
  const read = await readTunedFolder(files, name, { models, named, encoderId });
  const { recipe } = read;
  const started = recipe.task === "cross-encoder" ? encoderId : (recipe.base ?? encoderId);
  const record = await workspace.runs.create(importedRun(projectId, started, recipe));
  try {
    return await kept(ports, record, read);
  } catch (error) {
    await workspace.runs.remove(record.id);
    throw error;
  }
}

async function kept(ports: ImportPorts, run: RunRecord, read: ImportedModel): Promise<RunRecord> {
  const { checkpoints, runs } = ports.workspace;
  if (read.kind === "re-ranker") {
    await keepTrained(checkpoints, run.id, read.recipe.task, read.kept, "imported");
    await shelveReranker(ports.workspace, run.id, read.kept.model);
    return run;
  }
  await keepTrained(checkpoints, run.id, read.recipe.task, read.kept, "imported");
  await tunedFacts(ports, run);
  return runs.update(run.id, { notes: read.kept.notes });
}

/** A run that was trained elsewhere. */
export function importedRun(projectId: string, encoderId: string, recipe: Recipe): Omit<RunRecord, "number"> {
  return { ...newRun(projectId, encoderId, recipe, ""), imported: true, state: "finished", stage: "done" };
}
