import { afterAll, beforeAll, expect, test } from "vitest";
import type { LoraAdapter } from "../../../../src/domain/models/encoder-model.ts";
import { decoderInMemory } from "../../../../src/domain/models/decoder-model.ts";
import { decoderLoraShapes } from "../../../../src/domain/models/llama/lora.ts";
import type { DecoderJob } from "../../../../src/domain/recipes/decoder/decoder-job.ts";
import { openDecoderRun } from "../../../../src/domain/recipes/decoder/decoder.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { recordedDecoder } from "../../../cli/decoder-parity.ts";
import { expectClose } from "../../../close.ts";
import { openTestCpu } from "../open-backend.ts";
import { toEnd } from "./tiny-decoder.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});
afterAll(() => cpu.dispose());

/** The run that torch recorded, as a job: its batches one after the other, its matrices to begin with. */
async function recordedJob(): Promise<{
  job: DecoderJob;
  fixture: Awaited<ReturnType<typeof recordedDecoder>>;
}> {
  const fixture = await recordedDecoder();
  const { config, lora, init, settings, batches } = fixture;
  const names = [...decoderLoraShapes(config, lora).keys()];
  const adapter: LoraAdapter = { ...lora, weights: new Map(names.map((name) => [name, init.get(name)!])) };
  const [{ sequences }] = batches as [(typeof batches)[number]];
  const job: DecoderJob = {
    base: { name: "recorded", config, weights: decoderInMemory(config, init) },
    rows: batches.flatMap((batch) => batch.sequences),
    adapter,
    settings: {
      ...{ order: "in-order", batchSize: sequences.length, epochs: 1, seed: 1, validation: "none" },
      learningRate: settings.lr,
      warmupSteps: settings.warmup_steps,
      weightDecay: settings.weight_decay,
    },
  };
  return { job, fixture };
}

test.each([false, true])(
  "takes the recorded steps of torch and peft (recomputation %s)",
  async (recomputation) => {
    const { job, fixture } = await recordedJob();
    const run = await openDecoderRun(cpu, { ...job, settings: { ...job.settings, recomputation } });
    const { losses, tuned } = await toEnd(run);
    const { norms } = (await run.state()).progress;
    run.dispose();
    expectClose(losses, fixture.settings.losses, { relative: 1e-4 }, "losses");
    expectClose(norms, fixture.settings.grad_norms_before_clip!, { relative: 1e-4 }, "norms");
    if (tuned.kind !== "lora") throw new Error("expected an adapter");
    for (const [name, { values }] of fixture.final) {
      expectClose(tuned.adapter.weights.get(name)!.values, values, { absolute: 1e-4 }, name);
    }
  },
);

test("two half batches added up take the recorded steps as well", async () => {
  const { job, fixture } = await recordedJob();
  const half = job.settings.batchSize! / 2;
  expect(Number.isInteger(half)).toBe(true);
  const run = await openDecoderRun(cpu, {
    ...job,
    settings: { ...job.settings, batchSize: half, accumulate: 2 },
  });
  const { losses } = await toEnd(run);
  run.dispose();
  expectClose(losses, fixture.settings.losses, { relative: 1e-4 }, "losses");
});
