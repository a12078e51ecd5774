import { groupsOf, rightPassages, type Dataset } from "../data/dataset.ts";
import type { Judged } from "./judge.ts";
import { meanMetrics, METRIC_NAMES } from "./metrics.ts";
import type { Delta, EvaluationReport, Fusion, MetricName, Metrics, QueryRow, SystemName } from "./report.ts";
import {
  clusterDifferences,
  median,
  pairedDeltas,
  smallestDetectable,
  verdictOf,
  type ClusteredDifferences,
} from "./statistics.ts";
import { copyRate } from "./tokens.ts";

export type JudgedSystems = Readonly<Partial<Record<SystemName, readonly Judged[]>>>;

export interface ReportSettings {
  readonly instruction: boolean; // tuned is compared with the base that uses it too
  readonly fusion: { readonly base: Fusion; readonly tuned: Fusion };
  readonly seed: number;
  readonly resamples?: number;
}

const MRR = METRIC_NAMES.indexOf("mrr@10");

/** The report of systems judged on the same queries, which are all of `dataset.queries`. */
export function reportOf(
  dataset: Dataset,
  judged: JudgedSystems,
  settings: ReportSettings,
): EvaluationReport {
  const clusters = groupsOf(dataset);
  const rows = queryRows(dataset, judged);
  const rates = rows.map((row) => row.copyRate);
  const middle = median(rates);
  const low = rates.flatMap((rate, index) => (rate <= middle ? [index] : []));
  const compared = (after: SystemName, before: SystemName): ClusteredDifferences | null =>
    judged[after] && judged[before]
      ? clusterDifferences(metricsOf(judged[after]), metricsOf(judged[before]), clusters)
      : null;
  const dense = compared("tuned", settings.instruction ? "baseInstruction" : "base");
  const delta = dense && deltasByName(dense, settings);
  const hybrid = compared("hybridTuned", "hybridBase");
  const deltaHybrid = hybrid && deltasByName(hybrid, settings);
  return {
    queries: dataset.queries.length,
    clusters: new Set(clusters).size,
    systems: meansOf(judged),
    lowOverlap: { queries: low.length, copyRateAtMost: middle, systems: meansOf(judged, low) },
    medianCopyRate: middle,
    delta,
    deltaHybrid,
    verdict: delta ? verdictOf(delta["mrr@10"]) : "cannot-tell",
    verdictHybrid: deltaHybrid ? verdictOf(deltaHybrid["mrr@10"]) : "cannot-tell",
    smallestDetectable: dense ? smallestDetectable(dense, MRR) : 1,
    fusion: settings.fusion,
    rows,
  };
}

const metricsOf = (judged: readonly Judged[]): readonly Float64Array[] =>
  judged.map((query) => query.metrics);

function meansOf(
  judged: JudgedSystems,
  only?: readonly number[],
): Readonly<Partial<Record<SystemName, Metrics>>> {
  const entries = Object.entries(judged) as [SystemName, readonly Judged[]][];
  return Object.fromEntries(
    entries.map(([system, queries]) => [
      system,
      meanMetrics(metricsOf(only ? only.map((index) => queries[index]!) : queries)),
    ]),
  );
}

function deltasByName(
  differences: ClusteredDifferences,
  settings: ReportSettings,
): Record<MetricName, Delta> {
  const { seed, resamples } = settings;
  const deltas = pairedDeltas(differences, { seed, ...(resamples === undefined ? {} : { resamples }) });
  return Object.fromEntries(METRIC_NAMES.map((name, index) => [name, deltas[index]!])) as Record<
    MetricName,
    Delta
  >;
}

function queryRows(dataset: Dataset, judged: JudgedSystems): readonly QueryRow[] {
  const texts = new Map(dataset.passages.map((passage) => [passage.id, passage.text]));
  const systems = Object.entries(judged) as [SystemName, readonly Judged[]][];
  return dataset.queries.map((query, index) => {
    const [right = query.relevant[0]!.passage] = rightPassages(query);
    return {
      query: query.id,
      text: query.text,
      right,
      copyRate: copyRate(query.text, texts.get(right) ?? ""),
      ranks: Object.fromEntries(systems.map(([system, queries]) => [system, queries[index]!.rank])),
      top: Object.fromEntries(
        systems.map(([system, queries]) => [system, dataset.passages[queries[index]!.first]!.id]),
      ),
    };
  });
}
