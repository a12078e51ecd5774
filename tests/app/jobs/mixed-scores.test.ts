import { expect, test } from "vitest";
import { mixedScores } from "../../../src/app/jobs/advice-ground.ts";
import { ranking } from "../../../src/domain/eval/ranking.ts";
import { cosineScores } from "../../../src/domain/eval/dense.ts";
import { idOrder } from "../../../src/domain/eval/metrics.ts";
import { rowOf } from "../../../src/domain/matrix.ts";
import type { AdapterConfig } from "../../../src/domain/models/adapter-config.ts";
import { initialWeights } from "../../../src/domain/models/adapter-weights.ts";
import { applyAdapter } from "../../../src/domain/models/apply-adapter.ts";
import { mergeAdapter } from "../../../src/domain/models/merge-adapter.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { plantedData } from "../../domain/recipes/training-sets.ts";

const WIDTH = 12;
const { queries, corpus } = plantedData(40, 1, WIDTH, 3);
const order = idOrder(Array.from({ length: 40 }, (_, index) => `p${String(index).padStart(3, "0")}`));

const kinds: readonly AdapterConfig[] = [
  { kind: "linear", features: WIDTH, bias: true },
  { kind: "two-layer", features: WIDTH, hiddenFeatures: 8, activation: "relu", bias: true, residual: true },
];

test.each(kinds)(
  "two matrices of scores order passages as a $kind adapter at any strength does",
  (config) => {
    const random = new CounterRandom(5);
    const weights = new Map(
      Array.from(initialWeights(config, 1), ([name, { shape, values }]) => [
        name,
        { shape, values: values.map((value) => value + 0.6 * (random.uniform() - 0.5)) },
      ]),
    );
    const at = (strength: number) => applyAdapter(config, mergeAdapter(config, weights, strength), queries);
    const mixed = mixedScores(at(0), at(1), corpus);
    expect(at(0).values).toEqual(queries.values);
    for (const strength of [0, 0.3, 0.85, 1, 1.4]) {
      const [quick, exact] = [mixed(strength), cosineScores(at(strength), corpus)];
      for (let row = 0; row < queries.rows; row++) {
        expect(ranking(rowOf(quick, row), order)).toEqual(ranking(rowOf(exact, row), order));
      }
    }
  },
);
