import type { ClusteredDifferences } from "../../../src/domain/eval/statistics.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

export const CLUSTERS = 120;

/**
 * Paired differences of reciprocal ranks as runs make them: documents with one to five questions that move together,
 * most questions unmoved, ranks 1 to 10 before and after. `shift` of 0: before and after are exchangeable.
 */
export function drawnDifferences(random: CounterRandom, shift: number): ClusteredDifferences {
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
export function trueDifference(shift: number): number {
  const random = new CounterRandom(1);
  let [sum, size] = [0, 0];
  for (let part = 0; part < 3400; part++) {
    const { sums, sizes } = drawnDifferences(random, shift);
    for (let cluster = 0; cluster < CLUSTERS; cluster++) {
      sum += sums[cluster]!;
      size += sizes[cluster]!;
    }
  }
  return sum / size;
}
