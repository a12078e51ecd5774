import type { QueryTable, SqlValue } from "./sqlite.ts";

const TOLERANCE = 1e-9; // |a − b| ≤ TOLERANCE · max(1, |a|, |b|)

/**
 * Whether two results are equal: as many columns (whatever their names), the same rows, as a list where `ordered`, else as a
 * multiset. Numbers are equal within 1e-9, a text is no number, and NULL equals NULL.
 */
export function sameResult(first: QueryTable, second: QueryTable, ordered: boolean): boolean {
  if (first.columns.length !== second.columns.length || first.rows.length !== second.rows.length)
    return false;
  if (ordered) return first.rows.every((row, place) => sameRow(row, second.rows[place]!));
  return sameRows(first.rows, second.rows);
}

type Row = readonly SqlValue[];

/** Rows that are equal to the last bit are paired off by their text, the others one by one. */
function sameRows(first: readonly Row[], second: readonly Row[]): boolean {
  const counts = new Map<string, number>();
  for (const row of second) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1);
  const unpaired = first.filter((row) => !taken(counts, keyOf(row)));
  if (unpaired.length === 0) return true;
  const left = second.filter((row) => taken(counts, keyOf(row)));
  return unpaired.every((row) => {
    const found = left.findIndex((other) => sameRow(row, other));
    if (found >= 0) left.splice(found, 1);
    return found >= 0;
  });
}

function taken(counts: Map<string, number>, key: string): boolean {
  const count = counts.get(key) ?? 0;
  if (count > 0) counts.set(key, count - 1);
  return count > 0;
}

function keyOf(row: Row): string {
  return JSON.stringify(row.map((value) => (typeof value === "bigint" ? Number(value) : value)));
}

function sameRow(first: Row, second: Row): boolean {
  return first.every((value, place) => sameValue(value, second[place]!));
}

function sameValue(first: SqlValue, second: SqlValue): boolean {
  const [a, b] = [first, second].map((value) => (typeof value === "bigint" ? Number(value) : value));
  if (typeof a !== "number" || typeof b !== "number") return a === b;
  return a === b || Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));
}
