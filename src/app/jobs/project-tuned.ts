import { readSafetensors, writeSafetensors } from "../../domain/formats/safetensors.ts";
import type { WrittenTensor } from "../../domain/formats/safetensors.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { Checkpoint, CheckpointTensor } from "../storage/checkpoint.ts";
import type { EncoderRecord, ModelRecord, RunRecord } from "../storage/records.ts";
import type { RunResults } from "../studio-training.ts";
import { unpackResult } from "./packed-result.ts";

// Encoders, LoRA, re-rankers and routers inside a project's file. They lie under tuned/, where a Retune that knows adapters
// only passes them by. run.json: the run, its results, and what it is on the shelf as; state.json: everything of the trained
// model but its numbers; weights.safetensors: those.

/** A trained model of a project with all that is known of its run. */
export interface TunedRun {
  readonly run: RunRecord;
  readonly results: RunResults | null;
  readonly encoder?: EncoderRecord; // as which it can be chosen
  readonly model?: ModelRecord;
  readonly kept: Checkpoint; // packed-result.ts
}

const STATE = "state.json";
const WEIGHTS = "weights.safetensors";

/** The files of a run, by their names in its folder. */
export function tunedRunFiles({ kept, ...facts }: TunedRun): ReadonlyMap<string, Uint8Array> {
  const { config, device, state, tensors } = kept;
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  const written = [...tensors].map(([name, tensor]): [string, WrittenTensor] => [name, floats(name, tensor)]);
  return new Map([
    ["run.json", json(facts)],
    [STATE, json({ config, device, state })],
    [WEIGHTS, writeSafetensors(new Map(written))],
  ]);
}

/** A run from its files; E_FIELD where one is missing or they do not make a model of the run's task. */
export function readTunedRun(
  { run, results, encoder, model }: Omit<TunedRun, "kept">,
  file: (name: string) => Uint8Array | undefined,
  place: string,
): TunedRun {
  const [state, weights] = [file(STATE), file(WEIGHTS)];
  if (!state || !weights) throw wrong(place, `${state ? WEIGHTS : STATE} is missing`);
  const { tensors } = readSafetensors(weights, `${place}/${WEIGHTS}`);
  const kept = { ...(JSON.parse(new TextDecoder().decode(state)) as Omit<Checkpoint, "tensors">), tensors };
  if (kept.config !== run.recipe.task) throw wrong(place, `a ${kept.config} lies under a ${run.recipe.task}`);
  checkWhole(kept, place);
  return { run, results, kept, ...(encoder ? { encoder } : {}), ...(model ? { model } : {}) };
}

/** Every array that the state names is among the weights. */
function checkWhole(kept: Checkpoint, place: string): void {
  try {
    unpackResult(kept);
  } catch (error) {
    if (error instanceof RetuneError) throw error;
    throw wrong(place, "its state names weights that are not there");
  }
}

function floats(name: string, { shape, values }: CheckpointTensor): WrittenTensor {
  if (values instanceof Float32Array) return { shape, values };
  throw new RetuneError(
    "unsupported",
    `${name} holds whole numbers; only a model's floats go into a project's file.`,
  );
}

function wrong(place: string, what: string): RetuneError {
  return new RetuneError("E_FIELD", `${place}: ${what}. Export the project again.`, { file: place });
}
