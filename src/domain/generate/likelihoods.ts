import { RetuneError } from "../../engine/errors.ts";
import type { SupervisedSequence } from "../models/llama/supervision.ts";
import type { RunControl } from "../ports.ts";
import { stopIfCancelled } from "./generation.ts";
import type { SequenceScore } from "./language-model.ts";
import { Pace } from "./pace.ts";
import type { PackedPasses } from "./packed-passes.ts";

/** Σ −ln p of the supervised tokens of each sequence. */
export async function sequenceScores(
  passes: PackedPasses,
  sequences: readonly SupervisedSequence[],
  control: RunControl,
): Promise<readonly SequenceScore[]> {
  const scores = new Array<SequenceScore>(sequences.length);
  await inBatches(passes, sequences, control, async (batch, indices) => {
    const losses = await passes.losses(batch);
    for (const [row, own] of losses.entries()) {
      const loss = own.reduce((sum, value) => sum + value, 0);
      scores[indices[row]!] = { loss: finite(loss), tokens: own.length };
    }
  });
  return scores;
}

/** ln p of each candidate as what follows each prompt. */
export async function nextTokenShares(
  passes: PackedPasses,
  prompts: readonly (readonly number[])[],
  candidates: readonly number[],
  control: RunControl,
): Promise<readonly Float64Array[]> {
  const rows = new Array<Float64Array>(prompts.length);
  const sequences = prompts.map((ids) => ({ ids }));
  await inBatches(passes, sequences, control, async (batch, indices) => {
    const logits = await passes.logitsAfter(batch);
    const width = logits.length / batch.length;
    for (const [row, index] of indices.entries()) {
      rows[index] = logShares(logits.subarray(row * width, (row + 1) * width), candidates);
    }
  });
  return rows;
}

/** Batch after batch, with progress and a place to cancel between them. */
async function inBatches<Sequence extends { readonly ids: readonly number[] }>(
  passes: PackedPasses,
  sequences: readonly Sequence[],
  control: RunControl,
  run: (batch: readonly Sequence[], indices: readonly number[]) => Promise<void>,
): Promise<void> {
  const pace = new Pace();
  const total = sequences.length;
  let done = 0;
  for (const indices of passes.batches(sequences)) {
    stopIfCancelled(control);
    const batch = indices.map((index) => sequences[index]!);
    await run(batch, indices);
    done += indices.length;
    control.onProgress?.({ done, total, label: `${done} of ${total} texts` });
    await pace.next();
  }
  stopIfCancelled(control);
}

/** ln softmax of the logits at some ids, in float64. */
function logShares(logits: Float32Array, ids: readonly number[]): Float64Array {
  const largest = logits.reduce((most, value) => Math.max(most, value), -Infinity);
  const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
  const whole = largest + Math.log(finite(sum));
  return Float64Array.from(ids, (id) => logits[id]! - whole);
}

function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  const text = "a likelihood is not a finite number; the model's weights are broken";
  throw new RetuneError("not-finite", `generation: ${text}`);
}
