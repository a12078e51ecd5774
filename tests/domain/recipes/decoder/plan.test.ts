import { afterAll, beforeAll, expect, test } from "vitest";
import { llamaConfigOf } from "../../../../src/domain/models/llama/config.ts";
import { decoderPlan } from "../../../../src/domain/recipes/decoder/decoder-plan.ts";
import { openDecoderRun } from "../../../../src/domain/recipes/decoder/decoder.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { openTestCpu } from "../open-backend.ts";
import { reversals, tinyJob, toEnd } from "./tiny-decoder.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});
afterAll(() => cpu.dispose());

test.each([1, 3])("a plan without a device is the plan of the run (accumulate %i)", async (accumulate) => {
  const job = tinyJob(
    { accumulate, frozen: "f32" },
    { validationRows: reversals(5, 2), replayRows: reversals(16, 7) },
  );
  const plan = decoderPlan({ ...job, config: job.base.config });
  const run = await openDecoderRun(cpu, job);
  expect(run.plan).toEqual(plan);
  expect(plan).toMatchObject({ rows: 64, replayRows: 16, validationRows: 5 });
  let [tokens, learnt, steps, looks] = [0, 0, 0, 1]; // the base is looked at before the first step
  for await (const step of run.steps()) {
    tokens += step.tokens;
    learnt += step.learntTokens;
    steps++;
    if (step.look) looks++;
  }
  run.dispose();
  expect({ tokens, learnt, steps, looks }).toEqual({
    tokens: plan.tokens,
    learnt: plan.learntTokens,
    steps: plan.totalSteps,
    looks: plan.looks,
  });
});

test("memory is told by what it is for: the base by its precision, four arrays of what trains", () => {
  const job = tinyJob();
  const plan = (settings: object) =>
    decoderPlan({ ...job, config: job.base.config, settings: { ...job.settings, ...settings } });
  const [single, half] = [plan({ frozen: "f32" }), plan({ frozen: "f16" })];
  expect(half.memory.base).toBeLessThan(0.6 * single.memory.base);
  expect(single.memory.trained).toBeGreaterThanOrEqual(16 * single.trainedParameters);
  expect(single.memory.trained).toBeLessThan(20 * single.trainedParameters + 65_536);
  const full = plan({ method: "full" });
  expect(full.frozenParameters).toBe(0);
  expect(full.trainedParameters).toBe(single.frozenParameters);
});

const SMOL = llamaConfigOf({
  ...{ model_type: "llama", vocab_size: 49152, hidden_size: 576, intermediate_size: 1536 },
  ...{ num_hidden_layers: 30, num_attention_heads: 9, num_key_value_heads: 3 },
  ...{ max_position_embeddings: 8192, tie_word_embeddings: true },
});
const IDS = Array.from({ length: 256 }, (_, place) => place);
const ROW = { ids: IDS, supervised: IDS.map((_, place) => place >= 192) };

test.each([
  ["f16", 257],
  ["q8", 136],
  ["q4", 86],
] as const)(
  "SmolLM2-135M over %s: its plan tells memory and arithmetic (llm.md, section 3)",
  (frozen, base) => {
    const rows = Array.from({ length: 20 }, () => ROW);
    const settings = { seed: 1, batchTokens: 512, epochs: 1, frozen } as const;
    const plan = decoderPlan({ config: SMOL, rows, settings }, { bindingBytes: 2 ** 27 });
    expect(plan).toMatchObject({ totalSteps: 10, tokens: 5120, learntTokens: 1280 });
    expect(plan.trainedParameters).toBe(2_442_240);
    expect(Math.round(plan.memory.base / 2 ** 20)).toBe(base);
    expect(plan.memory.trained / 2 ** 20).toBeLessThan(38);
    expect(plan.memory.activations / 2 ** 20).toBeLessThan(80);
    expect(plan.flops / plan.tokens / 1e9).toBeGreaterThan(0.69);
    expect(plan.flops / plan.tokens / 1e9).toBeLessThan(0.9);
  },
);

test("a run that its rows cannot feed is refused before anything is made", async () => {
  const refused = (more: object) => openDecoderRun(cpu, tinyJob({}, more));
  const long = {
    ids: Array.from({ length: 65 }, () => 5),
    supervised: Array.from({ length: 65 }, () => true),
  };
  await expect(refused({ rows: [long] })).rejects.toMatchObject({ code: "E_MISMATCH" });
  await expect(refused({ rows: [{ ids: [1, 48], supervised: [false, true] }] })).rejects.toMatchObject({
    code: "E_MISMATCH",
  });
  await expect(refused({ rows: [{ ids: [1, 2], supervised: [true, false] }] })).rejects.toMatchObject({
    code: "too-little-data",
  });
});

test("rows that teach nothing are left out, and the run says so", async () => {
  const silent = { ids: [1, 5, 6], supervised: [false, false, false] };
  const run = await openDecoderRun(cpu, tinyJob({ epochs: 1 }, { rows: [...reversals(8, 1), silent] }));
  const { notes } = await toEnd(run);
  run.dispose();
  expect(run.plan.rows).toBe(8);
  expect(notes.join(" ")).toContain("1 rows teach nothing");
});
