import { expect, test } from "vitest";
import { groupsOf, type Dataset } from "../../../src/domain/data/dataset.ts";
import { joinedSets, LinkedGroups } from "../../../src/domain/data/groups.ts";
import { splitByGroup } from "../../../src/domain/data/split.ts";

test("what is linked through others is one group; what is linked to nothing is none", () => {
  const groups = new LinkedGroups();
  for (const [a, b] of [
    ["a", "b"],
    ["c", "d"],
    ["b", "e"],
    ["d", "c"],
  ] as const)
    groups.link(a, b);
  groups.rootOf("alone");
  expect(groups.components().map((names) => [...names].sort())).toEqual([
    ["a", "b", "e"],
    ["c", "d"],
  ]);
  expect(joinedSets([["x", "y"], ["z"], ["y", "w"]]).map((names) => [...names].sort())).toEqual([
    ["w", "x", "y"],
  ]);
});

const dataset: Dataset = {
  passages: Array.from({ length: 40 }, (_, index) => ({
    id: `p${index}`,
    text: `text ${index}`,
    document: `d${index % 20}`,
  })),
  queries: Array.from({ length: 80 }, (_, index) => ({
    id: `q${index}`,
    text: `question ${index}`,
    relevant: [{ passage: `p${index % 40}`, grade: 1 }],
  })),
};

const sideOf = (parts: readonly Dataset[], document: string): readonly number[] =>
  parts.flatMap((part, index) =>
    part.queries.some(
      ({ relevant }) => dataset.passages[Number(relevant[0]!.passage.slice(1))]!.document === document,
    )
      ? [index]
      : [],
  );

test("groups that belong together come to one side of the split, and no other group moves", () => {
  const apart = splitByGroup(dataset, [0.7, 0.3], 5).parts;
  const names = Array.from({ length: 20 }, (_, index) => `d${index}`);
  const train = names.find((name) => sideOf(apart, name)[0] === 0)!;
  const test = names.find((name) => sideOf(apart, name)[0] === 1)!;
  const together = [[`document:${train}`, `document:${test}`, "document:unknown"]];
  const { parts } = splitByGroup(dataset, [0.7, 0.3], 5, together);
  expect(sideOf(parts, test)).toEqual(sideOf(parts, train));
  expect(parts[0]!.queries.length + parts[1]!.queries.length).toBe(80);
  for (const name of names) {
    if (name !== train && name !== test) expect(sideOf(parts, name), name).toEqual(sideOf(apart, name));
  }
});

test("a set that would leave a side empty stays where it was", () => {
  const all = [Array.from({ length: 20 }, (_, index) => `document:d${index}`)];
  expect(splitByGroup(dataset, [0.7, 0.3], 5, all).parts).toEqual(splitByGroup(dataset, [0.7, 0.3], 5).parts);
});

test("a query's own group comes before its document's", () => {
  const queries = dataset.queries.slice(0, 2).map((query) => ({ ...query, group: "together" }));
  expect(groupsOf({ ...dataset, queries })).toEqual(["together", "together"]);
});
