import type { Dataset, Passage } from "../../domain/data/dataset.ts";
import { sha256 } from "../../domain/data/hash.ts";
import { Sha256 } from "../../domain/data/sha256.ts";
import type { ImportWarning } from "../../domain/data/import-report.ts";
import { pairsOf } from "../../domain/data/rerank-dataset.ts";
import type {
  BadRow,
  ColumnMapping,
  DatasetFormatId,
  DatasetSplit,
  FormatData,
} from "../../domain/formats/datasets/dataset-format.ts";
import { DATASET_FORMATS, datasetFormat, readDataset } from "../../domain/formats/datasets/registry.ts";
import { sidesOf } from "../../domain/formats/datasets/sides.ts";
import type { SplitUse } from "../../domain/formats/datasets/sides.ts";
import { toRetrieval } from "../../domain/formats/datasets/turn.ts";
import { readTable } from "../../domain/formats/table.ts";
import type { RunControl } from "../../domain/ports.ts";
import { passagesOf } from "../../domain/text/chunk.ts";
import type { TokenCounter } from "../../domain/text/chunk.ts";
import { checkFileSize } from "../../domain/text/decode.ts";
import { readDocument, TEXT_FORMAT_NAMES } from "../../domain/text/documents.ts";
import type { TextFormat } from "../../domain/text/documents.ts";
import { RetuneError } from "../../engine/errors.ts";
import { hexadecimal } from "../storage/digest.ts";
import type { PairsRecord, SourceRecord, StoredQuestion } from "../storage/records.ts";
import type { SourceContent } from "../storage/row-packs.ts";
import type { ChunkSettings, DatasetRole } from "../studio-data.ts";
import type { ColumnRoles, FileChoice, ReadAs } from "../studio-import.ts";
import { chunkOptions } from "./chunk.ts";
import type { ImportUnit, InputFile } from "./import-inputs.ts";
import { filesOf, findOut } from "./import-look.ts";
import { datasetOfRoles, guessRoles, TablePassages } from "./import-table.ts";
import { PART_BYTES, tablesOf } from "./import-parts.ts";

export interface ReadSettings {
  readonly projectId: string;
  readonly role?: DatasetRole;
  readonly chunking: ChunkSettings;
  readonly countTokens: TokenCounter;
}

/** What a unit holds. With bad rows nothing of it may be kept before a person has said so. */
export interface UnitReading {
  readonly contents: readonly SourceContent[]; // one; of a dataset with several splits of its own one each
  readonly splits?: readonly SplitUse[];
  readonly pairs?: Pick<PairsRecord, "name" | "format" | "rows">; // scored: what a re-ranker learns from
  readonly warnings: readonly ImportWarning[];
  readonly badRows: readonly BadRow[];
}

/** SHA-256 over the bytes of a unit: by it a file is known again. */
export async function hashOfUnit(unit: ImportUnit): Promise<string> {
  if (unit.files.length === 1) return hashOfFile(unit.files[0]!);
  const hashes: string[] = [];
  for (const file of unit.files) hashes.push(file.name, await hashOfFile(file));
  return sha256(JSON.stringify(hashes));
}

async function hashOfFile(file: InputFile): Promise<string> {
  if (file.size <= PART_BYTES) return sha256(await file.read());
  const hash = new Sha256();
  for (let from = 0; from < file.size; from += PART_BYTES) hash.add(await file.part(from, from + PART_BYTES));
  return hexadecimal(hash.finish());
}

/** Reads a unit as the person chose, else as what it was found to be. Errors are those of the readers, with their place. */
export async function readUnit(
  unit: ImportUnit,
  hash: string,
  choice: FileChoice,
  settings: ReadSettings,
  control: RunControl,
): Promise<UnitReading> {
  for (const file of unit.files) checkFileSize(file.size, file.name);
  const reader = new UnitReader(unit, hash, settings);
  const { readAs, mapping, roles } = await plan(unit, choice);
  if (readAs === "passages") return reader.passages(roles);
  if (isDatasetFormat(readAs)) return reader.dataset(readAs, mapping, roles);
  return reader.document(readAs, control);
}

interface Plan {
  readonly readAs: ReadAs | undefined; // undefined: a document of whatever format
  readonly mapping?: ColumnMapping;
  readonly roles?: ColumnRoles;
}

/** Columns that nobody looked at yet and that do not speak for themselves are an error, not a guess. */
async function plan(unit: ImportUnit, { readAs, roles }: FileChoice): Promise<Plan> {
  if (roles && readAs !== undefined && !(readAs in TEXT_FORMAT_NAMES)) {
    const dataset = datasetOfRoles(roles);
    return dataset
      ? { readAs: dataset.format, mapping: dataset.mapping, roles }
      : { readAs: "passages", roles };
  }
  if (readAs !== undefined && readAs !== "nothing") return { readAs };
  const found = await findOut(unit);
  if (found.ambiguous !== undefined) {
    const message = `${unit.name}: ${found.ambiguous} Say which column is what, then import it again.`;
    throw new RetuneError("E_CSV_COLUMNS", message, { file: unit.name, line: 1 });
  }
  return { readAs: found.readAs ?? undefined };
}

function isDatasetFormat(readAs: ReadAs | undefined): readAs is DatasetFormatId {
  return DATASET_FORMATS.some(({ id }) => id === readAs);
}

class UnitReader {
  private readonly unit: ImportUnit;
  private readonly settings: ReadSettings;
  private readonly source: Omit<SourceRecord, "id" | "role" | "format">;

