import type { LearntWeights } from "../../domain/formats/merged-decoder.ts";
import type { DecoderModel } from "../../domain/models/decoder-model.ts";
import { frozenKindOn, type FrozenKind } from "../../domain/models/llama/frozen.ts";
import { openLanguageModel, type OpenLanguageModel } from "../../domain/generate/open-language-model.ts";
import type { TrainedDecoder } from "../../domain/recipes/decoder/decoder-run.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { Backend } from "../../engine/backend.ts";
import type { CheckpointStore } from "../storage/checkpoint.ts";
import { packResult, unpackResult } from "./packed-result.ts";
import { resultKey } from "./result-store.ts";

/** What a lab run keeps: what was learnt, without its base, which is read again where it came from. */
export interface KeptDecoder extends Pick<TrainedDecoder, "step" | "totalSteps" | "notes"> {
  readonly tuned: LearntWeights;
}

const TASK = "decoder";

export function keptDecoder({ tuned, step, totalSteps, notes }: TrainedDecoder): KeptDecoder {
  const { kind } = tuned;
  const own = kind === "lora" ? { kind, adapter: tuned.adapter } : { kind, weights: tuned.weights };
  return { tuned: own, step, totalSteps, notes };
}

/** Stored like a checkpoint, with its digests and the proof by reading back. */
export async function keepDecoder(
  store: CheckpointStore,
  runId: string,
  kept: KeptDecoder,
  device: string,
): Promise<void> {
  await store.save(resultKey(runId), packResult(kept, device, TASK));
}

/** What a run has kept, or null before it has; "corrupt" when it is damaged. */
export async function findDecoder(store: CheckpointStore, runId: string): Promise<KeptDecoder | null> {
  const saved = await store.latest(resultKey(runId));
  return saved ? (unpackResult(saved.checkpoint) as KeptDecoder) : null;
}

export async function loadDecoder(store: CheckpointStore, runId: string): Promise<KeptDecoder> {
  const kept = await findDecoder(store, runId);
  if (kept) return kept;
  throw new RetuneError("usage", "This run has nothing trained yet: let it finish, or stop and keep it.");
}

/** A base and what was learnt from it, both ready to be asked. */
export interface OpenPair {
  readonly base: OpenLanguageModel;
  readonly tuned: OpenLanguageModel | null; // null: nothing was learnt yet
  dispose(): void;
}

/** Both models on a backend; a LoRA lies beside the base's weights, which are held once. */
export async function openPair(
  backend: Backend,
  model: DecoderModel,
  kept: KeptDecoder | null,
  frozen: FrozenKind | undefined, // how the base lies on the device; absent: what suits it, as in training
): Promise<OpenPair> {
  const trace = { frozen: frozenKindOn(backend, frozen) };
  const base = await openLanguageModel(backend, { ...model, trace });
  try {
    const tuned = kept && (await openTuned(backend, model, kept, base));
    return {
      ...{ base, tuned },
      dispose: () => {
        tuned?.dispose();
        base.dispose();
      },
    };
  } catch (error) {
    base.dispose();
    throw error;
  }
}

function openTuned(
  backend: Backend,
  model: DecoderModel,
  { tuned }: KeptDecoder,
  base: OpenLanguageModel,
): Promise<OpenLanguageModel> {
  const name = `${model.name} tuned`;
  if (tuned.kind === "lora") return base.tuned(name, tuned.adapter);
  return openLanguageModel(backend, { ...model, name, weights: tuned.weights });
}
