// Retrieve and re-rank: the first stage ranks all passages, a cross-encoder orders the best `depth` of them anew, the
// rest keep their order behind these. One ranking a system, judged by the same judge as every search.
//
//   pairwise average precision = Σ_n (R_n − R_{n−1})·P_n over the thresholds of all pairs together, ties at once
//                                (sklearn's average_precision_score, the main figure of CEBinaryClassificationEvaluator)
//   hits of the guide          = kept texts that contain, or are contained in, a relevant text of their question; several
//                                a question count (llamaindex.md §6.3)
import { RetuneError } from "../../engine/errors.ts";
import { groupsOf, passageIndex, type Dataset } from "../data/dataset.ts";
import { rowOf, type Matrix } from "../matrix.ts";
import { rerankedScores, type CandidateOptions, type CandidateScores } from "./candidates.ts";
import { positivesOf } from "./evaluate.ts";
import { judge, type Judged, type Positive } from "./judge.ts";
import { idOrder, meanMetrics, METRIC_NAMES } from "./metrics.ts";
import { topColumns } from "./ranking.ts";
import type { Delta, MetricName, Metrics, Verdict } from "./report.ts";
import { clusterDifferences, pairedDeltas, smallestDetectable, verdictOf } from "./statistics.ts";

export type RerankSystem = "retrieved" | "rerankedBase" | "rerankedTuned";

export interface RerankRow {
  readonly query: string; // id
  readonly text: string;
  readonly right: string; // passage id of the first positive
  readonly ranks: Readonly<Partial<Record<RerankSystem, number>>>;
  readonly top: Readonly<Partial<Record<RerankSystem, string>>>;
}

export interface RerankReport {
  readonly queries: number;
  readonly clusters: number;
  readonly depth: number;
  readonly forceGold: boolean;
  readonly ceiling: number; // share of questions with a right passage among the candidates
  readonly systems: Readonly<Partial<Record<RerankSystem, Metrics>>>;
  readonly averagePrecision: Readonly<Partial<Record<RerankSystem, number>>>; // over all candidate pairs
  readonly guideHits: Readonly<Partial<Record<RerankSystem, number>>> & { readonly keep: number };
  readonly delta: Readonly<Record<MetricName, Delta>> | null; // tuned − base re-ranker
  readonly deltaRetrieved: Readonly<Record<MetricName, Delta>> | null; // tuned (else base) re-ranker − no re-ranker
  readonly verdict: Verdict; // of delta by mrr@10
  readonly verdictRetrieved: Verdict;
  readonly smallestDetectable: number; // Δ of mrr@10 against no re-ranker, at 80 % power
  readonly rows: readonly RerankRow[];
}

export interface RerankReportSettings extends CandidateOptions {
  readonly seed: number;
  readonly resamples?: number;
  readonly keep?: number; // of the guide's hits, 3
}

/** What the cross-encoder gives before and after training, for the same candidates. */
export interface ScoredCandidates {
  readonly base?: CandidateScores;
  readonly tuned?: CandidateScores;
}

/**
 * The systems side by side. `base` and `tuned` score the same candidates (candidatesOf). Questions without a positive
 * are left out.
 */
export function rerankReport(
  dataset: Dataset,
  retrieved: Matrix,
  candidates: readonly Uint32Array[],
  scored: ScoredCandidates,
  settings: RerankReportSettings,
): RerankReport {
  const places = passageIndex(dataset);
  const positives = dataset.queries.map((query) => positivesOf(query, places));
  const kept = positives.flatMap((found, index) => (found.length > 0 ? [index] : []));
  if (kept.length === 0) throw nothingToJudge(dataset);
  const order = idOrder(dataset.passages.map(({ id }) => id));
  const rankings = {
    retrieved,
    ...mapSystems(named(scored), (own) => rerankedScores(dataset, retrieved, candidates, own)),
  };
  const judged = mapSystems(rankings, (matrix) =>
    kept.map((row) => judge(oneRow(matrix, row), [positives[row]!], order)[0]!),
  );
  const { deltas, ...compared } = comparisons(dataset, kept, judged, settings);
  const pairScores = { ...named(scored), retrieved: retrievedPairs(retrieved, candidates) };
  const keep = settings.keep ?? 3;
  return {
    queries: kept.length,
    depth: settings.depth,
    forceGold: settings.forceGold,
    ceiling: ceilingOf(kept, candidates, positives),
    systems: mapSystems(judged, (rows) => meanMetrics(rows.map(({ metrics }) => metrics))),
    averagePrecision: mapSystems(pairScores, (own) =>
      averagePrecision(kept.flatMap((row) => labelled(own[row]!, candidates[row]!, positives[row]!))),
    ),
    guideHits: {
      keep,
      ...mapSystems(rankings, (matrix) => guideHits(dataset, matrix, kept, positives, keep)),
    },
    ...deltas,
    ...compared,
    rows: kept.map((row, index) => reportRow(dataset, row, positives[row]![0]!, judged, index)),
  };
}

/** sklearn's average precision of scores with labels; 0 without a positive. */
export function averagePrecision(
  pairs: readonly { readonly score: number; readonly right: boolean }[],
): number {
  const sorted = [...pairs].sort((a, b) => b.score - a.score);
  const total = sorted.filter(({ right }) => right).length;
  let [hits, before, sum] = [0, 0, 0];
  for (const [index, { score, right }] of sorted.entries()) {
    if (right) hits++;
    if (sorted[index + 1]?.score === score) continue;
    sum += (hits - before) * (hits / (index + 1));
    before = hits;
  }
  return total > 0 ? sum / total : 0;
}

