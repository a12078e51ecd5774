// The runs of text that a page draws → its lines. Runs keep the order in which the page draws them, which is nearly
// always the order of reading; where a page is drawn across two columns, the left one is put first.
import { squeezed } from "./structure.ts";

/** A run of text as pdf.js gives it; lengths in points, y from the bottom of the page. */
export interface PdfRun {
  readonly text: string;
  readonly x: number;
  readonly y: number; // of the base line
  readonly width: number;
  readonly size: number; // of the font
  readonly font: string;
}

export interface PdfLine {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly y: number;
  readonly size: number; // of most of its characters
  readonly font: string; // of most of its characters
}

export interface PdfPage {
  readonly number: number; // from 1
  readonly height: number;
  readonly lines: readonly PdfLine[];
}

const SAME_LINE = 0.45; // of the font size: superscripts stay in their line
const WORD_GAP = 0.18; // of the font size: no space is drawn between words in many files
const CELL_GAP = 1.8; // of the font size: another cell of a table, or another column
const LEADERS = /(?:\s?\.){5,}/g; // dots from a title to its page, in tables of contents
/** What they become. */
export const LEADER = " … ";
const COLUMN_LINES = 5; // drawn across both columns, before a page is taken to have two
const COLUMN_CHARACTERS = 15; // a segment of a column is longer than most cells of a table

/** The lines of one page. */
export function linesOf(runs: readonly PdfRun[]): PdfLine[] {
  const drawn = runs.filter((run) => run.text.trim() !== "" && Number.isFinite(run.x + run.y + run.size));
  const rows = rowsOf(drawn).map(segmentsOf);
  const gutter = gutterOf(rows);
  if (gutter === undefined) return rows.map((segments) => lineOf(segments.flat()));
  return rows.flatMap((segments) => splitAt(segments, gutter)).sort(byColumn(gutter));
}

/** Runs on one base line, from left to right. */
function rowsOf(runs: readonly PdfRun[]): PdfRun[][] {
  const rows: PdfRun[][] = [];
  for (const run of runs) {
    const row = rows.at(-1);
    const before = row?.at(-1);
    const near =
      before !== undefined && Math.abs(before.y - run.y) <= SAME_LINE * Math.max(before.size, run.size);
    if (row && near) row.push(run);
    else rows.push([run]);
  }
  for (const row of rows) row.sort((a, b) => a.x - b.x);
  return rows;
}

/** The runs of a row parted where the gap is wider than any space. */
function segmentsOf(row: readonly PdfRun[]): PdfRun[][] {
  const segments: PdfRun[][] = [];
  for (const run of row) {
    const segment = segments.at(-1);
    const before = segment?.at(-1);
    const gap = before ? run.x - (before.x + before.width) : 0;
    if (segment && gap <= CELL_GAP * run.size) segment.push(run);
    else segments.push([run]);
  }
  return segments;
}

/** The middle of the gap that parts two columns, where enough rows are drawn across it. */
function gutterOf(rows: readonly (readonly (readonly PdfRun[])[])[]): number | undefined {
  const gaps = rows.flatMap((segments) => {
    if (segments.length !== 2) return [];
    const [left, right] = [lineOf(segments[0]!), lineOf(segments[1]!)];
    const wide = Math.min(left.text.length, right.text.length) >= COLUMN_CHARACTERS;
    return wide ? [{ from: left.right, to: right.left }] : [];
  });
  if (gaps.length < COLUMN_LINES || gaps.length < rows.length / 2) return undefined;
  const [from, to] = [Math.max(...gaps.map((gap) => gap.from)), Math.min(...gaps.map((gap) => gap.to))];
  return from < to ? (from + to) / 2 : undefined;
}

/** A row across the gutter as two lines, one for each column; a row over both, such as a title, stays whole. */
function splitAt(segments: readonly (readonly PdfRun[])[], gutter: number): PdfLine[] {
  const left = segments.filter((segment) => lineOf(segment).right <= gutter);
  const right = segments.filter((segment) => lineOf(segment).left >= gutter);
  if (left.length + right.length < segments.length) return [lineOf(segments.flat())];
  return [left, right].filter((side) => side.length > 0).map((side) => lineOf(side.flat()));
}

/** Left column before right; what runs over both parts the page, and stays between what is above and below it. */
function byColumn(gutter: number): (a: PdfLine, b: PdfLine) => number {
  const side = (line: PdfLine): number => (line.right <= gutter ? 0 : line.left >= gutter ? 1 : 2);
  return (a, b) => {
    const [first, second] = [side(a), side(b)];
    return first === 2 || second === 2 || first === second ? b.y - a.y : first - second;
  };
}

function lineOf(runs: readonly PdfRun[]): PdfLine {
  let text = "";
  let end = runs[0]!.x;
  for (const run of runs) {
    const gap = run.x - end;
    if (text !== "" && gap > WORD_GAP * run.size) text += gap > CELL_GAP * run.size ? "  " : " ";
    text += run.text;
    end = run.x + run.width;
  }
  const right = Math.max(...runs.map((run) => run.x + run.width));
  const [size, font] = [most(runs, (run) => Math.round(run.size * 2) / 2), most(runs, (run) => run.font)];
  return {
    text: squeezed(text.replace(LEADERS, LEADER)),
    left: runs[0]!.x,
    right,
    y: runs[0]!.y,
    size,
    font,
  };
}

/** The value under which most characters stand. */
export function most<Item extends { readonly text: string }, Value>(
  items: readonly Item[],
  valueOf: (item: Item) => Value,
): Value {
  const counts = new Map<Value, number>();
  for (const item of items) {
    const value = valueOf(item);
    counts.set(value, (counts.get(value) ?? 0) + item.text.length);
  }
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}
