import type { Passage } from "../../domain/data/dataset.ts";
import { sha256 } from "../../domain/data/hash.ts";
import { IMPORT_LIMITS } from "../../domain/data/import-report.ts";
import type { ImportWarning } from "../../domain/data/import-report.ts";
import type { BadRow, ColumnMapping, DatasetFormatId } from "../../domain/formats/datasets/dataset-format.ts";
import type { Table, TableCell, TableRow } from "../../domain/formats/table-rows.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { ColumnRole, ColumnRoles, TablePreview } from "../studio-import.ts";

const NAMES: readonly (readonly [ColumnRole, RegExp])[] = [
  ["question", /^(?:anchor|query|question|sentence[_ -]?1|text[_ -]?1|premise)s?$/],
  ["negative", /^(?:hard[_ -]?)?neg(?:ative)?s?(?:[_ -]?\d+)?$/],
  ["score", /^(?:score|label|similarity|relevance|grade)s?$/],
  ["id", /^(?:_?id|.*[_ -](?:id|idx)|index|idx)$/],
  ["document", /^(?:document|doc|source|file|filename|title|url|path)(?:[_ -]?name)?$/],
  ["passage", /^(?:passage|text|context|content|contents|body|chunk|positive|answer|paragraph|abstract)s?$/],
];
const SHOWN_ROWS = 5;
const SHOWN_CHARACTERS = 160;

/** Columns by their names; where none is a passage, the one whose texts are longest. */
export function guessRoles({ columns, rows }: Pick<Table, "columns" | "rows">): ColumnRoles {
  const taken = new Set<ColumnRole>();
  const roles: Record<string, ColumnRole> = Object.create(null) as Record<string, ColumnRole>;
  for (const column of columns) {
    const key = column.trim().toLowerCase();
    const role = NAMES.find(([, names]) => names.test(key))?.[0] ?? "ignore";
    roles[column] = role === "negative" || !taken.has(role) ? role : "ignore";
    taken.add(role);
  }
  if (!taken.has("passage")) {
    const free = columns.filter((column) => roles[column] === "ignore" || roles[column] === "document");
    const longest = free.sort((a, b) => meanLength(columns, rows, b) - meanLength(columns, rows, a))[0];
    if (longest !== undefined && meanLength(columns, rows, longest) > 0) roles[longest] = "passage";
  }
  return roles;
}

/** Whether the names alone say which column is the passage, and none asks for a pair of texts. */
export function surelyPassages(roles: ColumnRoles, columns: readonly string[]): boolean {
  const given = Object.values(roles);
  if (given.includes("question") || given.includes("score")) return false;
  const text = columns.find((column) => roles[column] === "passage");
  return columns.length === 1 || (text !== undefined && NAMES.at(-1)![1].test(text.trim().toLowerCase()));
}

function meanLength(columns: readonly string[], rows: readonly TableRow[], column: string): number {
  const place = columns.indexOf(column);
  const texts = rows.slice(0, 50).map(({ cells }) => cells[place]);
  const lengths = texts.map((cell) => (typeof cell === "string" ? cell.length : 0));
  return lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, lengths.length);
}

export function previewOfTable({ columns, rows }: Table, roles: ColumnRoles): TablePreview {
  const shown = rows
    .slice(0, SHOWN_ROWS)
    .map(({ cells }) => columns.map((_, place) => shownCell(cells[place])));
  return { columns, rows: shown, roles };
}

