// The strength α of θ(α) = (1 − α)·θ₀ + α·θ (WiSE-FT, 2109.01903; LM-Cocktail, 2311.13534) at which a model serves its
// task best without losing on general questions:
//
//   α* = argmax { target(α) : lower 95 % bound of Δ general(α) > −.01 },  α = 0, .1, … 1
//
// The figure at α* was looked for, so it flatters. `crossFitted` does not: half of the clusters choose, the other half
// judges, both ways round.
import { CounterRandom } from "../random.ts";
import type { MergeCurve, MergePoint } from "./advice-types.ts";
import { MARGIN } from "./drift.ts";
import { signedPoints } from "./points.ts";
import type { Delta } from "./report.ts";
import { mean } from "./statistics.ts";

export const STRENGTHS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1] as const;

/** A strength, judged: reciprocal ranks of the same questions at every strength. */
export interface JudgedStrength {
  readonly strength: number;
  readonly reciprocalRanks: readonly number[]; // [questions], 0 beyond the tenth
  readonly general: number; // NDCG@10
  readonly generalDelta: Delta; // against strength 0
}

export interface MergeSettings {
  readonly clusters: readonly string[]; // [questions]
  readonly basis: MergeCurve["basis"];
  readonly seed: number;
}

export function mergePointOf({
  strength,
  reciprocalRanks,
  general,
  generalDelta,
}: JudgedStrength): MergePoint {
  const nonInferior = strength === 0 || generalDelta.low > -MARGIN;
  return { strength, target: mean(reciprocalRanks), general, generalDelta, nonInferior };
}

/** The curve and the strength to take; `judged` ascends from strength 0. */
export function mergeCurveOf(judged: readonly JudgedStrength[], settings: MergeSettings): MergeCurve {
  const points = judged.map(mergePointOf);
  const open = judged.filter((_each, index) => points[index]!.nonInferior);
  const chosen = bestOf(open, null);
  const best = chosen && chosen.strength > 0 ? chosen.strength : null;
  const curve = {
    points,
    basis: settings.basis,
    best,
    crossFitted: crossFitted(open, settings),
    questions: judged[0]?.reciprocalRanks.length ?? 0,
  };
  return { ...curve, sentence: sentenceOf(curve) };
}

/** The strength with the highest target on the given questions (null: all); the weaker one of equals. */
function bestOf(open: readonly JudgedStrength[], rows: readonly number[] | null): JudgedStrength | undefined {
  const target = ({ reciprocalRanks }: JudgedStrength): number =>
    mean(rows ? rows.map((row) => reciprocalRanks[row]!) : reciprocalRanks);
  return open.reduce<JudgedStrength | undefined>(
    (best, each) => (best && target(best) >= target(each) ? best : each),
    undefined,
  );
}

function crossFitted(open: readonly JudgedStrength[], { clusters, seed }: MergeSettings): number | null {
  const names = [...new Set(clusters)];
  if (names.length < 2 || open.length === 0) return null;
  const shuffled = CounterRandom.stream(seed, 81).permutation(names.length);
  const firstHalf = new Set(Array.from(shuffled.subarray(0, names.length >> 1), (place) => names[place]!));
  const rowsOf = (wanted: boolean): number[] =>
    clusters.flatMap((name, row) => (firstHalf.has(name) === wanted ? [row] : []));
  const found: number[] = [];
  for (const side of [true, false]) {
    const { reciprocalRanks } = bestOf(open, rowsOf(side))!;
    found.push(...rowsOf(!side).map((row) => reciprocalRanks[row]!));
  }
  return mean(found);
}

function sentenceOf({ points, best, basis, crossFitted: honest }: Omit<MergeCurve, "sentence">): string {
  if (best === null) return "No strength beats the base without risking general questions: keep the base.";
  const at = points.find(({ strength }) => strength === best)!;
  const gain = `${signedPoints(at.target - points[0]!.target)} points of MRR@10`;
  const chosen = `Strength ${best} gains most (${gain}) with general questions kept`;
  if (basis === "held-out" || honest === null) return `${chosen}.`;
  const checked = `${signedPoints(honest - points[0]!.target)} where other documents choose the strength`;
  return `${chosen}; it was chosen on the test questions, so expect less: ${checked}.`;
}
