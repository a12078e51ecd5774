import type {
  Delta,
  EvaluationReport,
  MetricName,
  Metrics,
  QueryRow,
  SystemName,
  Verdict,
} from "../../src/domain/eval/report.ts";

const CUTS = [1, 3, 5, 10] as const;
const SYSTEMS: readonly SystemName[] = [
  "bm25",
  "base",
  "baseInstruction",
  "tuned",
  "hybridBase",
  "hybridTuned",
];

/** Numbers in 0–1 that repeat for the same seed. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function metricsOf(ranks: readonly (number | null)[]): Metrics {
  const share = (cut: number): number =>
    ranks.filter((rank) => rank !== null && rank <= cut).length / Math.max(1, ranks.length);
  const mrr = ranks.reduce<number>((sum, rank) => sum + (rank !== null && rank <= 10 ? 1 / rank : 0), 0);
  const mean = mrr / Math.max(1, ranks.length);
  const atCuts = CUTS.flatMap((cut) => [
    [`hit@${cut}`, share(cut)],
    [`accuracy@${cut}`, share(cut)],
    [`precision@${cut}`, share(cut) / cut],
    [`recall@${cut}`, share(cut)],
  ]);
  return Object.fromEntries([
    ...atCuts,
    ["mrr@10", mean],
    ["ndcg@10", mean * 1.06],
    ["map@100", mean],
  ]) as Metrics;
}

function deltasOf(after: Metrics, before: Metrics, half: number): Record<MetricName, Delta> {
  const entries = (Object.keys(after) as MetricName[]).map((name) => {
    const value = after[name] - before[name];
    return [name, { value, low: value - half, high: value + half, p: Math.abs(value) > half ? 0.002 : 0.31 }];
  });
  return Object.fromEntries(entries) as Record<MetricName, Delta>;
}

function verdictOf(delta: Delta): Verdict {
  return delta.low > 0 ? "better" : delta.high < 0 ? "worse" : "cannot-tell";
}

const IMPROVEMENT = { better: 0.55, "cannot-tell": 0.05, worse: -0.5 };

/** A report over made-up ranks whose dense verdict is the one asked for. */
export function fakeReport(verdict: Verdict, questions: readonly string[]): EvaluationReport {
  const random = numbers(7);
  const rank = (skill: number): number | null => {
    const place = Math.ceil(1 + random() ** (1 + 4 * skill) * 14);
    return place > 12 ? null : place;
  };
  const gain = IMPROVEMENT[verdict];
  const rows: QueryRow[] = questions.map((text, index) => {
    const skills: Record<SystemName, number> = {
      bm25: 0.3,
      base: 0.35,
      baseInstruction: 0.4,
      tuned: 0.4 + gain,
      hybridBase: 0.6,
      hybridTuned: 0.6 + gain * 0.5,
    };
    const ranks = Object.fromEntries(SYSTEMS.map((system) => [system, rank(Math.max(-0.2, skills[system]))]));
    const top = Object.fromEntries(
      SYSTEMS.map((system) => [system, `p${(index + (ranks[system] ?? 3) - 1) % 40}`]),
    );
    return { query: `q${index}`, text, right: `p${index % 40}`, copyRate: random(), ranks, top };
  });
  const systems = Object.fromEntries(
    SYSTEMS.map((system) => [system, metricsOf(rows.map((row) => row.ranks[system] ?? null))]),
  ) as Record<SystemName, Metrics>;
  const half = verdict === "cannot-tell" ? 0.09 : 0.045;
  const delta = deltasOf(systems.tuned, systems.base, half);
  const deltaHybrid = deltasOf(systems.hybridTuned, systems.hybridBase, half);
  const fusion = {
    lexical: { kind: "bm25", k1: 1.2, b: 0.75, tokens: "[a-z0-9]+" },
    normalise: "z-score per query over all passages, population sd",
    weights: { dense: 0.6, lexical: 0.4 },
  } as const;
  return {
    queries: rows.length,
    clusters: 12,
    systems,
    lowOverlap: { queries: rows.length >> 1, copyRateAtMost: 0.42, systems },
    medianCopyRate: 0.42,
    delta,
    deltaHybrid,
    verdict: verdictOf(delta["mrr@10"]),
    verdictHybrid: verdictOf(deltaHybrid["mrr@10"]),
    smallestDetectable: 0.06,
    fusion: { base: fusion, tuned: fusion },
    rows,
  };
}
