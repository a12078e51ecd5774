// Tables on stdout: what a measurement prints.

/** Prints rows of cells as a Markdown table. */
export function printTable(title, header, rows) {
  console.log(`\n${title}\n`);
  const cells = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  console.log(line(cells[0]));
  console.log(`|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`);
  for (const row of cells.slice(1)) console.log(line(row));
}

/** Three significant digits. */
export function rounded(value) {
  return value === undefined || Number.isNaN(value) ? "–" : String(Number(value.toPrecision(3)));
}

/** "2.5×": how many times `other` is of `own`. */
export function ratio(other, own) {
  return other === undefined || own === undefined ? "–" : `${Number((other / own).toPrecision(3))}×`;
}
