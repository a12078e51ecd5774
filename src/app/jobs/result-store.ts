import type { Fusion } from "../../domain/eval/report.ts";
import type { Weights } from "../../domain/matrix.ts";
import type { AdapterConfig } from "../../domain/models/adapter-config.ts";
import type { ChosenSettings } from "../../domain/recipes/adapter-job.ts";
import type { TrainedAdapter } from "../../domain/recipes/adapter-run.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { CheckpointStore } from "../storage/checkpoint.ts";

/** What a finished run keeps of its training: enough to judge, search and export. */
export interface KeptAdapter {
  readonly config: AdapterConfig;
  readonly weights: Weights;
  readonly chosen: ChosenSettings | null; // null: imported
  readonly fusion: { readonly base: Fusion; readonly tuned: Fusion };
  readonly losses: readonly number[];
  readonly notes: readonly string[];
}

/** Stored like a checkpoint, with the same digests and the same proof by reading back, under a key of its own. */
export async function keepResult(
  store: CheckpointStore,
  runId: string,
  kept: KeptAdapter | TrainedAdapter,
  device: string,
): Promise<void> {
  const { config, weights, chosen, fusion, losses, notes } = kept;
  await store.save(resultKey(runId), {
    config: JSON.stringify(config),
    device,
    state: JSON.stringify({ chosen, fusion, losses, notes }),
    tensors: new Map(weights),
  });
}

/** The result of a run, or null before it has one; "corrupt" when it is damaged. */
export async function findResult(store: CheckpointStore, runId: string): Promise<KeptAdapter | null> {
  const saved = await store.latest(resultKey(runId));
  if (!saved) return null;
  const { config, state, tensors } = saved.checkpoint;
  const weights = new Map(
    [...tensors].map(([name, { shape, values }]) => [name, { shape, values: values as Float32Array }]),
  );
  const rest = JSON.parse(state) as Omit<KeptAdapter, "config" | "weights">;
  return { ...rest, config: JSON.parse(config) as AdapterConfig, weights };
}

export async function loadResult(store: CheckpointStore, runId: string): Promise<KeptAdapter> {
  const kept = await findResult(store, runId);
  if (kept) return kept;
  throw new RetuneError("usage", "This run has no trained adapter yet: let it finish, or stop and keep it.");
}

export function resultKey(runId: string): string {
  return `${runId} result`;
}
