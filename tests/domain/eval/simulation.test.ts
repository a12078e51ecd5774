import { expect, test } from "vitest";
import { adjustedVerdict, holm } from "../../../src/domain/eval/holm.ts";
import { pairedDeltas, verdictOf } from "../../../src/domain/eval/statistics.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { drawnDifferences, trueDifference } from "./drawn-differences.ts";

const DRAWS = 1000;
test("over 1,000 draws the 95 % interval holds the truth in 93 to 97 of 100", () => {
  const shift = 0.08;
  const real = trueDifference(shift);
  const random = new CounterRandom(2);
  let held = 0;
  for (let draw = 0; draw < DRAWS; draw++) {
    const [delta] = pairedDeltas(drawnDifferences(random, shift), { seed: draw, resamples: 1000, flips: 1 });
    if (delta!.low <= real && real <= delta!.high) held++;
  }
  expect(held / DRAWS).toBeGreaterThanOrEqual(0.93);
  expect(held / DRAWS).toBeLessThanOrEqual(0.97);
});

test("over 1,000 draws without an effect at most 6.5 of 100 verdicts are false, by interval and by sign flips", () => {
  const random = new CounterRandom(3);
  let [verdicts, small] = [0, 0];
  for (let draw = 0; draw < DRAWS; draw++) {
    const [delta] = pairedDeltas(drawnDifferences(random, 0), { seed: draw, resamples: 1000, flips: 1000 });
    if (verdictOf(delta!) !== "cannot-tell") verdicts++;
    if (delta!.p < 0.05) small++;
  }
  expect(verdicts / DRAWS).toBeLessThanOrEqual(0.065);
  expect(small / DRAWS).toBeLessThanOrEqual(0.065);
  expect(small / DRAWS).toBeGreaterThanOrEqual(0.035); // and the test is not timid either
});

test("over 250 families of four runs without an effect Holm keeps any false verdict to about 5 of 100", () => {
  const random = new CounterRandom(4);
  const families = DRAWS / 4;
  let any = 0;
  for (let family = 0; family < families; family++) {
    const deltas = [0, 1, 2, 3].map(
      (run) =>
        pairedDeltas(drawnDifferences(random, 0), { seed: 4 * family + run, resamples: 500, flips: 500 })[0]!,
    );
    const adjusted = holm(deltas.map(({ p }) => p));
    if (deltas.some((delta, run) => adjustedVerdict(delta, adjusted[run]!) !== "cannot-tell")) any++;
  }
  expect(any / families).toBeLessThanOrEqual(0.05 + 2 * Math.sqrt((0.05 * 0.95) / families));
});
