import { expect, test } from "vitest";
import { compareRuns, metricsOfRank, type RankedRun } from "../../../src/domain/eval/comparison.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

const QUESTIONS = 120;

/** A run whose questions move from rank 3 to rank 2 with the given chance, some back to 6. */
function run(id: string, better: number, worse: number, questions = QUESTIONS): RankedRun {
  const random = new CounterRandom(id.charCodeAt(0));
  const rows = Array.from({ length: questions }, (_, index) => {
    const draw = random.uniform(); // 2 and 6 are as far from 3 as reciprocal ranks go: ±1/6
    return {
      ...{ query: `q${index}`, text: `question ${index}`, base: 3 },
      tuned: draw < better ? 2 : draw < better + worse ? 6 : 3,
    };
  });
  return { id, name: `Run ${id}`, model: "bge", rows };
}

const alone = (query: string): string => query;

test("metrics follow from the rank of the first right passage; a passage that is not in the list has none", () => {
  expect([...metricsOfRank(4)]).toEqual([0, 0, 1, 1, 0.25]);
  expect([...metricsOfRank(11)]).toEqual([0, 0, 0, 0, 0]);
  expect([...metricsOfRank(null)]).toEqual([0, 0, 0, 0, 0]);
});

test("a run that helps is told from its base and from one that does not, with more runs at higher p", () => {
  const strong = run("a", 0.5, 0);
  const idle = run("b", 0.1, 0.1);
  const two = compareRuns([strong, idle], alone, { seed: 1 });
  expect(two.runs.map(({ verdict }) => verdict)).toEqual(["better", "cannot-tell"]);
  expect(two.pairs).toHaveLength(1);
  expect(two.pairs[0]!.verdict).toBe("worse"); // the second against the first
  expect(two.runs[0]!.delta.value).toBeCloseTo(two.runs[0]!.metrics["mrr@10"]! - 1 / 3, 12);
  const four = compareRuns([strong, idle, run("c", 0.1, 0.1), run("d", 0.12, 0.1)], alone, { seed: 1 });
  expect(four.pairs).toHaveLength(6);
  expect(four.runs[1]!.delta.p).toBe(two.runs[1]!.delta.p);
  expect(four.runs[0]!.adjusted).toBeCloseTo(4 * four.runs[0]!.delta.p, 12);
  expect(two.runs[0]!.adjusted).toBeCloseTo(2 * two.runs[0]!.delta.p, 12);
});

test("only questions that all runs were judged on count, and what is left out is said", () => {
  const short = run("b", 0.1, 0, 100);
  const found = compareRuns([run("a", 0.1, 0), short], alone, { seed: 1 });
  expect(found.questions).toBe(100);
  expect(found.notes).toEqual([expect.stringContaining("Run a was judged on 20 questions")]);
  const renamed = { ...short, rows: short.rows.map((row) => ({ ...row, text: `${row.text}!` })) };
  expect(() => compareRuns([run("a", 0.1, 0), renamed], alone, { seed: 1 })).toThrow(
    /not judged on a single common/,
  );
});

test("one run or five are refused", () => {
  const runs = ["a", "b", "c", "d", "e"].map((id) => run(id, 0.2, 0));
  expect(() => compareRuns(runs.slice(0, 1), alone, { seed: 1 })).toThrow(/choose two to 4/);
  expect(() => compareRuns(runs, alone, { seed: 1 })).toThrow(/choose two to 4/);
});