  constructor(unit: ImportUnit, hash: string, settings: ReadSettings) {
    this.unit = unit;
    this.settings = settings;
    const counts = { sequence: 0, passages: 0, questions: 0 };
    const { name, size: bytes } = unit;
    this.source = { projectId: settings.projectId, ...counts, name, bytes, hash };
  }

  async document(format: TextFormat | undefined, control: RunControl): Promise<UnitReading> {
    const file = this.unit.files[0]!;
    const { chunking, countTokens, role = "split" } = this.settings;
    const bytes = await file.read();
    const document = await readDocument(file.name, bytes, {
      ...(control.signal ? { signal: control.signal } : {}),
      ...(format === undefined ? {} : { format }),
    });
    const passages = await passagesOf(document, chunkOptions(chunking, countTokens));
    const { blocks, warnings } = document;
    const facts = { role, format: TEXT_FORMAT_NAMES[document.format], blocks };
    return { contents: [this.contentOf({ passages, queries: [] }, facts)], warnings, badRows: [] };
  }

  async passages(roles: ColumnRoles | undefined): Promise<UnitReading> {
    const file = this.unit.files[0]!;
    const rows = new TablePassages(file.name);
    let kind = "";
    for await (const { table, line } of tablesOf(file)) {
      await rows.add(table, roles ?? (roles = guessRoles(table)), line);
      kind = table.format === "jsonl" ? "JSON Lines" : table.format.toUpperCase();
    }
    const { passages, badRows, warnings } = rows;
    if (passages.length === 0) throw nothingLeft(file.name, badRows);
    const facts = { role: this.settings.role ?? "split", format: `Passages, ${kind}` } as const;
    return { contents: [this.contentOf({ passages, queries: [] }, facts)], warnings, badRows };
  }

  async dataset(
    format: DatasetFormatId,
    mapping: ColumnMapping | undefined,
    roles: ColumnRoles | undefined,
  ): Promise<UnitReading> {
    const options = { skipBadRows: true, ...(mapping ? { mapping } : {}) };
    const { data, warnings, badRows } = await readDataset(format, await filesOf(this.unit), options);
    const { label } = datasetFormat(format);
    if (data.kind === "scored") {
      const pairs = { name: this.unit.name, format: label, rows: pairsOf(data.pairs) };
      return { contents: [], pairs, warnings, badRows };
    }
    const { dataset } = (await toRetrieval(data)).data;
    const sides = this.settings.role === undefined && data.kind === "retrieval" ? sidesOf(data) : undefined;
    if (sides) {
      const contents = sides.parts.map(({ name, side, dataset: part }) =>
        this.contentOf(part, { role: side, split: name, format: label }),
      );
      return { contents, splits: sides.uses, warnings, badRows };
    }
    const named = roles ? await this.withColumns(dataset, roles) : dataset;
    const { role = splitsOf(data).length > 1 ? "split" : roleByName(this.unit.name) } = this.settings;
    const notes = role === "split" ? [...warnings, ...this.dividedAnew(data)] : warnings;
    return { contents: [this.contentOf(named, { role, format: label })], warnings: notes, badRows };
  }

  private contentOf(
    { passages, queries }: Dataset,
    facts: Pick<SourceRecord, "role" | "split" | "format" | "blocks">,
  ): SourceContent {
    const questions = queries.map((query): StoredQuestion => ({ ...query, state: "accepted" }));
    return { source: { ...this.source, id: crypto.randomUUID(), ...facts }, passages, questions };
  }

  /** Splits that the set brings and that are not kept. */
  private dividedAnew(data: FormatData): readonly ImportWarning[] {
    const splits = splitsOf(data);
    if (splits.length < 2) return [];
    const names = splits.map(({ name }) => name).join(", ");
    const message = `${this.unit.name}: its splits (${names}) are not kept; the questions are divided by document.`;
    return [{ code: "splits", message, count: splits.length, place: { file: this.unit.name } }];
  }

  /** Documents of the passages, from a column that the format itself has no place for. */
  private async withColumns(dataset: Dataset, roles: ColumnRoles): Promise<Dataset> {
    const columns = Object.keys(roles);
    const [text, document] = (["passage", "document"] as const).map((role) =>
      columns.find((column) => roles[column] === role),
    );
    if (text === undefined || document === undefined) return dataset;
    const file = this.unit.files[0]!;
    const table = await readTable(file.name, await file.read());
    const [textAt, documentAt] = [table.columns.indexOf(text), table.columns.indexOf(document)];
    const documents = new Map(table.rows.map(({ cells }) => [cells[textAt], cells[documentAt]] as const));
    const passages = dataset.passages.map((passage): Passage => {
      const name = documents.get(passage.text);
      return typeof name === "string" && name.trim() !== "" ? { ...passage, document: name } : passage;
    });
    return { ...dataset, passages };
  }
}

function splitsOf(data: FormatData): readonly DatasetSplit[] {
  return data.kind === "retrieval" ? (data.splits ?? []) : [];
}

function nothingLeft(file: string, badRows: readonly BadRow[]): RetuneError {
  const first = badRows[0];
  const why = first ? `all ${badRows.length} rows are bad, the first: ${first.reason}` : "there are no rows";
  return new RetuneError("E_EMPTY", `${file}: ${why}`, { file, ...(first ? { line: first.line } : {}) });
}

/** Train and validation files are told by their usual names; any other dataset is divided by document. */
export function roleByName(name: string): DatasetRole {
  if (/(^|[^a-z])train/i.test(name)) return "train";
  return /(^|[^a-z])(val|valid|validation|test|eval|dev)([^a-z]|$)/i.test(name) ? "test" : "split";
}
