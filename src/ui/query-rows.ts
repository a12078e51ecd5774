import type { EvaluationReport, QueryRow } from "../domain/eval/report.ts";
import { systemsOf, type SearchView } from "./verdict.ts";

export type Outcome = "won" | "lost" | "same" | "both-fail";
export type RowFilter = "all" | Outcome;
export type RowOrder = "change" | "before" | "after" | "copy" | "file";

/** One row of the per-query table: ranks from 1, null where the right passage was not found. */
export interface RankedRow {
  readonly row: QueryRow;
  readonly position: number; // in the file
  readonly before: number | null;
  readonly after: number | null;
  readonly outcome: Outcome;
  readonly gain: number; // places won; a passage not found counts as one place behind the last
}

function outcomeOf(before: number | null, after: number | null): Outcome {
  if (before === after) return before === null ? "both-fail" : "same";
  return (after ?? Infinity) < (before ?? Infinity) ? "won" : "lost";
}

/** Rows of a view; in the lexical view before and after are both BM25's. */
export function rankRows(
  report: EvaluationReport,
  view: SearchView,
  instructed: boolean,
): readonly RankedRow[] {
  const [beforeName, afterName] = systemsOf(view, instructed);
  const deepest =
    1 + Math.max(100, ...report.rows.flatMap((row) => Object.values(row.ranks).map((r) => r ?? 0)));
  return report.rows.map((row, position) => {
    const fallback = view === "dense" ? row.ranks.base : undefined;
    const before = row.ranks[beforeName] ?? fallback ?? null;
    const after = afterName ? (row.ranks[afterName] ?? null) : before;
    const gain = (before ?? deepest) - (after ?? deepest);
    return { row, position, before, after, outcome: outcomeOf(before, after), gain };
  });
}

export function countOutcomes(rows: readonly RankedRow[]): Readonly<Record<RowFilter, number>> {
  const counts = { all: rows.length, won: 0, lost: 0, same: 0, "both-fail": 0 };
  for (const row of rows) counts[row.outcome] += 1;
  return counts;
}

const LAST = Number.MAX_SAFE_INTEGER;

const ORDERS: Readonly<Record<RowOrder, (a: RankedRow, b: RankedRow) => number>> = {
  change: (a, b) => Math.abs(b.gain) - Math.abs(a.gain) || b.gain - a.gain,
  before: (a, b) => (b.before ?? LAST) - (a.before ?? LAST),
  after: (a, b) => (b.after ?? LAST) - (a.after ?? LAST),
  copy: (a, b) => a.row.copyRate - b.row.copyRate,
  file: () => 0,
};

/** Rows that pass the filter and contain the words, in the order asked for; ties keep the order of the file. */
export function chooseRows(
  rows: readonly RankedRow[],
  filter: RowFilter,
  order: RowOrder,
  words = "",
): readonly RankedRow[] {
  const needle = words.trim().toLowerCase();
  const fits = (row: RankedRow): boolean =>
    (filter === "all" || row.outcome === filter) &&
    (needle === "" || row.row.text.toLowerCase().includes(needle));
  return rows.filter(fits).sort((a, b) => ORDERS[order](a, b) || a.position - b.position);
}

/** What is left of a test without some of its questions: hit@5 and MRR@10 before and after. */
export interface ScoreWithout {
  readonly left: number; // questions taken out
  readonly questions: number; // that remain
  readonly hit5: readonly [number, number];
  readonly mrr10: readonly [number, number];
}

/** The score of the questions that are not among `leaked` (ids). */
export function scoreWithout(rows: readonly RankedRow[], leaked: ReadonlySet<string>): ScoreWithout {
  const kept = rows.filter(({ row }) => !leaked.has(row.query));
  const mean = (value: (rank: number | null) => number): readonly [number, number] => {
    const of = (side: "before" | "after"): number =>
      kept.reduce((sum, row) => sum + value(row[side]), 0) / Math.max(1, kept.length);
    return [of("before"), of("after")];
  };
  return {
    left: rows.length - kept.length,
    questions: kept.length,
    hit5: mean((rank) => (rank !== null && rank <= 5 ? 1 : 0)),
    mrr10: mean((rank) => (rank !== null && rank <= 10 ? 1 / rank : 0)),
  };
}
