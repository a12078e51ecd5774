// Up to four runs on the questions that all of them were judged on. Reports keep the rank of the best-placed right
// passage of every question, from which hit@k and MRR@10 follow exactly; nothing is judged anew. Each run against its
// base is one family of tests, all pairs of runs another, each corrected by Holm (holm.ts).
import { RetuneError } from "../../engine/errors.ts";
import type {
  ComparedMetric,
  ComparedQuestion,
  ComparedRun,
  PairComparison,
  RunComparison,
} from "./advice-types.ts";
import { adjustedVerdict, holm } from "./holm.ts";
import type { Delta } from "./report.ts";
import {
  clusterDifferences,
  pairedDeltas,
  smallestDetectable,
  type ClusteredDifferences,
} from "./statistics.ts";

const MOST_RUNS = 4;

/** A run as its report tells it: ranks from 1 of every judged question, null where the right passage is not in the list. */
export interface RankedRun {
  readonly id: string;
  readonly name: string;
  readonly model: string; // what it started from
  readonly rows: readonly {
    readonly query: string;
    readonly text: string;
    readonly base: number | null;
    readonly tuned: number | null;
  }[];
}

export interface ComparisonSettings {
  readonly seed: number;
  readonly resamples?: number;
  readonly flips?: number;
}

const METRICS: readonly ComparedMetric[] = ["hit@1", "hit@3", "hit@5", "hit@10", "mrr@10"];
const MRR = METRICS.indexOf("mrr@10");

/** [hit@1, hit@3, hit@5, hit@10, mrr@10] of one question. */
export function metricsOfRank(rank: number | null): Float64Array {
  const at = rank ?? Infinity;
  return Float64Array.from([...[1, 3, 5, 10].map((k) => (at <= k ? 1 : 0)), at <= 10 ? 1 / at : 0]);
}

/**
 * Compares runs on their common questions (same id and text). `clusterOf` names the cluster of a question id. Errors:
 * "usage" for fewer than two or more than four runs, "too-little-data" without a common question.
 */
export function compareRuns(
  runs: readonly RankedRun[],
  clusterOf: (query: string) => string,
  settings: ComparisonSettings,
): RunComparison {
  if (runs.length < 2 || runs.length > MOST_RUNS) {
    throw new RetuneError("usage", `compare: ${runs.length} runs; choose two to ${MOST_RUNS}`);
  }
  const shared = sharedRows(runs);
  const clusters = shared.queries.map(({ query }) => clusterOf(query));
  const mrr = (rows: Sides[]): Float64Array[] => rows.map(({ metrics }) => Float64Array.of(metrics[MRR]!));
  const differences = (after: Sides[], before: Sides[]): ClusteredDifferences =>
    clusterDifferences(mrr(after), mrr(before), clusters);
  const sides = shared.ranks.map((rows) => ({
    tuned: rows.map(({ tuned }) => ({ metrics: metricsOfRank(tuned) })),
    base: rows.map(({ base }) => ({ metrics: metricsOfRank(base) })),
  }));
  const own = sides.map(({ tuned, base }) => deltaOf(differences(tuned, base), settings));
  return {
    questions: shared.queries.length,
    clusters: new Set(clusters).size,
    runs: comparedRuns(runs, sides, own),
    pairs: pairsOf(runs, (first, second) => differences(sides[second]!.tuned, sides[first]!.tuned), settings),
    rows: shared.queries.map(({ query, text }, row): ComparedQuestion => ({
      query,
      text,
      base: shared.ranks[0]![row]!.base,
      ranks: shared.ranks.map((ranks) => ranks[row]!.tuned),
    })),
    notes: leftOut(runs, shared.queries.length),
  };
}

interface Sides {
  readonly metrics: Float64Array;
}

function comparedRuns(
  runs: readonly RankedRun[],
  sides: readonly { readonly tuned: readonly Sides[]; readonly base: readonly Sides[] }[],
  deltas: readonly Delta[],
): readonly ComparedRun[] {
  const adjusted = holm(deltas.map(({ p }) => p));
  return runs.map(({ id, name, model }, index) => ({
    ...{ id, name, model },
    metrics: means(sides[index]!.tuned),
    base: means(sides[index]!.base),
    delta: deltas[index]!,
    adjusted: adjusted[index]!,
    verdict: adjustedVerdict(deltas[index]!, adjusted[index]!),
  }));
}

type Row = RankedRun["rows"][number];

function sharedRows(runs: readonly RankedRun[]): {
  readonly queries: readonly Row[];
  readonly ranks: readonly Row[][];
} {
  const known = runs.map(({ rows }) => new Map(rows.map((row) => [row.query, row])));
  const queries = runs[0]!.rows.filter(({ query, text }) =>
    known.every((rows) => rows.get(query)?.text === text),
  );
  if (queries.length === 0) {
    throw new RetuneError(
      "too-little-data",
      "compare: these runs were not judged on a single common question; choose runs of the same test split",
    );
  }
  return { queries, ranks: known.map((rows) => queries.map(({ query }) => rows.get(query)!)) };
}

function deltaOf(differences: ClusteredDifferences, settings: ComparisonSettings): Delta {
  return pairedDeltas(differences, settings)[0]!;
}

function pairsOf(
  runs: readonly RankedRun[],
  differences: (first: number, second: number) => ClusteredDifferences,
  settings: ComparisonSettings,
): readonly PairComparison[] {
  const pairs = runs.flatMap((_run, first) =>
    runs.slice(first + 1).map((_other, offset) => [first, first + 1 + offset] as const),
  );
  const found = pairs.map(([first, second]) => differences(first, second));
  const deltas = found.map((each) => deltaOf(each, settings));
  const adjusted = holm(deltas.map(({ p }) => p));
  return pairs.map(([first, second], index) => ({
    first: runs[first]!.id,
    second: runs[second]!.id,
    delta: deltas[index]!,
    adjusted: adjusted[index]!,
    verdict: adjustedVerdict(deltas[index]!, adjusted[index]!),
    smallestDetectable: smallestDetectable(found[index]!, 0),
  }));
}

function means(rows: readonly Sides[]): Readonly<Partial<Record<ComparedMetric, number>>> {
  return Object.fromEntries(
    METRICS.map((name, index) => [
      name,
      rows.reduce((sum, { metrics }) => sum + metrics[index]!, 0) / rows.length,
    ]),
  );
}

function leftOut(runs: readonly RankedRun[], shared: number): readonly string[] {
  return runs.flatMap(({ name, rows }) => {
    const missing = rows.length - shared;
    if (missing === 0) return [];
    return [
      `${name} was judged on ${missing} questions that not all of these runs share; they are left out.`,
    ];
  });
}
