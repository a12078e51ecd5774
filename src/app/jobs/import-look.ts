import { detectDataset } from "../../domain/formats/datasets/registry.ts";
import type { DatasetFiles, Detection } from "../../domain/formats/datasets/dataset-format.ts";
import { parseJson } from "../../domain/formats/json.ts";
import { readTable } from "../../domain/formats/table.ts";
import type { Table } from "../../domain/formats/table-rows.ts";
import { decodeText } from "../../domain/text/decode.ts";
import type { FileKind } from "../../domain/text/file-kind.ts";
import { RetuneError, toWire } from "../../engine/errors.ts";
import type { ColumnRoles, FoundFile, ReadAs } from "../studio-import.ts";
import { importUnits, kindOf } from "./import-inputs.ts";
import type { ImportUnit, InputFile } from "./import-inputs.ts";
import { guessRoles, previewOfTable, rolesOfMapping, surelyPassages } from "./import-table.ts";

const TABLES: readonly FileKind[] = ["csv", "tsv", "jsonl", "parquet"];
const DATA = /\.(?:jsonl?|ndjson|csv|tsv|parquet)$/i;
const LINES_BYTES = 1_000_000;
const MOST_LOOKED_AT = 40; // of a folder with more, the others are found when they are read

/** How a unit is to be read, and why a person should look at that. */
export interface Finding {
  readonly readAs: ReadAs | null; // null: a document
  readonly offers: readonly ReadAs[];
  readonly detection?: Detection;
  readonly table?: Table; // the first rows of it
  readonly ambiguous?: string;
}

export async function filesOf({ files }: ImportUnit): Promise<DatasetFiles> {
  const contents = new Map<string, Uint8Array>();
  for (const file of files) contents.set(file.name, await file.read());
  return contents;
}

/** What was dropped, before anything is imported. A problem in one file does not keep the others from being shown. */
export async function lookAt(inputs: readonly InputFile[]): Promise<readonly FoundFile[]> {
  const { units, refused } = await importUnits(inputs);
  const found: FoundFile[] = [];
  let looked = 0;
  for (const unit of units) {
    const worth = unit.files.length > 1 || DATA.test(unit.name);
    found.push(worth && looked++ < MOST_LOOKED_AT ? await lookAtUnit(unit) : unopened(unit));
  }
  for (const { name, error } of refused) {
    found.push({ name, bytes: 0, readAs: null, offers: [], problem: toWire(error) });
  }
  return found;
}

function unopened({ name, size }: ImportUnit): FoundFile {
  return { name, bytes: size, readAs: null, offers: [] };
}

async function lookAtUnit(unit: ImportUnit): Promise<FoundFile> {
  try {
    const { readAs, offers, detection, table, ambiguous } = await findOut(unit);
    return {
      ...{ name: unit.name, bytes: unit.size, readAs, offers },
      ...(table ? { table: previewOfTable(table, rolesOf(table, readAs, detection)) } : {}),
      ...(ambiguous === undefined ? {} : { ambiguous }),
    };
  } catch (error) {
    return { ...unopened(unit), problem: toWire(error) };
  }
}

function rolesOf(table: Table, readAs: ReadAs | null, detection: Detection | undefined): ColumnRoles {
  const guessed = guessRoles(table);
  if (readAs === "passages" || !detection?.mapping) return guessed;
  return rolesOfMapping(table.columns, detection.mapping);
}

/** Detects by content: datasets of the registry first, then tables of passages, then documents. */
export async function findOut(unit: ImportUnit): Promise<Finding> {
  if (unit.files.length > 1) {
    const detections = await detectDataset(await filesOf(unit));
    return detections[0] ? foundAs(detections[0], detections) : DOCUMENT;
  }
  const file = unit.files[0]!;
  const kind = await kindOf(file);
  const isTable = TABLES.includes(kind);
  if (!isTable && kind !== "json") return DOCUMENT;
  const bytes = isTable && kind !== "parquet" ? await firstLines(file) : await file.read();
  const detections = await detectDataset(new Map([[file.name, bytes]]));
  const [best] = detections;
  if (best && (!isTable || !best.columns)) return foundAs(best, detections);
  if (!isTable) throw noDataset(file.name, bytes);
  return findTable(await tableOf(file, bytes), detections);
}

/** Why a JSON file is no dataset: it is broken, at this place, or has none of the known shapes. */
function noDataset(name: string, bytes: Uint8Array): RetuneError {
  try {
    parseJson(decodeText(bytes, name).text, name);
  } catch (error) {
    if (error instanceof RetuneError) return error;
    throw error;
  }
  const known =
    "LlamaIndex (queries, corpus, relevant_docs) and QASPER are read; lists of rows as JSON Lines";
  return new RetuneError("E_UNKNOWN_FORMAT", `${name}: JSON, but no dataset: ${known}.`, { file: name });
}

const DOCUMENT: Finding = { readAs: null, offers: [] };

function foundAs(detection: Detection, all: readonly Detection[]): Finding {
  return { readAs: detection.format, offers: [...new Set(all.map(({ format }) => format))], detection };
}

function findTable(table: Table, detections: readonly Detection[]): Finding {
  const [best] = detections;
  const offers: ReadAs[] = [
    ...new Set([...detections.map(({ format }) => format), "passages", "text"] as const),
  ];
  if (best && best.ambiguous === undefined) return { ...foundAs(best, detections), offers, table };
  if (surelyPassages(guessRoles(table), table.columns)) return { readAs: "passages", offers, table };
  if (best?.ambiguous !== undefined) {
    return { ...foundAs(best, detections), offers, table, ambiguous: best.ambiguous };
  }
  const named = table.columns.map((column) => `"${column}"`).join(", ");
  const ambiguous = `No column has a known name (${named}); the one with the longest texts is taken for the passage.`;
  return { readAs: "passages", offers, table, ambiguous };
}

/** The whole lines at the start of a file: enough to tell its columns, whatever its size. */
async function firstLines(file: InputFile): Promise<Uint8Array> {
  const head = await file.part(0, LINES_BYTES);
  if (head.length >= file.size) return head;
  const end = head.lastIndexOf(0x0a);
  return end > 0 ? head.subarray(0, end + 1) : file.read();
}

/** The first rows; where the cut fell into a quoted cell, all of them. */
async function tableOf(file: InputFile, bytes: Uint8Array): Promise<Table> {
  try {
    return await readTable(file.name, bytes);
  } catch (error) {
    if (bytes.length >= file.size) throw error;
    return readTable(file.name, await file.read());
  }
}
