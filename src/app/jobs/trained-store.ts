import type { CrossEncoderModel, EncoderModel, LoraAdapter } from "../../domain/models/encoder-model.ts";
import { mergeLora } from "../../domain/models/merge-lora.ts";
import type { TrainedCrossEncoder } from "../../domain/recipes/cross-encoder/cross-encoder-job.ts";
import type { TrainedEncoder } from "../../domain/recipes/encoder/encoder-run.ts";
import type { TrainedRouter } from "../../domain/recipes/router/router-job.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { CheckpointStore } from "../storage/checkpoint.ts";
import { packResult, unpackResult } from "./packed-result.ts";
import { resultKey } from "./result-store.ts";

/** A fine-tuned encoder as it is kept: LoRA without its base, which is read again where it came from. */
export type KeptEncoder = Omit<TrainedEncoder, "tuned"> & {
  readonly tuned:
    | { readonly kind: "encoder"; readonly model: EncoderModel }
    | { readonly kind: "lora"; readonly adapter: LoraAdapter };
};

/** What a run of each task keeps, adapters excepted (result-store.ts). */
export interface KeptByTask {
  readonly encoder: KeptEncoder;
  readonly lora: KeptEncoder;
  readonly "cross-encoder": TrainedCrossEncoder;
  readonly router: TrainedRouter;
}

export function withoutBase(trained: TrainedEncoder): KeptEncoder {
  const { tuned, ...rest } = trained;
  return { ...rest, tuned: tuned.kind === "lora" ? { kind: "lora", adapter: tuned.adapter } : tuned };
}

/** The tuned encoder whole; LoRA is merged into what `base` gives. */
export async function wholeEncoder(
  { tuned }: KeptEncoder,
  base: () => Promise<EncoderModel>,
): Promise<EncoderModel> {
  if (tuned.kind === "encoder") return tuned.model;
  const model = await base();
  return { ...model, weights: mergeLora(model.weights, tuned.adapter) };
}

/** Stored like a checkpoint, with its digests and the proof by reading back, under the key of a run's result. */
export async function keepTrained<Task extends keyof KeptByTask>(
  store: CheckpointStore,
  runId: string,
  task: Task,
  kept: KeptByTask[Task],
  device: string,
): Promise<void> {
  await store.save(resultKey(runId), packResult(kept, device, task));
}

/** What a run has kept, or null before it has; "corrupt" when it is damaged. */
export async function findTrained<Task extends keyof KeptByTask>(
  store: CheckpointStore,
  runId: string,
  task: Task,
): Promise<KeptByTask[Task] | null> {
  const saved = await store.latest(resultKey(runId));
  if (!saved || saved.checkpoint.config !== task) return null;
  return unpackResult(saved.checkpoint) as KeptByTask[Task];
}

export async function loadTrained<Task extends keyof KeptByTask>(
  store: CheckpointStore,
  runId: string,
  task: Task,
): Promise<KeptByTask[Task]> {
  const kept = await findTrained(store, runId, task);
  if (kept) return kept;
  throw new RetuneError("usage", "This run has nothing trained yet: let it finish, or stop and keep it.");
}

/** A model of either kind: what cross-encoders and routers start from. */
export type StartModel = EncoderModel | CrossEncoderModel;
