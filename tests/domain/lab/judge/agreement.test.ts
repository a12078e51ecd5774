import { expect, test } from "vitest";
import {
  averageRanks,
  cohenKappa,
  confusionMatrix,
  spearman,
} from "../../../../src/domain/lab/judge/agreement.ts";
import { expectClose } from "../../../close.ts";
import { reference } from "../reference.ts";

test("κ of verdicts is scikit-learn's", () => {
  for (const { first, second, kappa } of reference.agreement.nominal) {
    const found = cohenKappa(confusionMatrix(first, second, ["A", "B", "C"]));
    expectClose([found!], [kappa], { absolute: 1e-12 });
  }
});

test("quadratic κ, ranks and Spearman of scores are those of scikit-learn and scipy", () => {
  for (const { first, second, quadratic, spearman: rho, ranks } of reference.agreement.graded) {
    const matrix = confusionMatrix(first, second, [1, 2, 3, 4, 5]);
    expectClose([cohenKappa(matrix, "quadratic")!], [quadratic], { absolute: 1e-12 });
    expectClose([spearman(first, second)!], [rho], { absolute: 1e-12 });
    expectClose(averageRanks(first), ranks, {});
  }
});

test("raters who never differ from one label say nothing beyond chance", () => {
  expect(cohenKappa(confusionMatrix(["A", "A"], ["A", "A"], ["A", "B"]))).toBeUndefined();
  expect(cohenKappa([])).toBeUndefined();
  expect(spearman([1, 2, 3], [4, 4, 4])).toBeUndefined();
  expect(spearman([], [])).toBeUndefined();
  expect(spearman([1, 2, 3], [-1, -5, -9])).toBeCloseTo(-1, 12);
});
