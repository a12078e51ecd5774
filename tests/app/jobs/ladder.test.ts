import { describe, expect, test } from "vitest";
import { ladderView, rungKey } from "../../../src/app/jobs/ladder.ts";
import type { RungRecord, RunRecord } from "../../../src/app/storage/records.ts";
import type { RungName } from "../../../src/app/studio-training.ts";

const NONE = { instruction: "The model names no instruction for questions." };

/** A rung whose reciprocal ranks lie at `level`, a little different in each of eight documents. */
function record(rung: RungName | "base", level: number): RungRecord {
  const reciprocalRanks = Array.from({ length: 8 }, (_, index) => level + 0.01 * (index % 3));
  const groups = reciprocalRanks.map((_, index) => `d${index}`);
  const place = { projectId: "p", dataHash: "data", encoderId: "model" };
  return { ...place, key: rungKey("p", rung), rung, reciprocalRanks, groups };
}

const noise = (rung: RungName): RungRecord => {
  const flat = record(rung, 0.5);
  return {
    ...flat,
    reciprocalRanks: flat.reciprocalRanks.map((rank, index) => rank + (index % 2 ? 0.1 : -0.1)),
  };
};

describe("the ladder", () => {
  test("goes on to the next rung after one that paid", () => {
    const view = ladderView([record("base", 0.5), record("fusion", 0.6), record("adapter", 0.7)], [], NONE);
    expect(view).toMatchObject({ present: "adapter", next: "re-ranker", anyway: null });
    expect(view.advice).toMatch(/^Best so far: adapter\. Next: re-ranker/);
  });

  test("goes on after a rung without training that did not pay, for the next one costs nothing more", () => {
    const view = ladderView([record("base", 0.5), noise("fusion")], [], NONE);
    expect(view).toMatchObject({ present: "base", next: "adapter", anyway: null });
  });

  test("ends at a trained rung that did not pay; what comes after it is a choice against the advice", () => {
    const view = ladderView([record("base", 0.5), noise("adapter"), record("fusion", 0.6)], [], NONE);
    expect(view).toMatchObject({ present: "fusion", next: null, anyway: "re-ranker" });
    expect(view.advice).toMatch(/^Stop here is the honest advice: adapter moved MRR@10 by −0\.1\d\d/);
    expect(view.advice).toMatch(/Keep fusion/);
  });

  test("goes on from a rung that paid although the advice was to stop", () => {
    const records = [record("base", 0.5), noise("adapter"), record("re-ranker", 0.8)];
    expect(ladderView(records, [], NONE)).toMatchObject({ present: "re-ranker", next: "fusion" });
    expect(ladderView([...records, record("fusion", 0.55)], [], NONE).next).toBe("lora");
  });

  test("gives no last word while a rung is being tried", () => {
    const run = { rung: "re-ranker", state: "running", id: "r" } as RunRecord;
    const view = ladderView([record("base", 0.5), noise("adapter")], [run], NONE);
    expect(view.anyway).toBeNull();
    expect(view.advice).toMatch(/is being tried/);
  });
});
