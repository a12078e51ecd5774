import { expect, test } from "vitest";
import type { JudgedSide } from "../../../src/app/jobs/evaluate.ts";
import { instructionGained, presentScores } from "../../../src/app/jobs/judge-rung.ts";
import { rungKey } from "../../../src/app/jobs/ladder.ts";
import type { RungRecord } from "../../../src/app/storage/records.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";

const place = { dataHash: "data", encoderId: "model" };
function record(rung: RungRecord["rung"], reciprocalRanks: number[], dataHash = "data"): RungRecord {
  const groups = ["a", "b", "c", "d"];
  return { ...place, key: rungKey("p", rung), projectId: "p", rung, dataHash, reciprocalRanks, groups };
}

test("an instruction counts only where it gained on the data as they are", () => {
  const base = record("base", [0.2, 0.2, 0.25, 0.2]);
  expect(instructionGained([base], place)).toBe(false);
  expect(instructionGained([base, record("instruction", [0.2, 0.25, 0.2, 0.2])], place)).toBe(false);
  const better = [1, 1, 0.9, 1];
  expect(instructionGained([base, record("instruction", better)], place)).toBe(true);
  expect(instructionGained([base, record("instruction", better, "older data")], place)).toBe(false);
});

const rows = (...values: number[][]): Matrix => ({
  rows: values.length,
  columns: 2,
  values: Float32Array.from(values.flat()),
});
const side: JudgedSide = {
  dataset: {
    queries: [{ id: "q", text: "fox", relevant: [{ passage: "p1", grade: 1 }] }],
    passages: ["dog", "cat"].map((text, index) => ({ id: `p${index + 1}`, text })),
  },
  vectors: { queries: rows([1, 0]), queriesInstruction: rows([0, 1]), corpus: rows([1, 0], [0, 1]) },
};
const first = ({ values }: Matrix): number => values.indexOf(Math.max(...values));

test("the present search puts its own instruction and adapter before the re-ranker", () => {
  const ground = { learn: side, judge: side };
  expect(first(presentScores(ground, { instruction: false, fitted: false }))).toBe(0);
  expect(first(presentScores(ground, { instruction: true, fitted: false }))).toBe(1);
  const weights = new Map([["linear.weight", { shape: [2, 2], values: Float32Array.of(0, 1, 1, 0) }]]);
  const adapter = { config: { kind: "linear", features: 2, bias: false } as const, weights };
  expect(first(presentScores(ground, { instruction: false, fitted: false, adapter }))).toBe(1);
});
