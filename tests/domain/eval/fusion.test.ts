import { expect, test } from "vitest";
import {
  chooseFusion,
  fitFusion,
  fuse,
  fusionOf,
  zScores,
  type FusionSample,
} from "../../../src/domain/eval/fusion.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { expectClose } from "../../close.ts";

test("z-scores have mean 0 and population deviation 1, and a flat row becomes zeros", () => {
  expectClose(
    zScores([1, 2, 3, 4]),
    [-1.5, -0.5, 0.5, 1.5].map((x) => x / Math.sqrt(1.25)),
    { absolute: 1e-12 },
  );
  expect([...zScores([0.3, 0.3, 0.3])]).toEqual([0, 0, 0]);
});

test("fused scores are the weighted sum of both z-scores", () => {
  const dense = { rows: 1, columns: 3, values: Float32Array.of(0, 1, 2) };
  const lexical = { rows: 1, columns: 3, values: Float32Array.of(7, 7, 7) };
  const fused = fuse(dense, lexical, fusionOf({ dense: 0.25, lexical: 0.75 }));
  expectClose(
    fused.values,
    [-1, 0, 1].map((x) => (0.25 * x) / Math.sqrt(2 / 3)),
    { absolute: 1e-7 },
  );
});

/** Questions whose positive stands out by `strength[0]` in the dense part and `strength[1]` in the lexical one. */
function samples(strength: readonly [number, number], count = 400): readonly FusionSample[] {
  const random = new CounterRandom(5);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
  return Array.from({ length: count }, (_, index) => {
    const part = (shift: number): Float64Array =>
      zScores(Array.from({ length: 30 }, (_, j) => normal() + (j === 3 ? shift : 0)));
    return { dense: part(strength[0]), lexical: part(strength[1]), positives: [3], fold: index % 4 };
  });
}

function crossEntropy(rows: readonly FusionSample[], dense: number, lexical: number): number {
  return rows.reduce((sum, { dense: d, lexical: l, positives }) => {
    const fused = d.map((value, j) => dense * value + lexical * l[j]!);
    return sum + Math.log(fused.reduce((mass, s) => mass + Math.exp(s), 0)) - fused[positives[0]!]!;
  }, 0);
}

test("fitted weights are the minimum of the cross-entropy, up to their common factor", () => {
  const rows = samples([1, 3], 150);
  const { dense, lexical } = fitFusion(rows);
  expect(dense + lexical).toBeCloseTo(1, 12);
  let best = { loss: Infinity, share: 0 };
  for (let factor = 0.5; factor <= 5; factor += 0.25) {
    for (let share = 0; share <= 1; share += 0.02) {
      const loss = crossEntropy(rows, factor * share, factor * (1 - share));
      if (loss < best.loss) best = { loss, share };
    }
  }
  expect(dense).toBeCloseTo(best.share, 1.5);
});

test("fitted weights win where one part is noise, equal ones where both say the same", () => {
  const order = Uint32Array.from({ length: 30 }, (_, index) => index);
  const noisy = chooseFusion(samples([0, 3]), order);
  expect(noisy.kind).toBe("fitted");
  expect(noisy.weights.lexical).toBeGreaterThan(0.9);
  expect(noisy.fittedMrr).toBeGreaterThan(noisy.equalMrr);
  const same = chooseFusion(
    samples([2, 2]).map((sample) => ({ ...sample, lexical: sample.dense })),
    order,
  );
  expect(same).toMatchObject({ kind: "equal", weights: { dense: 0.5, lexical: 0.5 } });
  expect(chooseFusion([], order).kind).toBe("equal");
});
