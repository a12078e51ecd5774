// Parquet through hyparquet. Read: uncompressed, SNAPPY and GZIP pages; other codecs are refused by name. Written:
// SNAPPY, as pandas and Hugging Face datasets do.
import { Gunzip } from "fflate";
import type { SchemaElement } from "hyparquet";
import { RetuneError } from "../../engine/errors.ts";
import { IMPORT_LIMITS, opening, placeIn } from "../data/import-report.ts";
import { checkPages, type ParquetMetadata } from "./parquet-pages.ts";
import { TableRows, type Table, type TableCell } from "./table-rows.ts";

const CODECS = ["UNCOMPRESSED", "SNAPPY", "GZIP"];
const MOST_COLUMNS = 1000;

/**
 * All rows of a Parquet file. Errors: E_PARQUET (not a whole file, a codec or encoding that is not read, broken pages),
 * E_TOO_LARGE (more than a million rows, or unpacked sizes past the limits).
 */
export async function readParquet(name: string, bytes: Uint8Array): Promise<Table> {
  checkEnds(name, bytes);
  const { parquetMetadata, parquetReadObjects, snappyUncompress } = await import("hyparquet");
  const file = bytes.slice().buffer;
  try {
    const metadata = parquetMetadata(file);
    const most = checkMetadata(name, bytes.length, metadata);
    const unpackers = { SNAPPY: within(name, most, snappyUncompress), GZIP: within(name, most, gunzipInto) };
    checkPages(bytes, metadata, (codec, packed, length) =>
      codec === "SNAPPY" || codec === "GZIP" ? unpackers[codec](packed, length) : packed,
    );
    const records = await parquetReadObjects({ file, metadata, compressors: unpackers });
    const columns = metadata.schema.length === 0 ? [] : rootColumns(metadata.schema);
    const rows = new TableRows(name);
    for (const [index, record] of records.entries())
      rows.add({ line: index + 1, cells: columns.map((column) => cellOf(record[column])) });
    return rows.table("parquet", columns, []);
  } catch (error) {
    if (error instanceof RetuneError) throw error;
    const detail = error instanceof Error ? error.message.slice(0, 120) : "";
    throw failure(name, `it is broken (${detail}); write the file again`, error);
  }
}

function checkEnds(name: string, bytes: Uint8Array): void {
  const mark = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (mark(0) !== "PAR1") throw failure(name, "byte 0: the mark PAR1 is missing, so this is no Parquet file");
  if (bytes.length < 12 || mark(bytes.length - 4) !== "PAR1")
    throw failure(name, `byte ${bytes.length}: the file is incomplete; copy or download it again`);
}

/** Refuses what is past the limits; gives the bytes that all columns together say they unpack to. */
function checkMetadata(name: string, size: number, metadata: ParquetMetadata): number {
  const chunks = metadata.row_groups.flatMap((group) =>
    group.columns.flatMap((column) => column.meta_data ?? []),
  );
  const foreign = chunks.find(({ codec }) => !CODECS.includes(codec));
  if (foreign) {
    const next = `write it with compression="snappy", for example df.to_parquet(path, compression="snappy")`;
    throw failure(name, `compressed by ${foreign.codec}, read are ${CODECS.join(", ")}; ${next}`);
  }
  if (metadata.num_rows > BigInt(IMPORT_LIMITS.records))
    throw tooLarge(name, `${metadata.num_rows} rows; at most a million are read, split the file`);
  const expanded = chunks.reduce((sum, chunk) => sum + Number(chunk.total_uncompressed_size), 0);
  if (expanded > IMPORT_LIMITS.expandedBytes || expanded > Math.max(1e6, IMPORT_LIMITS.expansion * size))
    throw tooLarge(name, `it says it unpacks to ${expanded} bytes, past the limits; split the file`);
  const columns = rootColumns(metadata.schema).length;
  if (columns > MOST_COLUMNS) throw tooLarge(name, `${columns} columns; at most ${MOST_COLUMNS} are read`);
  return expanded;
}

