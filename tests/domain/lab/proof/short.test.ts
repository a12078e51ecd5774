// One short run of each system on the bundled decoder: what it is taught shows on rows that it was not. The runs at full length, with
// the figures that the lab promises, are beside (*.long.test.ts).
import { afterAll, beforeAll, expect, test } from "vitest";
import { functionCalling } from "../../../../src/domain/lab/calls/function-calling.ts";
import { codeTask } from "../../../../src/domain/lab/code/code-task.ts";
import { distilTask } from "../../../../src/domain/lab/distil/distil.ts";
import { judgeTask } from "../../../../src/domain/lab/judge/judge-task.ts";
import type { LabExample, LabTask } from "../../../../src/domain/lab/lab-task.ts";
import { memoriseTask } from "../../../../src/domain/lab/memorise/memorise.ts";
import { reactTask } from "../../../../src/domain/lab/react/react-task.ts";
import { selectTask } from "../../../../src/domain/lab/select/select-task.ts";
import { textToSql } from "../../../../src/domain/lab/sql/text-to-sql.ts";
import { styleTask } from "../../../../src/domain/lab/style/style-task.ts";
import type { DecoderModel } from "../../../../src/domain/models/decoder-model.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { openTestCpu } from "../../recipes/open-backend.ts";
import { compared, figure, learnt, nanoDecoder, sample } from "./nano.ts";

let [cpu, base]: [Backend, DecoderModel] = [undefined!, undefined!];
beforeAll(async () => {
  cpu = await openTestCpu();
  base = await nanoDecoder();
});
afterAll(() => cpu.dispose());

interface ShortRun {
  readonly steps: number;
  readonly learningRate?: number; // peak
  readonly asked: number; // held-out rows
  readonly tokens: number; // of an answer
  readonly measure: string;
  readonly better: number; // tuned − base, at least; below 0 where less is better
}

async function shortRun<Example extends LabExample>(
  task: LabTask<Example>,
  { steps, learningRate = 2e-3, asked, tokens, measure, better }: ShortRun,
): Promise<void> {
  const rows = sample(task, "train");
  const { train, test: held } = task.sides?.(rows, 0.2, 0) ?? { train: rows, test: sample(task, "test") };
  const settings = { steps, learningRate, batchSize: 8, warmupSteps: 5 };
  const found = await learnt(cpu, base, task, { train, settings });
  const judged = task.judgedBy?.(train) ?? task;
  const comparison = await compared(cpu, base, found, judged, held.slice(0, asked), { maxNewTokens: tokens });
  const { base: before, tuned } = figure(comparison, measure);
  if (better > 0) expect(tuned).toBeGreaterThanOrEqual(before + better);
  else expect(tuned).toBeLessThanOrEqual(before + better);
}

const run = { steps: 40, asked: 24, tokens: 40 };

// Of 24 held-out rows each. Where forty steps are too few to be right more often, what is learnt first is looked at: the form of an
// answer, or not to be sure of what is wrong.
test.each([
  [
    "text-to-SQL",
    () => shortRun(textToSql(), { ...run, steps: 60, measure: "executionAccuracy", better: 0.08 }),
  ],
  ["calls", () => shortRun(functionCalling, { ...run, tokens: 64, measure: "parseRate", better: 0.3 })],
  ["a language of commands", () => shortRun(codeTask(), { ...run, measure: "exactMatch", better: 0.08 })],
  ["an agent's steps", () => shortRun(reactTask, { ...run, measure: "exactStep", better: 0.5 })],
  ["a style", () => shortRun(styleTask, { ...run, measure: "styleScore", better: 0.5 })],
  ["a teacher's answers", () => shortRun(distilTask(), { ...run, measure: "perplexity", better: -20 })],
  ["choosing by number", () => shortRun(selectTask, { ...run, measure: "ece", better: -0.3 })],
  ["facts by heart", () => shortRun(memoriseTask(), { ...run, measure: "seenF1", better: 0.3 })],
  [
    "verdicts",
    () => shortRun(judgeTask, { ...run, steps: 120, learningRate: 4e-3, measure: "agreement", better: 0.15 }),
  ],
] as const)("a short run teaches %s", async (_, proof) => proof());
