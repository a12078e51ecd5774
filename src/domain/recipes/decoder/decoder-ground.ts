import type { Backend } from "../../../engine/backend.ts";
import type { Weights } from "../../matrix.ts";
import { frozenKindOn } from "../../models/llama/frozen.ts";
import { supervisedFeeds, supervisedTokens } from "../../models/llama/supervision.ts";
import { rhythmOf, type PullOptions, type Rhythm } from "../back-pressure.ts";
import { DecoderExecutables } from "./decoder-executables.ts";
import type { DecoderJob } from "./decoder-job.ts";
import { layOut, type DecoderLayout } from "./decoder-layout.ts";
import { estimateOf } from "./decoder-plan.ts";
import type { DecoderEstimate } from "./decoder-run.ts";
import { DecoderSteps, sizesKey, type StepTaker } from "./decoder-steps.ts";

/** What stays the same through a run. */
export interface DecoderGround {
  readonly job: DecoderJob;
  readonly layout: DecoderLayout;
  readonly estimate: DecoderEstimate;
  readonly executables: DecoderExecutables;
  readonly steps: StepTaker;
  readonly initial: Weights;
  readonly rhythm: Rhythm;
  readonly label: string; // of what computes
}

const FLOPS_AT_ONCE = 2e12; // queued before a run waits and may be stopped: about a second of a small GPU

/** Plans, compiles the largest step and writes the base: everything before the first step. */
export async function layGround(
  backend: Backend,
  job: DecoderJob,
  options: PullOptions,
): Promise<DecoderGround> {
  const { base, ...rest } = job;
  const layout = layOut({ ...rest, config: base.config }, frozenKindOn(backend));
  const estimate = estimateOf(layout, backend.bindingBytes);
  const executables = new DecoderExecutables(backend, layout.decoder, base.weights);
  const steps = new DecoderSteps(executables, layout.settings, (batch) => layout.sizesOf(batch));
  await steps.prepare(layout.largest);
  const initial = await layout.decoder.initial(base, job.adapter);
  const rhythm = rhythmOf(backend, options);
  const queued = Math.max(1, Math.floor((FLOPS_AT_ONCE * estimate.totalSteps) / estimate.flops));
  return {
    ...{ job, layout, estimate, executables, steps, initial, label: backend.label },
    rhythm: { ...rhythm, atOnce: Math.min(rhythm.atOnce, queued) },
  };
}

/** Mean of −ln p over the learnt tokens of the validation rows, by the weights as they are now. */
export async function validationLoss({ executables, layout }: DecoderGround): Promise<number> {
  const { validation, decoder } = layout;
  const tokens = validation.reduce((sum, batch) => sum + supervisedTokens(batch), 0);
  let loss = 0;
  for (const batch of validation) {
    const sizes = layout.sizesOf(batch);
    const executable = await executables.compiled(`look ${sizesKey(sizes)}`, (graph) => ({
      outputs: { loss: decoder.look(graph, sizes) },
    }));
    executable.run(supervisedFeeds(batch, sizes.bucket, sizes.places, tokens));
    loss += (await executable.read("loss"))[0]!;
  }
  return loss;
}