/** The names of the schema's first level: a depth-first list in which every element knows how many children follow. */
function rootColumns(schema: ParquetMetadata["schema"]): string[] {
  const names: string[] = [];
  let at = 1;
  const skip = (): void => {
    const children = schema[at++]?.num_children ?? 0;
    for (let child = 0; child < children && at < schema.length; child++) skip();
  };
  while (at < schema.length) {
    names.push(schema[at]!.name);
    skip();
  }
  return names;
}

/** Fills `page`, or throws. */
type Unpack = (input: Uint8Array, page: Uint8Array) => void;

/** A page must not say it unpacks to more than its file does. */
function within(name: string, most: number, unpack: Unpack) {
  return (input: Uint8Array, length: number): Uint8Array => {
    if (length >= 0 && length <= most) {
      const page = new Uint8Array(length);
      unpack(input, page);
      return page;
    }
    throw failure(
      name,
      `a page says it unpacks to ${length} bytes, the whole file to ${most}; write it again`,
    );
  };
}

function gunzipInto(input: Uint8Array, page: Uint8Array): void {
  let filled = 0;
  const stream = new Gunzip((part) => {
    if (filled + part.length > page.length) throw new RangeError("more than it says");
    page.set(part, filled);
    filled += part.length;
  });
  for (let at = 0; at < input.length; at += 65_536)
    stream.push(input.subarray(at, at + 65_536), at + 65_536 >= input.length);
  if (filled !== page.length) throw new RangeError("less than it says");
}

function cellOf(value: unknown): TableCell | undefined {
  if (value === undefined) return undefined;
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return value;
  if (typeof value === "bigint")
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return Array.from(value as unknown as Iterable<unknown>, (item) => cellOf(item) ?? null);
  }
  if (typeof value !== "object") return null;
  return new Map(Object.entries(value).map(([key, item]) => [key, cellOf(item) ?? null]));
}

function failure(name: string, what: string, cause?: unknown): RetuneError {
  const options = cause === undefined ? {} : { cause };
  return new RetuneError("E_PARQUET", opening(name) + what, placeIn(name), options);
}

function tooLarge(name: string, what: string): RetuneError {
  return new RetuneError("E_TOO_LARGE", opening(name) + what, placeIn(name));
}

/** A column to write: texts, numbers, or lists of texts; null where a row has none. */
export interface ParquetColumn {
  readonly name: string;
  readonly kind: "text" | "number" | "integer" | "texts" | "numbers";
  readonly cells: readonly (string | number | readonly string[] | readonly number[] | null)[];
}

/** A Parquet file of the columns, SNAPPY-compressed; all columns have the same number of cells. */
export async function writeParquet(columns: readonly ParquetColumn[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const schema: SchemaElement[] = [
    { name: "schema", num_children: columns.length },
    ...columns.flatMap(({ name, kind }) => schemaOf(name, kind)),
  ];
  const columnData = columns.map(({ name, cells, kind }) => ({
    name,
    data:
      kind === "integer" ? cells.map((cell) => (cell === null ? null : BigInt(Number(cell)))) : [...cells],
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData, schema }));
}

/** The elements of a column as pyarrow writes them; lists in three levels (Parquet's LogicalTypes, "Lists"). */
function schemaOf(name: string, kind: ParquetColumn["kind"]): SchemaElement[] {
  const leaf = (own: string, what: "text" | "number" | "integer"): SchemaElement => {
    const base = { name: own, repetition_type: "OPTIONAL" as const };
    if (what === "text") return { ...base, type: "BYTE_ARRAY", converted_type: "UTF8" };
    return { ...base, type: what === "number" ? "DOUBLE" : "INT64" };
  };
  if (kind !== "texts" && kind !== "numbers") return [leaf(name, kind)];
  return [
    { name, repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    leaf("element", kind === "texts" ? "text" : "number"),
  ];
}
