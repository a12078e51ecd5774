import { expect, test } from "vitest";
import { pairedDeltas, verdictOf } from "../../../src/domain/eval/statistics.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { drawnDifferences, trueDifference } from "./drawn-differences.ts";

const DRAWS = 1000;

test("with all 2,000 resamples the interval holds the truth in 93 to 97 of 100 draws, at three sizes of effect", () => {
  for (const shift of [0, 0.04, 0.15]) {
    const real = trueDifference(shift);
    const random = new CounterRandom(20 + Math.round(100 * shift));
    let held = 0;
    for (let draw = 0; draw < DRAWS; draw++) {
      const [delta] = pairedDeltas(drawnDifferences(random, shift), { seed: draw, flips: 1 });
      if (delta!.low <= real && real <= delta!.high) held++;
    }
    expect(held / DRAWS, `shift ${shift}`).toBeGreaterThanOrEqual(0.93);
    expect(held / DRAWS, `shift ${shift}`).toBeLessThanOrEqual(0.97);
  }
});

test("with all 2,000 resamples and 10,000 flips at most 6.5 of 100 verdicts are false", () => {
  const random = new CounterRandom(31);
  let [verdicts, small] = [0, 0];
  for (let draw = 0; draw < DRAWS; draw++) {
    const [delta] = pairedDeltas(drawnDifferences(random, 0), { seed: draw });
    if (verdictOf(delta!) !== "cannot-tell") verdicts++;
    if (delta!.p < 0.05) small++;
  }
  expect(verdicts / DRAWS).toBeLessThanOrEqual(0.065);
  expect(small / DRAWS).toBeLessThanOrEqual(0.065);
});
