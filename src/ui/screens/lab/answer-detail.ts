import type { LabArmAnswer } from "../../../app/studio-lab.ts";

/** A table of an answer's detail: what a query found. */
export interface DetailTable {
  readonly key: "goldResult" | "result";
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly count: number;
}

export function tablesOf({ detail = {} }: LabArmAnswer): readonly DetailTable[] {
  return (["goldResult", "result"] as const).flatMap((key) => {
    const value = detail[key];
    return isTable(value) ? [{ key, columns: value.columns, rows: value.rows, count: value.count }] : [];
  });
}

function isTable(value: unknown): value is Omit<DetailTable, "key"> {
  return (
    typeof value === "object" && value !== null && "columns" in value && "rows" in value && "count" in value
  );
}

/** Why an answer does not fit: a query's error, what a schema refuses, by path where there is one. */
export function errorsOf({ detail = {} }: LabArmAnswer): readonly string[] {
  const { error, unjudged, errors } = detail;
  const single = [error, unjudged].filter((value) => typeof value === "string");
  const listed = Array.isArray(errors) ? errors.map(errorText) : [];
  return [...single, ...listed];
}

function errorText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return String(value);
  const { path, message } = value as { path?: unknown; message?: unknown };
  const said = typeof message === "string" ? message : JSON.stringify(value);
  return typeof path === "string" && path !== "" ? `${path}: ${said}` : said;
}

export type AnswerFilter = "all" | "won" | "lost" | "wrong";

/** Which rows changed by the measure that decides: 1 is right, all below is not. */
export function passes(
  filter: AnswerFilter,
  base: number | undefined,
  tuned: number | undefined,
  better: "higher" | "lower",
): boolean {
  if (filter === "all") return true;
  if (base === undefined || tuned === undefined) return false;
  const gain = better === "higher" ? tuned - base : base - tuned;
  if (filter === "won") return gain > 0;
  if (filter === "lost") return gain < 0;
  return gain === 0 && tuned !== 1;
}
