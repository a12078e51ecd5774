import type { ExportedFile } from "../../app/studio-models.ts";
import { DEFAULT_DIMENSION, defaultSettings } from "../recipe.ts";
import { href } from "../router.ts";
import type { StudioState } from "./studio.svelte.ts";

/** Hands a file to the person. */
export function download(file: ExportedFile): void {
  const address = URL.createObjectURL(file.blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** The page of a run that leads on to its results when it ends. */
export function runAddress(projectId: string, runId: string): string {
  return href("train", projectId, ["run", runId], { then: "results" });
}

/**
 * The first click: opens the sample and starts the recommended run; a sample that has a result already is shown.
 * Returns the address to go to, or undefined where it failed (the page shows why).
 */
export function trySample(page: StudioState): Promise<string | undefined> {
  return page.attempt(async () => {
    const { studio } = page;
    const sample = await studio.openSample();
    const runs = await studio.runs(sample.id);
    if (runs.some((run) => run.verdict !== undefined)) return href("results", sample.id);
    const live = runs.find((run) => run.state === "running" || run.state === "paused");
    if (live) return runAddress(sample.id, live.id);
    const [view, encoders] = await Promise.all([studio.project(sample.id), studio.encoders()]);
    const encoder = encoders.find((candidate) => candidate.id === view.encoderId);
    const settings = defaultSettings(encoder?.dimension ?? DEFAULT_DIMENSION);
    const runId = await studio.startRun(sample.id, { task: "adapter", settings });
    return runAddress(sample.id, runId);
  });
}
