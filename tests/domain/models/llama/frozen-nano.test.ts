import { afterAll, beforeAll, expect, test } from "vitest";
import { openLanguageModel } from "../../../../src/domain/generate/open-language-model.ts";
import { textToSql } from "../../../../src/domain/lab/sql/text-to-sql.ts";
import type { DecoderModel } from "../../../../src/domain/models/decoder-model.ts";
import type { FrozenKind } from "../../../../src/domain/models/llama/frozen.ts";
import type { SupervisedSequence } from "../../../../src/domain/models/llama/supervision.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { learnt, nanoDecoder, rowsOf, sample } from "../../lab/proof/nano.ts";
import { openTestCpu } from "../../recipes/open-backend.ts";

const task = textToSql();
let [cpu, nano]: [Backend, DecoderModel] = [undefined!, undefined!];
beforeAll(async () => {
  cpu = await openTestCpu();
  nano = await nanoDecoder();
});
afterAll(() => cpu.dispose());

/** Nats a token of the answers, each row's. */
async function lossesIn(frozen: FrozenKind, rows: readonly SupervisedSequence[]): Promise<number[]> {
  const model = await openLanguageModel(cpu, { ...nano, trace: { frozen } });
  const scores = await model.score(rows);
  model.dispose();
  return scores.map(({ loss, tokens }) => loss / tokens);
}

test("the bundled decoder knows in 8 bits what it knows in full, and most of it in 4", async () => {
  const rows = await rowsOf(nano, task, sample(task, "test").slice(0, 16));
  const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
  const full = mean(await lossesIn("f32", rows));
  expect(Math.abs(mean(await lossesIn("q8", rows)) / full - 1)).toBeLessThan(0.01);
  expect(Math.abs(mean(await lossesIn("q4", rows)) / full - 1)).toBeLessThan(0.1);
});

test("LoRA over the bundled decoder in 4 bits learns the sample's language", async () => {
  const settings = { steps: 12, frozen: "q4", warmupSteps: 2 } as const;
  const { losses } = await learnt(cpu, nano, task, { train: sample(task, "train").slice(0, 100), settings });
  const mean = (from: number): number => losses.slice(from, from + 4).reduce((sum, x) => sum + x, 0) / 4;
  expect(mean(8)).toBeLessThan(0.8 * mean(0));
});
