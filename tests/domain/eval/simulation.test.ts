import { expect, test } from "vitest";
import { adjustedVerdict, holm } from "../../../src/domain/eval/holm.ts";
import { pairedDeltas, verdictOf, type ClusteredDifferences } from "../../../src/domain/eval/statistics.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

const DRAWS = 1000;
const CLUSTERS = 120;

/**
 * Paired differences of reciprocal ranks as runs make them: documents with one to five questions that move together,
 * most questions unmoved, ranks 1 to 10 before and after. `shift` of 0: before and after are exchangeable.
 */
function drawn(random: CounterRandom, shift: number): ClusteredDifferences {
  const sums = new Float64Array(CLUSTERS);
  const sizes = new Float64Array(CLUSTERS);
  for (let cluster = 0; cluster < CLUSTERS; cluster++) {
    const lean = random.uniform() - 0.5; // of this document, up or down
    const questions = 1 + random.below(5);
    sizes[cluster] = questions;
    for (let question = 0; question < questions; question++) {
      if (random.uniform() < 0.5) continue;
      const [near, far] = [1 + random.below(4), 4 + random.below(7)];
      const up = random.uniform() < 0.5 + lean * 0.6 + shift;
      sums[cluster]! += (up ? 1 : -1) * (1 / near - 1 / far);
    }
  }
  return { metrics: 1, sums, sizes };
}

/** What Δ would be over endlessly many documents: the ratio of expectations, by 400,000 documents. */
function truth(shift: number): number {
  const random = new CounterRandom(1);
  let [sum, size] = [0, 0];
  for (let part = 0; part < 3400; part++) {
    const { sums, sizes } = drawn(random, shift);
    for (let cluster = 0; cluster < CLUSTERS; cluster++) {
      sum += sums[cluster]!;
      size += sizes[cluster]!;
    }
  }
  return sum / size;
}

test("over 1,000 draws the 95 % interval holds the truth in 93 to 97 of 100", () => {
  const shift = 0.08;
  const real = truth(shift);
  const random = new CounterRandom(2);
  let held = 0;
  for (let draw = 0; draw < DRAWS; draw++) {
    const [delta] = pairedDeltas(drawn(random, shift), { seed: draw, resamples: 1000, flips: 1 });
    if (delta!.low <= real && real <= delta!.high) held++;
  }
  expect(held / DRAWS).toBeGreaterThanOrEqual(0.93);
  expect(held / DRAWS).toBeLessThanOrEqual(0.97);
});

test("over 1,000 draws without an effect at most 6.5 of 100 verdicts are false, by interval and by sign flips", () => {
  const random = new CounterRandom(3);
  let [verdicts, small] = [0, 0];
  for (let draw = 0; draw < DRAWS; draw++) {
    const [delta] = pairedDeltas(drawn(random, 0), { seed: draw, resamples: 1000, flips: 1000 });
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
      (run) => pairedDeltas(drawn(random, 0), { seed: 4 * family + run, resamples: 500, flips: 500 })[0]!,
    );
    const adjusted = holm(deltas.map(({ p }) => p));
    if (deltas.some((delta, run) => adjustedVerdict(delta, adjusted[run]!) !== "cannot-tell")) any++;
  }
  expect(any / families).toBeLessThanOrEqual(0.05 + 2 * Math.sqrt((0.05 * 0.95) / families));
});
