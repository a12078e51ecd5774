import { expect, test } from "vitest";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import { armFigures, keptRanks } from "../../../src/domain/eval/rerank-arms.ts";
import { expectClose } from "../../close.ts";

const dataset: Dataset = {
  passages: Array.from({ length: 4 }, (_, index) => ({ id: `p${index}`, text: `text ${index}` })),
  queries: [0, 1, 2, 3].map((right) => ({
    id: `q${right}`,
    text: `question ${right}`,
    relevant: [{ passage: `p${right}`, grade: 1 }],
  })),
};
const candidates = dataset.queries.map(() => Uint32Array.of(0, 1, 2));

test("without scores the first are kept as retrieved; what was not retrieved is never found", () => {
  expect(keptRanks(dataset, candidates, null, 2)).toEqual([1, 2, null, null]);
  expect(keptRanks(dataset, candidates, null, 3)).toEqual([1, 2, 3, null]);
});

test("scores decide what is kept, equal ones by passage id", () => {
  const scores = dataset.queries.map(() => Float32Array.of(0.1, 0.1, 0.9));
  expect(keptRanks(dataset, candidates, scores, 2)).toEqual([2, null, 1, null]);
});

test("mrr and hit rate are means over questions, gains are taken question by question", () => {
  const none = [1, 2, null, null];
  const better = [1, 1, 2, null];
  const figures = armFigures(dataset, better, none, 0);
  expectClose([figures.mrr.value, figures.hitRate.value], [2.5 / 4, 3 / 4], { absolute: 1e-12 });
  expectClose([figures.gain!.mrr.value, figures.gain!.hitRate.value], [1 / 4, 1 / 4], { absolute: 1e-12 });
  expect(figures.mrr.low).toBeLessThan(figures.mrr.value);
  expect(figures.gain!.verdict).toBe("cannot-tell");
  expect(armFigures(dataset, none, null, 0).gain).toBeNull();
});