function shownCell(cell: TableCell | undefined): string {
  if (cell === undefined || cell === null) return "";
  const text =
    typeof cell === "object"
      ? JSON.stringify(cell instanceof Map ? Object.fromEntries(cell) : cell)
      : String(cell);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

const columnOf = (roles: ColumnRoles, role: ColumnRole): string | undefined =>
  Object.keys(roles).find((column) => roles[column] === role);

/** A table with questions is one of sentence-transformers' kinds; which one its columns say. Null: passages alone. */
export function datasetOfRoles(
  roles: ColumnRoles,
): { readonly format: DatasetFormatId; readonly mapping: ColumnMapping } | null {
  const [query, positive] = [columnOf(roles, "question"), columnOf(roles, "passage")];
  if (query === undefined || positive === undefined) return null;
  const negatives = Object.keys(roles).filter((column) => roles[column] === "negative");
  const score = columnOf(roles, "score");
  if (negatives.length > 0) return { format: "st-triplets", mapping: { query, positive, negatives } };
  if (score !== undefined) return { format: "st-scored", mapping: { query, positive, score } };
  return { format: "st-pairs", mapping: { query, positive } };
}

/** The roles that a format's own mapping of columns means. */
export function rolesOfMapping(columns: readonly string[], mapping: ColumnMapping): ColumnRoles {
  const roleOf = (column: string): ColumnRole => {
    if (column === mapping.query) return "question";
    if (column === mapping.positive) return "passage";
    if (column === mapping.score) return "score";
    return mapping.negatives?.includes(column) ? "negative" : "ignore";
  };
  return Object.fromEntries(columns.map((column) => [column, roleOf(column)]));
}

/**
 * Rows of a table as passages. Ids come from the id column, else from the text; rows of equal id and text are kept once.
 * Bad rows: those the table could not read, without text, too long, or with the id of another text.
 */
export class TablePassages {
  readonly badRows: BadRow[] = [];
  readonly warnings: ImportWarning[] = [];
  private readonly known = new Map<string, Passage>();
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  get passages(): readonly Passage[] {
    return [...this.known.values()];
  }

  /** A table, or the next part of one, whose first line is line `before` + 1 of the file. */
  async add(table: Table, roles: ColumnRoles, before = 0): Promise<void> {
    const places = placesOf(this.name, table, roles);
    this.warnings.push(...table.warnings);
    for (const { place, message } of table.problems) this.refuse(before + (place.line ?? 1), message);
    for (const row of table.rows) {
      try {
        const passage = await passageOf(row, places);
        const other = this.known.get(passage.id);
        if (other && other.text !== passage.text) {
          throw new BadCell(`the id ${passage.id} stands for another text above`);
        }
        if (!other) this.known.set(passage.id, passage);
      } catch (error) {
        if (!(error instanceof BadCell)) throw error;
        this.refuse(before + row.line, error.message);
      }
    }
  }

  private refuse(line: number, reason: string): void {
    this.badRows.push({ file: this.name, line, reason });
  }
}

function placesOf(name: string, table: Table, roles: ColumnRoles): Places {
  const text = columnOf(roles, "passage");
  if (text !== undefined) return { text: table.columns.indexOf(text), ...optionalPlaces(table, roles) };
  const columns = table.columns.map((column) => `"${column}"`).join(", ");
  const message = `${name}: say which column holds the text of the passages; there are ${columns}.`;
  throw new RetuneError("E_CSV_COLUMNS", message, { file: name, line: 1 });
}

interface Places {
  readonly text: number;
  readonly id?: number;
  readonly document?: number;
}

function optionalPlaces(table: Table, roles: ColumnRoles): Omit<Places, "text"> {
  const [id, document] = [columnOf(roles, "id"), columnOf(roles, "document")];
  return {
    ...(id === undefined ? {} : { id: table.columns.indexOf(id) }),
    ...(document === undefined ? {} : { document: table.columns.indexOf(document) }),
  };
}

async function passageOf({ cells }: TableRow, { text: at, id, document }: Places): Promise<Passage> {
  const cell = cells[at];
  const text = typeof cell === "number" || typeof cell === "boolean" ? String(cell) : cell;
  if (typeof text !== "string" || text.trim() === "")
    throw new BadCell("the row has no text for its passage");
  if (text.length > IMPORT_LIMITS.textCharacters) {
    throw new BadCell(`a passage of ${text.length} characters; ${IMPORT_LIMITS.textCharacters} are the most`);
  }
  const given = id === undefined ? undefined : cells[id];
  const group = document === undefined ? undefined : cells[document];
  const own = typeof given === "string" || typeof given === "number" ? String(given) : "";
  const named = typeof group === "string" && group.trim() !== "" ? { document: group } : {};
  return { id: own === "" ? `p-${(await sha256(text)).slice(0, 16)}` : own, text, ...named };
}

/** A row that cannot be read, as a sentence without its place. */
class BadCell extends Error {}
