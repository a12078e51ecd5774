// What each system of the lab does to the bundled decoder, at the length at which it is done learning. Figures are printed, so that
// docs/benchmarks.md can be brought up to date: npm run test:long -- systems
import { beforeAll, describe, expect, test } from "vitest";
import { callRow } from "../../../../scripts/nano-decoder/call-rows.ts";
import { Draw } from "../../../../scripts/nano-decoder/draw.ts";
import { distilTask } from "../../../../src/domain/lab/distil/distil.ts";
import { functionCalling } from "../../../../src/domain/lab/calls/function-calling.ts";
import { codeTask } from "../../../../src/domain/lab/code/code-task.ts";
import { judgeTask } from "../../../../src/domain/lab/judge/judge-task.ts";
import type { LabComparison } from "../../../../src/domain/lab/compare.ts";
import type { LabExample, LabTask } from "../../../../src/domain/lab/lab-task.ts";
import { memoriseTask } from "../../../../src/domain/lab/memorise/memorise.ts";
import { reactTask } from "../../../../src/domain/lab/react/react-task.ts";
import { selectTask } from "../../../../src/domain/lab/select/select-task.ts";
import { styleTask } from "../../../../src/domain/lab/style/style-task.ts";
import type { DecoderModel } from "../../../../src/domain/models/decoder-model.ts";
import type { DecoderSettings } from "../../../../src/domain/recipes/decoder/decoder-job.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { openTestCpu } from "../../recipes/open-backend.ts";
import { compared, figure, learnt, nanoDecoder, sample, told } from "./nano.ts";

let [cpu, base]: [Backend, DecoderModel] = [undefined!, undefined!];
beforeAll(async () => {
  cpu = await openTestCpu();
  base = await nanoDecoder();
});

async function proved<Example extends LabExample>(
  task: LabTask<Example>,
  settings: Partial<DecoderSettings>,
  maxNewTokens = 64,
  train: readonly Example[] = sample(task, "train"),
): Promise<LabComparison> {
  const judged = task.judgedBy?.(train) ?? task;
  const found = await learnt(cpu, base, task, { train, settings });
  const comparison = await compared(cpu, base, found, judged, sample(task, "test"), { maxNewTokens });
  told(comparison);
  return comparison;
}

describe("the bundled decoder learns", () => {
  test("to act and answer as an agent", async () => {
    const found = await proved(reactTask, { steps: 200 });
    expect(figure(found, "exactStep").base).toBeLessThan(0.1);
    expect(figure(found, "exactStep").tuned).toBeGreaterThanOrEqual(0.7);
    expect(figure(found, "taskSuccess").tuned).toBeGreaterThanOrEqual(0.7);
  });

  test("to call functions in JSON that can be read", async () => {
    const draw = new Draw(21, 1);
    const rows = Array.from({ length: 1000 }, () => JSON.stringify(callRow(draw))).join("\n");
    const { examples } = functionCalling.read("calls.jsonl", new TextEncoder().encode(rows));
    const found = await proved(functionCalling, { steps: 500 }, 96, examples);
    expect(figure(found, "parseRate").base).toBeLessThan(0.1);
    expect(figure(found, "parseRate").tuned).toBeGreaterThanOrEqual(0.95);
  });

  test("a language of commands", async () => {
    const found = await proved(codeTask(), { steps: 500 });
    expect(figure(found, "exactMatch").base).toBeLessThan(0.1);
    expect(figure(found, "exactMatch").tuned).toBeGreaterThanOrEqual(0.6);
  });

  test("to judge two answers by a reference", async () => {
    const found = await proved(judgeTask, { steps: 600 });
    const { base: before, tuned, delta } = figure(found, "agreement");
    expect(tuned).toBeGreaterThanOrEqual(before + 0.15);
    expect(delta.low).toBeGreaterThan(0);
  });

  test("a style without losing what is said", async () => {
    const found = await proved(styleTask, { steps: 200 });
    const { base: before, tuned } = figure(found, "styleScore");
    expect(tuned).toBeGreaterThanOrEqual(before + 0.2);
    expect(figure(found, "contentRetention").tuned).toBeGreaterThanOrEqual(0.9);
  });

  test("to choose by number", async () => {
    const found = await proved(selectTask, { steps: 600 });
    const { base: before, tuned, delta } = figure(found, "accuracy");
    expect(tuned).toBeGreaterThan(before);
    expect(delta.low).toBeGreaterThan(0);
  });

  test("to answer as its teacher does", async () => {
    const found = await proved(distilTask(), { steps: 200 });
    const { base: before, tuned } = figure(found, "perplexity");
    expect(tuned).toBeLessThan(before);
  });

  test("facts by heart, and nothing about facts that it was not taught", async () => {
    const task = memoriseTask();
    const rows = sample(task, "train");
    const { train, test: asked } = task.sides!(rows, 0.2, 0);
    const found = await learnt(cpu, base, task, { train, settings: { steps: 600, learningRate: 3e-3 } });
    const comparison = await compared(cpu, base, found, task, asked, { maxNewTokens: 16 });
    told(comparison);
    expect(figure(comparison, "seen").tuned).toBeGreaterThanOrEqual(0.9);
    expect(figure(comparison, "control").tuned).toBeLessThanOrEqual(
      figure(comparison, "control").base + 0.05,
    );
  });
});
