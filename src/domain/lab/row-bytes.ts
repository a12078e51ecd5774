import { readTable } from "../formats/table.ts";
import type { TableCell } from "../formats/table-rows.ts";

/**
 * A file as tasks read it: Parquet becomes JSON Lines, a line for each row, so that the numbers of lines are those of rows; other
 * bytes stay as they are. Rejects as readParquet does.
 */
export async function rowBytes(file: string, bytes: Uint8Array): Promise<Uint8Array> {
  if (String.fromCharCode(...bytes.subarray(0, 4)) !== "PAR1") return bytes;
  const { columns, rows } = await readTable(file, bytes);
  const lines = rows.map(({ cells }) => {
    const members = columns.flatMap((column, place): [string, unknown][] => {
      const cell = cells[place];
      return cell === undefined || cell === null ? [] : [[column, plainCell(cell)]];
    });
    return `${JSON.stringify(Object.fromEntries(members))}\n`;
  });
  return new TextEncoder().encode(lines.join(""));
}

function plainCell(cell: TableCell): unknown {
  if (Array.isArray(cell)) return cell.map((own: TableCell) => plainCell(own));
  if (!(cell instanceof Map)) return cell;
  const entries = [...(cell as ReadonlyMap<string, TableCell>)];
  return Object.fromEntries(entries.flatMap(([key, own]) => (own === null ? [] : [[key, plainCell(own)]])));
}
