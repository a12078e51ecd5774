import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { labFolder, writeRows } from "./lab-folder.ts";
import { writeJob } from "./planted.ts";
import { errorLines, runCliIn } from "./spawn.ts";

const folder = labFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** run.json of a short job. */
function recordOf(
  task: string,
  rows: readonly object[],
  more: object = {},
): Readonly<Record<string, unknown>> {
  writeRows(folder, `${task}.jsonl`, rows);
  const job = {
    ...{ task, model: "./tiny-decoder", train: `${task}.jsonl`, backend: "cpu", threads: 1, seed: 1 },
    ...{ lora: { rank: 4 }, steps: 12, batchSize: 4, learningRate: 1e-2, maxNewTokens: 24, export: [] },
    ...more,
  };
  const file = writeJob(folder, job, `${task}.job.json`);
  const variables = { RETUNE_CACHE: join(folder, "cache") };
  const outcome = runCliIn(variables, "retune", "run", file, "--out", join(folder, task));
  expect(errorLines(outcome).filter((line) => line.startsWith("retune:"))).toEqual([]);
  expect(outcome.code).toBe(0);
  return JSON.parse(readFileSync(join(folder, task, "run.json"), "utf8")) as Readonly<
    Record<string, unknown>
  >;
}

test("a judge is trained and reported with what it said against what was right", () => {
  const rows = Array.from({ length: 30 }, (_, row) => ({
    ...{ question: `q${row}`, answer_a: "a", answer_b: "b", verdict: "AB"[row % 2], instruction: "" },
  }));
  const { tuned, confusion } = recordOf("judge", rows);
  const { positionConsistency, agreement } = tuned as Record<string, number>;
  expect(positionConsistency! >= 0 && agreement! >= 0).toBe(true);
  const { labels, counts } = (confusion as { tuned: { labels: string[]; counts: number[][] } }).tuned;
  expect(labels).toEqual(["A", "B", "C", "none"]);
  expect(counts.flat().reduce((sum, count) => sum + count, 0)).toBe(6);
});

test("a selector over one set of choices stands beside routers", () => {
  const choices = ["a", "b", "c"].map((id) => ({ id, description: `about ${id}` }));
  const rows = Array.from({ length: 30 }, (_, row) => ({ text: `asks ${row}`, choices: ["abc"[row % 3]] }));
  const { base, router } = recordOf("llm-selector", [...choices, ...rows]);
  const { accuracy, mrr } = base as Record<string, number>;
  const report = router as { base: Record<string, number>; confusion: { base: number[][] } };
  expect([report.base["accuracy"], report.base["mrr"]]).toEqual([accuracy, mrr]);
  expect(report.confusion.base).toHaveLength(4);
});

test("an agent learns from traces whose tools stand in a file of their own", () => {
  const tools = [{ name: "lookup", sandbox: { kind: "lookup", table: { k: "v" } } }];
  writeFileSync(join(folder, "tools.json"), JSON.stringify(tools));
  const trace = 'Action: lookup\nAction Input: {"key": "k"}\nObservation: v\nAnswer: v';
  const rows = Array.from({ length: 20 }, (_, row) => ({
    question: `What is ${row}?`,
    trace,
    instruction: "",
  }));
  const { tuned } = recordOf("react", rows, { tools: "tools.json", steps: 4 });
  expect(Object.keys(tuned as object)).toEqual(
    expect.arrayContaining(["exactStep", "formatValid", "taskSuccess", "loopRate", "steps"]),
  );
});

test("a style is judged by the rows that were learnt", () => {
  const rows = Array.from({ length: 20 }, (_, row) => ({ neutral: `It is ${row}.`, styled: `Arr, ${row}!` }));
  const { base, tuned } = recordOf("style", rows);
  for (const figures of [base, tuned] as Record<string, number>[]) {
    expect(figures["styleScore"]! >= 0 && figures["contentRetention"]! <= 1).toBe(true);
  }
});
