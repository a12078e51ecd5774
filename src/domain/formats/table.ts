import type { ImportWarning } from "../data/import-report.ts";
import { decodeText } from "../text/decode.ts";
import { textLines } from "../text/lines.ts";
import type { JsonNode } from "./json.ts";
import { jsonRow } from "./jsonl.ts";
import { readSeparated } from "./separated.ts";
import { TableRows, type Table, type TableCell } from "./table-rows.ts";

/**
 * CSV (comma, semicolon, tab or bar, found in the content), TSV, JSON Lines or Parquet → its rows. Rows that cannot be
 * read are counted in `badRows`. Errors that spoil the whole file: those of decodeText, readSeparated and readParquet.
 */
export async function readTable(name: string, bytes: Uint8Array): Promise<Table> {
  if (String.fromCharCode(...bytes.subarray(0, 4)) === "PAR1") {
    const { readParquet } = await import("./parquet.ts");
    return readParquet(name, bytes);
  }
  const { text, warnings } = decodeText(bytes, name);
  if (/^\s*\{/.test(text)) return readJsonLinesTable(name, text, warnings);
  return readSeparated(name, text, warnings);
}

function readJsonLinesTable(name: string, text: string, warnings: readonly ImportWarning[]): Table {
  const rows = new TableRows(name);
  const columns = new Map<string, number>();
  for (const { line, text: own } of textLines(text)) {
    if (own.trim() === "") continue;
    const row = rows.attempt(() => jsonRow(own, line, name));
    if (row) rows.add({ line, cells: cellsOf(row.entries, columns) });
  }
  return rows.table("jsonl", [...columns.keys()], warnings);
}

function cellsOf(entries: ReadonlyMap<string, JsonNode>, columns: Map<string, number>): TableCell[] {
  const cells: TableCell[] = [];
  for (const [key, node] of entries) {
    const known = columns.get(key) ?? columns.size;
    columns.set(key, known);
    cells[known] = cellOf(node);
  }
  return cells;
}

function cellOf(node: JsonNode): TableCell {
  if (node.kind === "array") return node.items.map(cellOf);
  if (node.kind !== "object") return node.value;
  return new Map([...node.entries].map(([key, value]) => [key, cellOf(value)]));
}
