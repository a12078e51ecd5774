import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readSafetensors } from "../../../../src/domain/formats/safetensors.ts";
import { bertConfigOf } from "../../../../src/domain/models/bert/config.ts";
import { CrossEncoderSteps } from "../../../../src/domain/recipes/cross-encoder/cross-encoder-steps.ts";
import type { PairUnit } from "../../../../src/domain/recipes/cross-encoder/pair-batches.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { openReference } from "../../../../src/engine/backends/reference.ts";
import { warmupLinear } from "../../../../src/engine/optim/schedules.ts";
import { expectClose } from "../../../close.ts";
import { openTestCpu } from "../open-backend.ts";

interface Recording {
  readonly lr: number;
  readonly warmup_steps: number;
  readonly total_steps: number;
  readonly weight_decay: number;
  readonly bert: Readonly<Record<string, unknown>>;
  readonly losses: readonly number[];
  readonly grad_norms_before_clip: readonly number[];
}

const folder = new URL("../../../fixtures/parity/", import.meta.url);
const recording = JSON.parse(readFileSync(new URL("cross-encoder.json", folder), "utf8")) as Recording;
const file = readSafetensors(new Uint8Array(readFileSync(new URL("cross-encoder.safetensors", folder))));

const named = (start: string) =>
  new Map(
    [...file.tensors]
      .filter(([name]) => name.startsWith(start))
      .map(([name, tensor]) => [name.slice(start.length).replace(/^bert\./, ""), tensor]),
  );

/** The pairs of a recorded batch, each without its padding. */
function batch(index: number): PairUnit[] {
  const part = (name: string) => file.integers.get(`batch${index}.${name}`)!;
  const [rows, width] = part("input_ids").shape as [number, number];
  const labels = file.tensors.get(`batch${index}.labels`)!.values;
  return Array.from({ length: rows }, (_, row): PairUnit => {
    const cut = (name: string) => Array.from(part(name).values.subarray(row * width, (row + 1) * width));
    const length = cut("attention_mask").reduce((sum, value) => sum + value, 0);
    const ids = cut("input_ids").slice(0, length);
    return { sequences: [{ ids, types: cut("token_type_ids").slice(0, length) }], scores: [labels[row]!] };
  });
}

const backends: readonly (readonly [string, () => Promise<Backend>])[] = [
  ["reference", () => Promise.resolve(openReference())],
  ["cpu", openTestCpu],
];

test.each(backends)("on the %s backend six steps equal transformers' and torch's", async (_name, open) => {
  const config = bertConfigOf(recording.bert);
  const total = recording.total_steps;
  const rate = warmupLinear({
    peak: recording.lr,
    warmupSteps: recording.warmup_steps,
    totalSteps: total,
  });
  const steps = new CrossEncoderSteps(await open(), config, {
    loss: "bce",
    batchSize: 8,
    positiveWeight: 1,
    weightDecay: recording.weight_decay,
    dropoutSeed: undefined,
  });
  await steps.prepare(batch(0));
  steps.reset(named("init."));
  const first = await steps.score(batch(0).flatMap(({ sequences }) => sequences));
  expectClose(first, file.tensors.get("fwd.logits")!.values, { absolute: 1e-4, relative: 1e-4 }, "logits");
  for (let step = 0; step < total; step++) await steps.run(batch(step), step, rate(step));
  const rows = await steps.collect();
  const column = (name: string): number[] => rows.map((row) => row[name]!);
  expectClose(column("loss"), recording.losses, { absolute: 1e-3 }, "losses");
  expectClose(column("norm"), recording.grad_norms_before_clip, { relative: 1e-3 }, "norms");
  const trained = await steps.weights();
  const wanted = named("final.");
  let beyond = 0;
  let count = 0;
  for (const [name, { values }] of trained) {
    const want = wanted.get(name)!.values;
    expectClose(values, want, { absolute: 1e-2, relative: 1e-2 }, name);
    for (const [index, value] of values.entries()) {
      count++;
      if (Math.abs(value - want[index]!) > 1e-3 * Math.max(1, Math.abs(want[index]!))) beyond++;
    }
  }
  expect(beyond / count).toBeLessThan(1e-3);
  steps.dispose();
});
