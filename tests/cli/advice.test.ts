import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { DriftReport, LearningCurve, TriageReport } from "../../src/domain/eval/advice-types.ts";
import { plantedFolder, plantedJob, writeJob } from "./planted.ts";
import { errorLines, runCliIn, type Outcome } from "./spawn.ts";

const folder = plantedFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const job = writeJob(folder, plantedJob({ mode: "recommended", epochs: undefined, learningRate: undefined }));

function run(...argv: readonly string[]): Outcome {
  return runCliIn({ RETUNE_CACHE: join(folder, "cache") }, "retune", ...argv);
}

function read<Value>(name: string): Value {
  return JSON.parse(readFileSync(join(folder, name), "utf8")) as Value;
}

test("triage writes what searches without training reach and says whether a run is worth it", () => {
  const out = join(folder, "triage.json");
  const outcome = run("triage", job, "--out", out);
  expect(errorLines(outcome).filter((line) => line.startsWith("retune:"))).toEqual([]);
  expect(outcome.code).toBe(0);
  const report = read<TriageReport>("triage.json");
  expect(outcome.stdout).toContain(report.sentence);
  expect(report.rows.map(({ system }) => system)).toContain("trialAdapter");
  expect(report.smallestDetectable.testQuestions).toBeGreaterThan(0);
});

test("the learning curve is written with its forecast or the reason why there is none", () => {
  const outcome = run("curve", job, "--out", join(folder, "curve.json"));
  expect(outcome.code).toBe(0);
  const curve = read<LearningCurve>("curve.json");
  expect(outcome.stdout).toContain(curve.sentence);
  expect(curve.points.length).toBeGreaterThanOrEqual(4);
});

describe("bad input", () => {
  test("ends with one line and code 2", () => {
    const other = writeJob(folder, { task: "router", model: "x", train: "train.json" }, "router.json");
    for (const [argv, message] of [
      [
        ["triage", other, "--out", join(folder, "x.json")],
        'field "task" must be "adapter", "encoder" or "lora"',
      ],
      [["drift", "--model", "x", "--out", join(folder, "x.json")], "either --adapter PATH or --tuned FOLDER"],
    ] as const) {
      const outcome = run(...argv);
      expect(outcome.code).toBe(2);
      expect(errorLines(outcome)).toEqual([expect.stringContaining(message)]);
    }
  });
});

test("drift of a model against itself is nothing, and its passages would be embedded again", () => {
  const model = "tests/fixtures/formats/st-tiny-5x";
  const out = join(folder, "drift.json");
  const outcome = run(
    "drift",
    "--model",
    model,
    "--tuned",
    model,
    "--data",
    join(folder, "train.json"),
    "--out",
    out,
  );
  expect(outcome.code).toBe(0);
  const report = read<DriftReport>("drift.json");
  expect(report.meanCosine).toBeCloseTo(1, 5);
  expect(report.general.delta.value).toBe(0);
  expect(report.nonInferior).toBe(true);
  expect(report.index).toMatchObject({ kind: "embed-again" });
  expect(outcome.stdout).toContain("Re-embed");
});
