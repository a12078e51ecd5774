import { Graph } from "../../../engine/graph.ts";
import { planGraph } from "../../../engine/lower/plan-graph.ts";
import { ELEMENT_BYTES, type Plan, type StorageSpec } from "../../../engine/plan.ts";
import type { FrozenKind } from "../../models/llama/frozen.ts";
import { layOut, tokensOf, type DecoderLayout, type DecoderPlanInput } from "./decoder-layout.ts";
import type { DecoderEstimate, DecoderMemory } from "./decoder-run.ts";
import { traceApply, traceBatch } from "./decoder-steps.ts";

/** What a plan needs to know of the device that a run is meant for. */
export interface PlannedDevice {
  readonly frozen?: FrozenKind; // how frozen matrices lie there where the settings leave it open; f32
  readonly bindingBytes?: number; // of one buffer (`Backend.bindingBytes`): larger tables are cut; no limit
}

/**
 * What a run takes, without a device: steps and tokens by laying all batches out, memory and arithmetic by planning the step of the
 * longest one. Errors are those of `layOut`.
 */
export function decoderPlan(
  input: DecoderPlanInput,
  { frozen = "f32", bindingBytes = Infinity }: PlannedDevice = {},
): DecoderEstimate {
  return estimateOf(layOut(input, frozen), bindingBytes);
}

/** What a run over `layout` takes on a device whose buffers hold `bindingBytes`. */
export function estimateOf(layout: DecoderLayout, bindingBytes: number): DecoderEstimate {
  const { schedule, decoder, rows, validation, sampled, sampledSteps, largest } = layout;
  const { batch, memory } = planned(layout, bindingBytes);
  const scale = schedule.total / sampledSteps;
  const total = (numbers: readonly number[]): number => Math.round(sumOf(numbers) * scale);
  const paddedTokens = total(sampled.map(({ padded }) => padded));
  return {
    totalSteps: schedule.total,
    stepsPerEpoch: schedule.stepsPerEpoch,
    rows: rows.length + schedule.replayRows,
    replayRows: schedule.replayRows,
    validationRows: sumOf(validation.map((held) => held.length)),
    tokens: total(sampled.map(({ tokens }) => tokens)),
    learntTokens: total(sampled.map(({ learnt }) => learnt)),
    paddedTokens,
    lookTokens: sumOf(validation.map(tokensOf)),
    looks: validation.length > 0 ? 1 + Math.ceil(schedule.total / layout.lookEvery) : 0,
    trainedParameters: decoder.trainedParameters,
    frozenParameters: decoder.frozenParameters,
    memory,
    flops: (batch.flops * paddedTokens) / largest.bucket.rows,
    launches: batch.launches.length,
  };
}

/** The plan of the longest batch, and of the small step that takes what batches added up. */
function planned(
  { decoder, largest, settings }: DecoderLayout,
  bindingBytes: number,
): { readonly batch: Plan; readonly memory: DecoderMemory } {
  const graph = new Graph(bindingBytes);
  const batch = planGraph(graph, traceBatch(graph, decoder, largest, settings));
  if (settings.accumulate === 1) return { batch, memory: memoryOf([batch]) };
  const small = new Graph(bindingBytes);
  const apply = planGraph(small, traceApply(small, decoder, settings), batch.layout);
  return { batch, memory: memoryOf([batch, apply]) };
}

const BASE: readonly StorageSpec["kind"][] = ["resident", "derived"];
const TRAINED: readonly StorageSpec["kind"][] = ["parameters", "gradients", "moments", "state"];

/** Bytes of what executables hold together: storages that outlive a run are theirs in common. */
function memoryOf(plans: readonly Plan[]): DecoderMemory {
  const common = new Map<string, StorageSpec>();
  let activations = 0;
  const bytes = ({ elements, dtype }: StorageSpec): number => elements * ELEMENT_BYTES[dtype];
  for (const storage of plans.flatMap(({ storages }) => storages)) {
    if ([...BASE, ...TRAINED].includes(storage.kind)) common.set(`${storage.kind} ${storage.name}`, storage);
    else activations += bytes(storage);
  }
  const kept = [...common.values()];
  const sum = (kinds: readonly StorageSpec["kind"][]): number =>
    sumOf(kept.filter(({ kind }) => kinds.includes(kind)).map(bytes));
  const [base, trained] = [sum(BASE), sum(TRAINED)];
  return { base, trained, activations, total: base + trained + activations };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
