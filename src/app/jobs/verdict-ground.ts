import type { Dataset } from "../../domain/data/dataset.ts";
import type { JudgedVectors } from "../../domain/eval/evaluate.ts";
import type { RunControl } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { ModelSource } from "../encoders/model-source.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import type { EncoderFacts } from "../encoders/known-encoders.ts";
import type { ProjectRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { Found } from "../studio-verdicts.ts";
import { dataHash } from "./data-hash.ts";
import { cachedVectors } from "./embed.ts";
import { projectData } from "./project-data.ts";
import type { ProjectData } from "./project-data.ts";
import type { OpenBackend } from "./train.ts";

/** What analyses around a run need. */
export interface AdvicePorts {
  readonly workspace: Workspace;
  readonly models: ModelSource;
  readonly openBackend: OpenBackend;
}

export type AdviceControl = Pick<RunControl, "signal" | "onProgress">;

/** A project with both sides and what its vectors are made by. */
export interface ProjectGround {
  readonly project: ProjectRecord;
  readonly data: ProjectData;
  readonly encoder: EncoderFacts;
  readonly dataHash: string;
}

export async function projectGround(workspace: Workspace, projectId: string): Promise<ProjectGround> {
  const project = await workspace.projects.get(projectId);
  const data = projectData(await workspace.projects.contents(projectId), project.split);
  const encoder = await encoderById(workspace, project.encoderId);
  return { project, data, encoder, dataHash: await dataHash(data) };
}

/** The vectors of one side, with the encoder's own instruction where it has one; all from the cache. */
export function sideVectors(
  workspace: Workspace,
  { encoder }: Pick<ProjectGround, "encoder">,
  dataset: Dataset,
): Promise<JudgedVectors> {
  return cachedVectors(workspace.vectors, encoder, dataset, encoder.queryInstruction);
}

export function requireQuestions({ queries }: Dataset): void {
  if (queries.length > 0) return;
  throw new RetuneError(
    "too-little-data",
    "There are no training questions yet. Import a labelled file or generate questions on the Data screen.",
  );
}

/** A kept result with whether the data have changed since. */
export async function foundValue<Value>(
  workspace: Workspace,
  projectId: string,
  kind: string,
  runId?: string,
): Promise<Found<Value> | null> {
  const found = await workspace.parts.finding(projectId, kind, runId === undefined ? {} : { runId });
  if (!found) return null;
  const { dataHash: now } = await projectGround(workspace, projectId);
  return { value: found.value as Value, stale: found.dataHash !== now };
}
