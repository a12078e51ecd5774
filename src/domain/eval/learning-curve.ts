// What twice the data would bring. Adapters are trained on nested subsets of the training documents and judged on the
// same held-out ones; err = 1 − MRR@10.
//
//   forecast = err(n) − err(2n) of the law fitted to each bootstrap replicate (power-law.ts): 2.5, 50, 97.5 percentiles
//
// A replicate draws held-out clusters with replacement, the same draw at every size, so that what all sizes have in
// common cancels. Learning curves can be ill-behaved (Viering & Loog 2021): nothing is said below four points, nor where
// the error does not fall along the sizes by more than its noise.
import { CounterRandom } from "../random.ts";
import type { CurvePoint, Interval, LearningAdvice, LearningCurve } from "./advice-types.ts";
import { signedPoints } from "./points.ts";
import { errorAt, fitPowerLaw } from "./power-law.ts";
import { mean, percentile } from "./statistics.ts";

export const FRACTIONS = [1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1] as const;
const LEAST_POINTS = 4;
const LEAST_HELD_CLUSTERS = 8;
const REPLICATES = 400;
const FLAT = 0.005;
const CONFUSED = 0.25; // share of replicates whose error rises along the sizes: more than that is noise

/** A trained size: reciprocal ranks of the same held-out questions at every size. */
export interface CurveSample {
  readonly questions: number;
  readonly clusters: number;
  readonly reciprocalRanks: readonly number[]; // [held-out questions], 0 beyond the tenth; a mean over orders
}

export interface CurveGround {
  readonly samples: readonly CurveSample[]; // ascending
  readonly base: readonly number[]; // without training
  readonly clusters: readonly string[]; // of the held-out questions
  readonly seed: number;
}

/** The curve with its forecast, or the reason why there is none. */
export function learningCurveOf({ samples, base, clusters, seed }: CurveGround): LearningCurve {
  const replicas = replicasOf(samples, clusters, seed);
  const points = samples.map((sample, index): CurvePoint => {
    const sorted = Float64Array.from(replicas, (errors) => errors[index]!).sort();
    const value = 1 - mean(sample.reciprocalRanks);
    const error = { value, low: percentile(sorted, 0.025), high: percentile(sorted, 0.975) };
    return { questions: sample.questions, clusters: sample.clusters, error };
  });
  const advice = adviceOf(points, replicas, clusters);
  return { points, base: 1 - mean(base), heldOut: clusters.length, advice, sentence: sentenceOf(advice) };
}

/** Mean errors [replicates][sizes] over resampled clusters. */
function replicasOf(
  samples: readonly CurveSample[],
  clusters: readonly string[],
  seed: number,
): readonly (readonly number[])[] {
  const members = new Map<string, number[]>();
  for (const [row, name] of clusters.entries()) members.set(name, [...(members.get(name) ?? []), row]);
  const groups = [...members.values()];
  const random = CounterRandom.stream(seed, 71);
  return Array.from({ length: REPLICATES }, () => {
    const rows = groups.flatMap(() => groups[random.below(groups.length)]!);
    return samples.map(({ reciprocalRanks }) => 1 - mean(rows.map((row) => reciprocalRanks[row]!)));
  });
}

function adviceOf(
  points: readonly CurvePoint[],
  replicas: readonly (readonly number[])[],
  clusters: readonly string[],
): LearningAdvice {
  if (points.length < LEAST_POINTS) {
    const detail = `${points.length} sizes could be trained; a curve needs ${LEAST_POINTS}`;
    return { kind: "refused", reason: "few-points", detail };
  }
  const held = new Set(clusters).size;
  if (held < LEAST_HELD_CLUSTERS) {
    const detail = `${held} documents are held out to judge on; ${LEAST_HELD_CLUSTERS} are needed. Add documents that have questions`;
    return { kind: "refused", reason: "few-questions", detail };
  }
  const rising = replicas.filter((errors) => trend(errors) >= 0).length / replicas.length;
  if (rising > CONFUSED) {
    const share = `${Math.round(100 * rising)} %`;
    const detail = `in ${share} of the resamples the error does not fall as questions are added, so the sizes differ by noise`;
    return { kind: "refused", reason: "noise", detail };
  }
  const sizes = points.map(({ questions }) => questions);
  const last = sizes.at(-1)!;
  const gains = replicas.map((errors) => {
    const law = fitPowerLaw(sizes, errors);
    return errorAt(law, last) - errorAt(law, 2 * last);
  });
  const law = fitPowerLaw(
    sizes,
    points.map(({ error }) => error.value),
  );
  const doubled = intervalOf(gains, errorAt(law, last) - errorAt(law, 2 * last));
  return { kind: "forecast", ...law, doubled, reached: 1 - errorAt(law, last), flat: doubled.high < FLAT };
}

/** Slope of the error over log n: below 0 where data help. */
function trend(errors: readonly number[]): number {
  const middle = (errors.length - 1) / 2;
  return errors.reduce((sum, error, index) => sum + (index - middle) * error, 0);
}

function intervalOf(values: readonly number[], value: number): Interval {
  const sorted = Float64Array.from(values).sort();
  return { value, low: percentile(sorted, 0.025), high: percentile(sorted, 0.975) };
}

function sentenceOf(advice: LearningAdvice): string {
  if (advice.kind === "refused") return `No forecast: ${advice.detail}.`;
  const { low, high } = advice.doubled;
  const range = `${signedPoints(low)} … ${signedPoints(high)} points of MRR@10`;
  return advice.flat
    ? `Twice the data: ${range}. The curve is flat; better questions and labels help more than more of them.`
    : `Twice the data: ${range}.`;
}
