// Is fine-tuning needed at all? Searches without training side by side on the training questions, the share of questions
// whose right passage is within the best 100 (a re-ranker's ceiling), the smallest gain that the test split could show,
// and what an adapter learns in a moment from three quarters of the documents for the fourth (trainers.md §10.14).
//
//   smallest detectable Δ on the test split ≈ 2.8 · se · √(training clusters / test clusters)
//
// se: standard error of a paired Δ of MRR@10 over clusters (statistics.ts), the larger one of trial adapter and instruction.
// The test split itself stays closed: only its size is known here.
import type { Dataset } from "../data/dataset.ts";
import { passageIndex, rightPassages } from "../data/dataset.ts";
import { selectRows, type Matrix } from "../matrix.ts";
import type { Interval, TriageReport, TriageRow, TriageSystem } from "./advice-types.ts";
import { candidatesOf, rerankedScores, type CandidateScores } from "./candidates.ts";
import { judge, type Judged } from "./judge.ts";
import { meanMetrics, METRIC_NAMES } from "./metrics.ts";
import type { Delta } from "./report.ts";
import { clusterDifferences, median, pairedDeltas, standardError } from "./statistics.ts";
import { copyRate } from "./tokens.ts";
import { meanMrr, type TriageGround } from "./triage-ground.ts";
import { triageVerdict } from "./triage-verdict.ts";

const MRR = METRIC_NAMES.indexOf("mrr@10");
const HIT10 = METRIC_NAMES.indexOf("hit@10");
const CEILING_DEPTH = 100;
const SEED = 0;

/** A sample of questions with the best search's candidates, for a cross-encoder that was not trained here. */
export interface RerankSample {
  readonly rows: readonly number[]; // of the ground's questions
  readonly dataset: Dataset;
  readonly retrieved: Matrix;
  readonly candidates: readonly Uint32Array[];
}

/** Questions spread over the file, each with the best `depth` of the fitted hybrid. */
export function rerankSample(ground: TriageGround, questions: number, depth: number): RerankSample {
  const count = Math.min(questions, ground.dataset.queries.length);
  const stride = ground.dataset.queries.length / count;
  const rows = Array.from({ length: count }, (_, index) => Math.floor(index * stride));
  const dataset = { ...ground.dataset, queries: rows.map((row) => ground.dataset.queries[row]!) };
  const retrieved = selectRows(ground.scores.hybridFitted!, rows);
  const most = Math.min(depth, dataset.passages.length);
  const candidates = candidatesOf(dataset, retrieved, { depth: most, forceGold: false });
  return { rows, dataset, retrieved, candidates };
}

export interface TriageSettings {
  readonly test: { readonly questions: number; readonly clusters: number } | null;
  readonly reranked?: { readonly sample: RerankSample; readonly scores: CandidateScores };
}

/** The report over a ground that is laid (triage-ground.ts). */
export function triageReport(ground: TriageGround, { test, reranked }: TriageSettings): TriageReport {
  const { judged, clusters, dataset } = ground;
  const base = judged.base!;
  const rows = (Object.entries(judged) as [TriageSystem, readonly Judged[]][]).map(
    ([system, own]): TriageRow => ({
      system,
      metrics: meanMetrics(own.map(({ metrics }) => metrics)),
      delta: system === "base" ? null : deltaOf(own, base, clusters),
      questions: own.length,
    }),
  );
  if (reranked) rows.push(rerankRow(ground, reranked.sample, reranked.scores));
  const ceiling = shareWithin(bestSearch(ground), clusters, CEILING_DEPTH);
  const detectable = smallestDetectables(ground, test);
  const facts = {
    questions: ground.asked,
    clusters: new Set(clusters).size,
    passages: dataset.passages.length,
    ...{ rows, ceiling },
    fusion: ground.weights,
    smallestDetectable: detectable,
  };
  const { verdict, sentence, reasons } = triageVerdict({
    ...facts,
    hit10: meanInterval(judged[ground.start]!, HIT10, clusters),
    headroom: 1 - Math.max(...rows.map(({ metrics }) => metrics["mrr@10"])),
    trial: judged.trialAdapter ? deltaOf(judged.trialAdapter, judged[ground.start]!, clusters) : null,
    medianCopyRate: medianCopyRate(dataset),
  });
  return { ...facts, verdict, sentence, reasons, notes: notesOf(ground) };
}

