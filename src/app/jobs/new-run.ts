import type { RunRecord } from "../storage/records.ts";

/** A run before its first step. */
export function newRun(
  projectId: string,
  encoderId: string,
  recipe: RunRecord["recipe"],
  hash: string,
): Omit<RunRecord, "number"> {
  return {
    id: crypto.randomUUID(),
    projectId,
    state: "running",
    stage: "embedding",
    recipe,
    encoderId,
    imported: false,
    startedAt: Date.now(),
    seconds: 0,
    progress: { done: 0, total: 0 },
    curve: [],
    losses: [],
    validation: [],
    probes: [],
    backend: "",
    build: "",
    bufferBytes: 0,
    dataHash: hash,
    notes: [],
  };
}
