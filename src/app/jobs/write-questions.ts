import type { Generator, RunControl } from "../../domain/ports.ts";
import type { GenerationRow } from "../../domain/synth/generate.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { Workspace } from "../storage/workspace.ts";
import { generateForProject } from "./generate.ts";
import type { GenerationStore } from "./generate.ts";

export interface Writing {
  readonly perPassage: number;
  /** The generator for these passages; what it knows of them (all their terms) may depend on them. */
  readonly open: (passages: readonly string[]) => Generator;
  readonly concurrency?: number; // passages asked about at once; one for a model that runs here
}

/**
 * Writes questions into a project and answers how many there are more. Runs in whichever thread the generator lives in:
 * the database is the same.
 */
export async function writeQuestions(
  workspace: Workspace,
  projectId: string,
  { perPassage, open, concurrency }: Writing,
  control: RunControl,
): Promise<number> {
  const contents = await workspace.projects.contents(projectId);
  const generator = open(textsOf(contents));
  const store = rowsOf(workspace, projectId);
  const asked = concurrency === undefined ? control : { ...control, concurrency };
  const outcome = await generateForProject(contents, generator, perPassage, store, asked);
  await workspace.projects.replaceContents(projectId, outcome.contents);
  await workspace.saveSetting(`generation failures ${projectId}`, outcome.failed);
  return outcome.made;
}

function rowsOf(workspace: Workspace, projectId: string): GenerationStore {
  const key = `generation rows ${projectId}`;
  return {
    rows: async () => ((await workspace.setting(key)) ?? []) as readonly GenerationRow[],
    keep: (rows) => workspace.saveSetting(key, rows),
  };
}

function textsOf(contents: readonly SourceContent[]): readonly string[] {
  return contents.flatMap(({ passages }) => passages.map((passage) => passage.text));
}
