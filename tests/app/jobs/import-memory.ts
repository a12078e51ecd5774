import { Workspace } from "../../../src/app/storage/workspace.ts";
import { importFiles } from "../../../src/app/jobs/import.ts";
import { memoryFile } from "../../../src/app/jobs/import-inputs.ts";
import type { InputFile } from "../../../src/app/jobs/import-inputs.ts";
import type { ImportReport } from "../../../src/app/studio-data.ts";
import type { ImportChoices } from "../../../src/app/studio-import.ts";
import type { RunControl } from "../../../src/domain/ports.ts";
import { approximateTokens } from "../../../src/domain/text/chunk.ts";

export const PROJECT = "p";

/** A workspace with one empty project, over a database of its own or one that is there. */
export async function openGround(name: string = crypto.randomUUID(), fresh = true): Promise<Workspace> {
  const workspace = new Workspace({ name });
  if (!fresh) return workspace;
  await workspace.projects.create({
    id: PROJECT,
    name: "Imports",
    sample: false,
    createdAt: 0,
    chunking: { maxTokens: 200, overlapTokens: 20 },
    encoderId: "bge",
    split: { testShare: 0.25, seed: 0 },
    nextRun: 1,
  });
  return workspace;
}

export const textFile = (name: string, text: string): InputFile =>
  memoryFile(name, new TextEncoder().encode(text));

export function importInto(
  workspace: Workspace,
  files: readonly InputFile[],
  choices: ImportChoices = {},
  control: RunControl = {},
): Promise<ImportReport> {
  const chunking = { maxTokens: 200, overlapTokens: 20 };
  const settings = { projectId: PROJECT, chunking, countTokens: approximateTokens };
  return importFiles(
    workspace,
    files,
    choices,
    { ...settings, ...(choices.role ? { role: choices.role } : {}) },
    control,
  );
}