function deltaOf(after: readonly Judged[], before: readonly Judged[], clusters: readonly string[]): Delta {
  const rows = (judged: readonly Judged[]) => judged.map(({ metrics }) => Float64Array.of(metrics[MRR]!));
  return pairedDeltas(clusterDifferences(rows(after), rows(before), clusters), { seed: SEED })[0]!;
}

/** The mean of metric `m` with its interval over clusters. */
function meanInterval(judged: readonly Judged[], m: number, clusters: readonly string[]): Interval {
  return intervalOf(
    judged.map(({ metrics }) => metrics[m]!),
    clusters,
  );
}

function intervalOf(values: readonly number[], clusters: readonly string[]): Interval {
  const rows = values.map((value) => Float64Array.of(value));
  const nothing = values.map(() => Float64Array.of(0));
  const [delta] = pairedDeltas(clusterDifferences(rows, nothing, clusters), { seed: SEED, flips: 1 });
  const share = (value: number): number => Math.min(1, Math.max(0, value)); // sums of many leave 0–1 by rounding
  return { value: share(delta!.value), low: share(delta!.low), high: share(delta!.high) };
}

function shareWithin(judged: readonly Judged[], clusters: readonly string[], depth: number): Interval {
  return intervalOf(
    judged.map(({ rank }) => (rank <= depth ? 1 : 0)),
    clusters,
  );
}

function bestSearch({ judged }: TriageGround): readonly Judged[] {
  const found = [judged.base, judged.baseInstruction, judged.hybridFitted, judged.bm25].flatMap((own) =>
    own ? [own] : [],
  );
  return found.reduce((best, own) => (meanMrr(own) > meanMrr(best) ? own : best));
}

function rerankRow(ground: TriageGround, sample: RerankSample, scores: CandidateScores): TriageRow {
  const { dataset, retrieved, candidates, rows } = sample;
  const positives = rows.map((row) => ground.positives[row]!);
  const judged = judge(rerankedScores(dataset, retrieved, candidates, scores), positives, ground.order);
  const of = <T>(values: readonly T[]): T[] => rows.map((row) => values[row]!);
  return {
    system: "reranker",
    metrics: meanMetrics(judged.map(({ metrics }) => metrics)),
    delta: deltaOf(judged, of(ground.judged.base!), of(ground.clusters)),
    questions: rows.length,
  };
}

function smallestDetectables(
  { judged, clusters, start }: TriageGround,
  test: TriageSettings["test"],
): TriageReport["smallestDetectable"] {
  const errorOf = (after: readonly Judged[] | undefined, before: readonly Judged[] | undefined): number => {
    if (!after || !before || after === before) return 0;
    const rows = (own: readonly Judged[]) => own.map(({ metrics }) => metrics);
    return standardError(clusterDifferences(rows(after), rows(before), clusters), MRR);
  };
  const changes = Math.max(
    errorOf(judged.trialAdapter, judged[start]),
    errorOf(judged.baseInstruction, judged.base),
  );
  const error = changes > 0 ? changes : errorOf(judged.hybridFitted, judged[start]);
  const scale = test ? Math.sqrt(new Set(clusters).size / Math.max(1, test.clusters)) : 1;
  return {
    train: Math.min(1, 2.8 * error),
    test: test && test.clusters > 1 ? Math.min(1, 2.8 * error * scale) : null,
    testQuestions: test?.questions ?? 0,
    testClusters: test?.clusters ?? 0,
  };
}

function medianCopyRate(dataset: Dataset): number {
  const places = passageIndex(dataset);
  return median(
    dataset.queries.map((query) => {
      const [right] = rightPassages(query);
      return copyRate(query.text, dataset.passages[places.get(right!)!]!.text);
    }),
  );
}

function notesOf({ asked, dataset }: TriageGround): readonly string[] {
  const [judged, passages] = [dataset.queries.length, dataset.passages.length];
  return [
    ...(judged < asked ? [`Judged on a sample of ${judged} of ${asked} training questions.`] : []),
    ...(passages < 4 * CEILING_DEPTH
      ? [
          `With ${passages} passages the best ${CEILING_DEPTH} are a large part: the ceiling says little here.`,
        ]
      : []),
  ];
}
