import { describe, expect, it } from "vitest";
import type { LabExample } from "../../../src/domain/lab/lab-task.ts";
import { sharedGroups, splitRows } from "../../../src/domain/lab/split-rows.ts";

const examples: LabExample[] = Array.from({ length: 100 }, (_, row) => ({
  id: `r${row}`,
  line: row + 1,
  group: `schema ${row % 20}`,
}));

describe("Parting rows", () => {
  it("holds whole groups out, in file order, the same for the same seed", () => {
    const { train, test } = splitRows({}, examples, { share: 0.2, seed: 3 });
    expect(sharedGroups({ train, test })).toEqual([]);
    expect([train.length, test.length]).toEqual([80, 20]);
    for (const side of [train, test]) {
      expect(side.map(({ line }) => line)).toEqual(side.map(({ line }) => line).sort((a, b) => a - b));
    }
    expect(splitRows({}, examples, { share: 0.2, seed: 3 }).test).toEqual(test);
    expect(splitRows({}, examples, { share: 0.2, seed: 4 }).test).not.toEqual(test);
  });

  it("refuses rows of one group, which no split keeps apart", () => {
    const same = examples.map((example) => ({ ...example, group: "one" }));
    expect(() => splitRows({}, same)).toThrow(/one group/);
  });

  it("leaves the parting to a task that has its own way", () => {
    const sides = { train: examples.slice(0, 10), test: examples };
    expect(splitRows({ sides: () => sides }, examples)).toBe(sides);
  });
});
