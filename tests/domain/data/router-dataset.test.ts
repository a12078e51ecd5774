import { describe, expect, test } from "vitest";
import {
  clusterOf,
  dealExamples,
  routerAsDataset,
  splitExamples,
  type RouterDataset,
} from "../../../src/domain/data/router-dataset.ts";

const dataset: RouterDataset = {
  choices: ["a", "b", "c"].map((id) => ({ id, name: id, description: id === "c" ? "" : `about ${id}` })),
  examples: Array.from({ length: 45 }, (_, index) => ({
    id: `e${index}`,
    text: index % 9 === 8 ? "The SAME question" : `question ${index}`,
    choices: index % 5 === 4 ? [] : [["a", "b", "c"][index % 3]!],
    ...(index < 6 ? { group: "paraphrases" } : {}),
  })),
};

test("a description left empty is read as the name, and none of these is no question of a dataset", () => {
  const { passages, queries } = routerAsDataset(dataset);
  expect(passages.map(({ text }) => text)).toEqual(["about a", "about b", "c"]);
  expect(queries).toHaveLength(36);
});

describe("both kinds of split", () => {
  const parts: readonly (readonly [string, () => readonly (readonly string[])[]])[] = [
    [
      "folds",
      () => {
        const fold = dealExamples(dataset, 5, 3);
        return [0, 1, 2, 3, 4].map((own) =>
          dataset.examples.filter((_, index) => fold[index] === own).map(({ id }) => id),
        );
      },
    ],
    [
      "training and test",
      () => {
        const { train, test: held } = splitExamples(dataset, 0.3, 3);
        return [train, held].map(({ examples }) => examples.map(({ id }) => id));
      },
    ],
  ];

  test.each(parts)("%s: every choice is in every part, and no group or text on two sides", (_name, split) => {
    const byId = new Map(dataset.examples.map((example) => [example.id, example]));
    const found = split().map((ids) => ids.map((id) => byId.get(id)!));
    expect(found.flat()).toHaveLength(45);
    for (const part of found) expect(new Set(part.map(({ choices }) => choices[0]))).toContain("a");
    const clusters = found.map((part) => new Set(part.map(clusterOf)));
    for (const [index, own] of clusters.entries()) {
      for (const other of clusters.slice(index + 1))
        expect([...own].filter((name) => other.has(name))).toEqual([]);
    }
  });
});

test("a set without two different examples of any choice cannot be split", () => {
  const one: RouterDataset = { choices: dataset.choices, examples: [dataset.examples[0]!] };
  expect(() => splitExamples(one, 0.2, 0)).toThrow(expect.objectContaining({ code: "too-little-data" }));
});
