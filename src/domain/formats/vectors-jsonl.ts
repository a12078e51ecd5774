import { RetuneError, type ErrorCode } from "../../engine/errors.ts";
import { IMPORT_LIMITS, opening, placeIn } from "../data/import-report.ts";
import { selectRows, type Matrix } from "../matrix.ts";
import { decodeText } from "../text/decode.ts";
import { textLines } from "../text/lines.ts";
import { parseJson, type JsonNode } from "./json.ts";

export interface VectorsReading {
  readonly vectors: Matrix;
  readonly ids: readonly string[] | undefined; // undefined where rows have none
  readonly badRows: readonly RetuneError[]; // left out, each with its line
}

export interface VectorsOptions {
  /** Leave out rows that cannot be read; only with ids, since without them rows are told apart by their position. */
  readonly skipBadRows?: boolean;
}

/**
 * JSON Lines of vectors: {"id"?: text, "embedding" | "vector": [numbers]} a row; blank lines are passed over.
 * Errors with the line: E_JSON, E_NUMBER, E_FIELD, E_MISMATCH (another length than the first row), E_DUPLICATE; E_EMPTY.
 */
export function readVectorsJsonl(
  input: Uint8Array | string,
  file?: string,
  { skipBadRows = false }: VectorsOptions = {},
): VectorsReading {
  const text = typeof input === "string" ? input : decodeText(input, file).text;
  const reader = new RowReader(file);
  const badRows: RetuneError[] = [];
  for (const { line, text: row } of textLines(text)) {
    if (row.trim() === "") continue;
    try {
      reader.read(row, line);
    } catch (error) {
      if (!skipBadRows || !(error instanceof RetuneError)) throw error;
      badRows.push(error);
    }
  }
  return { ...reader.result(badRows[0]), badRows };
}

/** Rows in the order of the given ids. E_REFERENCE names the first id without a vector. */
export function alignVectors(reading: VectorsReading, ids: readonly string[], file?: string): Matrix {
  const position = new Map(reading.ids?.map((id, index) => [id, index]));
  const rows = ids.map((id, index) => (reading.ids ? position.get(id) : index) ?? -1);
  const lost = rows.findIndex((row) => row < 0 || row >= reading.vectors.rows);
  const surplus = !reading.ids && reading.vectors.rows !== ids.length;
  if (lost < 0 && !surplus) return selectRows(reading.vectors, rows);
  const what = surplus
    ? `${reading.vectors.rows} rows without ids for ${ids.length} texts`
    : `no vector for ${JSON.stringify(ids[lost]!.slice(0, 60))}`;
  throw new RetuneError("E_REFERENCE", opening(file) + what, placeIn(file));
}

class RowReader {
  private readonly rows: Float32Array[] = [];
  private readonly ids: string[] = [];
  private readonly seen = new Set<string>();
  private readonly file: string | undefined;

  constructor(file: string | undefined) {
    this.file = file;
  }

  read(row: string, line: number): void {
    const root = this.parse(row, line);
    if (root.kind !== "object") throw this.error("E_FIELD", line, 'a row must be an object with "embedding"');
    const node = root.entries.get("embedding") ?? root.entries.get("vector");
    const vector = this.vector(node, line);
    const first = this.rows[0];
    if (first && first.length !== vector.length) {
      throw this.error("E_MISMATCH", line, `${vector.length} numbers, the first row has ${first.length}`);
    }
    this.id(root.entries.get("id"), line);
    this.rows.push(vector);
    if (this.rows.length > IMPORT_LIMITS.records)
      throw this.error("E_TOO_LARGE", line, "more than a million rows");
  }

  result(firstBad: RetuneError | undefined): { vectors: Matrix; ids: readonly string[] | undefined } {
    const columns = this.rows[0]?.length;
    if (columns === undefined) {
      throw (
        firstBad ?? new RetuneError("E_EMPTY", `${opening(this.file)}no vectors in it`, placeIn(this.file))
      );
    }
    if (firstBad && this.ids.length === 0) throw firstBad;
    const values = new Float32Array(this.rows.length * columns);
    for (const [index, row] of this.rows.entries()) values.set(row, index * columns);
    const ids = this.ids.length > 0 ? this.ids : undefined;
    return { vectors: { rows: this.rows.length, columns, values }, ids };
  }

  private vector(node: JsonNode | undefined, line: number): Float32Array {
    if (node?.kind !== "array" || node.items.length === 0) {
      throw this.error("E_FIELD", line, '"embedding" (or "vector") must be a list of numbers');
    }
    const values = Float32Array.from(node.items, (item) => (item.kind === "number" ? item.value : NaN));
    const odd = values.findIndex((value) => !Number.isFinite(value));
    if (odd >= 0) throw this.error("E_NUMBER", line, `number ${odd} of the vector is no finite float32`);
    return values;
  }

  private id(node: JsonNode | undefined, line: number): void {
    if ((node !== undefined) !== this.ids.length > 0 && this.rows.length > 0) {
      throw this.error("E_FIELD", line, "some rows have an id and some have none");
    }
    if (!node) return;
    if (node.kind !== "string") throw this.error("E_FIELD", line, "id must be a text in quotes");
    if (this.seen.has(node.value))
      throw this.error("E_DUPLICATE", line, `the id ${JSON.stringify(node.value.slice(0, 60))} again`);
    this.seen.add(node.value);
    this.ids.push(node.value);
  }

  private parse(row: string, line: number): JsonNode {
    try {
      return parseJson(row).root;
    } catch (error) {
      if (!(error instanceof RetuneError)) throw error;
      const column = error.place.column ?? 1;
      const message = error.message.replace(/^line \d+/, `line ${line}`);
      throw new RetuneError(error.code, opening(this.file) + message, placeIn(this.file, { line, column }));
    }
  }

  private error(code: ErrorCode, line: number, what: string): RetuneError {
    return new RetuneError(code, `${opening(this.file)}line ${line}: ${what}`, placeIn(this.file, { line }));
  }
}
