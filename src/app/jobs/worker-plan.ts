import type { Backend } from "../../engine/backend.ts";
import type { ModelSource } from "../encoders/model-source.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { RunPlan } from "../studio-training.ts";

export interface PlanPorts {
  readonly workspace: Workspace;
  readonly models: ModelSource;
  readonly openBackend: () => Promise<Backend>;
}

/** All of a plan but what the page knows itself: how many texts of the base are missing, how much may be stored. */
export type WorkerPlan = Omit<RunPlan, "textsToEmbed" | "storage"> & {
  readonly storage: Omit<RunPlan["storage"], "freeBytes">;
};

const BYTES = 4; // of a weight
const CHECKPOINT_PARTS = 4; // weights, two moments, the best weights

/** Of one checkpoint of a run that trains so many weights. */
export function checkpointBytes(trained: number): number {
  return CHECKPOINT_PARTS * BYTES * trained;
}