function named({ base, tuned }: ScoredCandidates): Partial<Record<RerankSystem, CandidateScores>> {
  return { ...(base ? { rerankedBase: base } : {}), ...(tuned ? { rerankedTuned: tuned } : {}) };
}

function retrievedPairs(retrieved: Matrix, candidates: readonly Uint32Array[]): CandidateScores {
  return candidates.map((columns, query) =>
    Float32Array.from(columns, (column) => rowOf(retrieved, query)[column]!),
  );
}

function labelled(
  scores: Float32Array,
  columns: Uint32Array,
  positives: readonly Positive[],
): { score: number; right: boolean }[] {
  const right = new Set(positives.map(({ passage }) => passage));
  return Array.from(scores, (score, index) => ({ score, right: right.has(columns[index]!) }));
}

function guideHits(
  dataset: Dataset,
  scores: Matrix,
  kept: readonly number[],
  positives: readonly (readonly Positive[])[],
  keep: number,
): number {
  const order = idOrder(dataset.passages.map(({ id }) => id));
  const textOf = (column: number): string => dataset.passages[column]!.text;
  let hits = 0;
  for (const row of kept) {
    const relevant = positives[row]!.map(({ passage }) => textOf(passage));
    for (const column of topColumns(rowOf(scores, row), order, keep)) {
      const text = textOf(column);
      if (relevant.some((right) => right.includes(text) || text.includes(right))) hits++;
    }
  }
  return hits;
}

type Comparisons = Pick<RerankReport, "clusters" | "verdict" | "verdictRetrieved" | "smallestDetectable"> & {
  readonly deltas: Pick<RerankReport, "delta" | "deltaRetrieved">;
};

function comparisons(
  dataset: Dataset,
  kept: readonly number[],
  judged: Partial<Record<RerankSystem, Judged[]>>,
  { seed, resamples }: RerankReportSettings,
): Comparisons {
  const groups = groupsOf(dataset);
  const clusters = kept.map((row) => groups[row]!);
  const rows = (system: RerankSystem): Float64Array[] | undefined =>
    judged[system]?.map(({ metrics }) => metrics);
  const differences = (after: Float64Array[] | undefined, before: Float64Array[] | undefined) =>
    after && before ? clusterDifferences(after, before, clusters) : null;
  const against = differences(rows("rerankedTuned"), rows("rerankedBase"));
  const gained = differences(rows("rerankedTuned") ?? rows("rerankedBase"), rows("retrieved"));
  const byName = (found: typeof against): Record<MetricName, Delta> | null => {
    if (!found) return null;
    const deltas = pairedDeltas(found, { seed, ...(resamples === undefined ? {} : { resamples }) });
    return Object.fromEntries(METRIC_NAMES.map((name, index) => [name, deltas[index]!])) as Record<
      MetricName,
      Delta
    >;
  };
  const deltas = { delta: byName(against), deltaRetrieved: byName(gained) };
  const verdict = (delta: Record<MetricName, Delta> | null): Verdict =>
    delta ? verdictOf(delta["mrr@10"]) : "cannot-tell";
  return {
    deltas,
    clusters: new Set(clusters).size,
    verdict: verdict(deltas.delta),
    verdictRetrieved: verdict(deltas.deltaRetrieved),
    smallestDetectable: gained ? smallestDetectable(gained, METRIC_NAMES.indexOf("mrr@10")) : 1,
  };
}

function reportRow(
  dataset: Dataset,
  row: number,
  first: Positive,
  judged: Partial<Record<RerankSystem, Judged[]>>,
  index: number,
): RerankRow {
  const { id, text } = dataset.queries[row]!;
  return {
    query: id,
    text,
    right: dataset.passages[first.passage]!.id,
    ranks: mapSystems(judged, (rows) => rows[index]!.rank),
    top: mapSystems(judged, (rows) => dataset.passages[rows[index]!.first]!.id),
  };
}

function mapSystems<A, B>(
  values: Readonly<Partial<Record<RerankSystem, A | undefined>>>,
  change: (value: A) => B,
): Partial<Record<RerankSystem, B>> {
  const entries = Object.entries(values) as [RerankSystem, A | undefined][];
  return Object.fromEntries(
    entries.flatMap(([system, value]) => (value === undefined ? [] : [[system, change(value)]])),
  );
}

function ceilingOf(
  kept: readonly number[],
  candidates: readonly Uint32Array[],
  positives: readonly (readonly Positive[])[],
): number {
  const found = kept.filter((row) => {
    const known = new Set(candidates[row]);
    return positives[row]!.some(({ passage }) => known.has(passage));
  });
  return found.length / kept.length;
}

const oneRow = (matrix: Matrix, row: number): Matrix => ({
  rows: 1,
  columns: matrix.columns,
  values: rowOf(matrix, row),
});

function nothingToJudge(dataset: Dataset): RetuneError {
  return new RetuneError(
    "too-little-data",
    `re-rank: none of the ${dataset.queries.length} questions names a relevant passage; check relevant_docs`,
  );
}
