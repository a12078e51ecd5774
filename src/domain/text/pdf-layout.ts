// The lines of all pages → headings, paragraphs and items. What is told apart by measure: a heading by its font size or
// by another font on a line of its own, a new paragraph by the gap above it, its indent or a short line before it.
import { LEADER, most, type PdfLine, type PdfPage } from "./pdf-lines.ts";
import type { TextBlock } from "./structure.ts";

const MARGIN = 0.1; // of the page's height, at both ends: where running headers and footers stand
const PAGE_NUMBER = /^(?:page\s*)?[–—-]?\s*(?:\d{1,5}|[ivxlc]{1,7})\s*[–—-]?(?:\s*(?:of|\/)\s*\d{1,5})?$/i;
const FULL_LINE = 0.85; // of the width of the text: no heading of the text's size is that long
const REPEATED = 0.4; // of the pages: left and right pages may have different ones
const LARGER = 1.12; // times the size of the text: a heading
const WIDE_GAP = 1.35; // times the usual distance of lines: a new paragraph
const LONGEST_HEADING = 160; // characters
const ITEM = /^(?:[•‣▪◦●○■□–—·*-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+(?=\S)/u;
const SENTENCE_END = /[.!?:;]["'”’)\]]*$/u;

/** Blocks of a document in reading order, each with the page on which it begins. */
export function blocksOfPages(pages: readonly PdfPage[]): TextBlock[] {
  const all = pages.flatMap((page) => page.lines);
  if (all.length === 0) return [];
  const keyOf = runningKey.bind(
    undefined,
    most(all, (line) => line.size),
  );
  const running = runningLines(pages, keyOf);
  const lines = pages.flatMap((page) =>
    page.lines
      .filter((line) => !running.has(keyOf(page, line)) && !isPageNumber(page, line))
      .map((line) => ({ ...line, page: page.number })),
  );
  return lines.length === 0 ? [] : new Layout(lines).blocks();
}

type PlacedLine = PdfLine & { readonly page: number };

function isPageNumber(page: PdfPage, line: PdfLine): boolean {
  return isInMargin(page, line) && PAGE_NUMBER.test(line.text);
}

function isInMargin(page: PdfPage, { y }: PdfLine): boolean {
  return y < MARGIN * page.height || y > (1 - MARGIN) * page.height;
}

type RunningKey = (page: PdfPage, line: PdfLine) => string;

/** Headers and footers: the same words, page numbers aside, at the same height of many pages. */
function runningLines(pages: readonly PdfPage[], keyOf: RunningKey): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const page of pages) {
    const keys = new Set(page.lines.map((line) => keyOf(page, line)));
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const enough = Math.max(3, REPEATED * pages.length);
  return new Set([...counts].filter(([key, count]) => key !== "" && count >= enough).map(([key]) => key));
}

/** What a running line has in common over pages; "" for a line in the middle of the page. Chapters keep their number. */
function runningKey(bodySize: number, page: PdfPage, line: PdfLine): string {
  if (!isInMargin(page, line)) return "";
  const isTitle = line.size >= LARGER * bodySize;
  const words = isTitle ? line.text : line.text.replace(/\d+/g, "#").replace(/\b[ivxlc]+\b/g, "#");
  return `${Math.round(line.y / 4)} ${words}`;
}

class Layout {
  private readonly lines: readonly PlacedLine[];
  private readonly bodySize: number;
  private readonly bodyFont: string;
  private readonly leading: number;
  private readonly width: number;
  private readonly headingSizes: readonly number[];
  private readonly words: ReadonlySet<string>;
  private readonly result: TextBlock[] = [];
  private open: { kind: TextBlock["kind"]; level: number; lines: PlacedLine[] } | undefined;

  constructor(lines: readonly PlacedLine[]) {
    this.lines = lines;
    this.bodySize = most(lines, (line) => line.size);
    this.bodyFont = most(lines, (line) => line.font);
    this.leading = usualLeading(lines, this.bodySize);
    this.width = usualWidth(lines);
    const larger = lines.filter((line) => this.isLarger(line)).map((line) => line.size);
    this.headingSizes = [...new Set(larger)].sort((a, b) => b - a);
    this.words = new Set(
      lines.flatMap((line) => line.text.toLowerCase().match(/[\p{L}\p{N}]+(?:-[\p{L}\p{N}]+)*/gu) ?? []),
    );
  }

  blocks(): TextBlock[] {
    for (const [index, line] of this.lines.entries()) {
      const before = this.lines[index - 1];
      const level = this.headingLevel(line, before, this.lines[index + 1]);
      if (level > 0) this.heading(line, before, level);
      else this.text(line, before);
    }
    this.close();
    return this.result;
  }

  private heading(line: PlacedLine, before: PlacedLine | undefined, level: number): void {
    const { open } = this;
    const continues = open?.kind === "heading" && open.level === level && !this.isApart(line, before);
    if (continues) open.lines.push(line);
    else this.begin("heading", level, line);
  }

  private text(line: PlacedLine, before: PlacedLine | undefined): void {
    const { open } = this;
    if (ITEM.test(line.text)) this.begin("item", 0, line);
    else if (!open || open.kind === "heading" || this.opensParagraph(line, before!))
      this.begin("paragraph", 0, line);
    else open.lines.push(line);
  }

  private begin(kind: TextBlock["kind"], level: number, line: PlacedLine): void {
    this.close();
    this.open = { kind, level, lines: [line] };
  }

  private close(): void {
    const { open } = this;
    if (!open) return;
    const text = this.joined(open.lines);
    const kind = open.kind === "heading" && text.length > LONGEST_HEADING ? "paragraph" : open.kind;
    const bare = kind === "item" ? text.replace(/^[•‣▪◦●○■□–—·*-]\s+/u, "") : text;
    const level = kind === "heading" ? open.level : 0;
    if (bare !== "") this.result.push({ kind, level, text: bare, page: open.lines[0]!.page });
    this.open = undefined;
  }

  private isLarger(line: PdfLine): boolean {
    if (line.text.includes(LEADER)) return false; // an entry of a table of contents
    return line.size >= LARGER * this.bodySize && /\p{L}/u.test(line.text);
  }

  /** 0 for text; larger fonts by their size, other fonts of the text's size below all of them. */
  private headingLevel(
    line: PlacedLine,
    before: PlacedLine | undefined,
    after: PlacedLine | undefined,
  ): number {
    if (this.isLarger(line)) return Math.min(6, 1 + this.headingSizes.indexOf(line.size));
    const titled =
      /^[\p{Lu}\p{N}]/u.test(line.text) && !/[.,;:!?]$/.test(line.text) && line.text.length <= 80;
    const own = line.font !== this.bodyFont && line.size >= 0.95 * this.bodySize && /\p{L}/u.test(line.text);
    const alone = this.isApart(line, before) && after !== undefined && after.font === this.bodyFont;
    const short = line.right - line.left < FULL_LINE * this.width && !line.text.includes(LEADER);
    const below = after === undefined || after.page !== line.page || after.y < line.y;
    return titled && short && own && alone && below ? Math.min(6, this.headingSizes.length + 1) : 0;
  }

  private isApart(line: PlacedLine, before: PlacedLine | undefined): boolean {
    if (before === undefined || before.page !== line.page) return true;
    const distance = before.y - line.y;
    return distance < 0 || distance > WIDE_GAP * Math.max(this.leading, 1.15 * line.size);
  }

  private opensParagraph(line: PlacedLine, before: PlacedLine): boolean {
    const jumps = before.page !== line.page || before.y <= line.y; // to another page or column
    const ended = SENTENCE_END.test(before.text);
    if (jumps) return ended || !/^[\p{Ll}\p{N}(“"]/u.test(line.text);
    if (before.y - line.y > WIDE_GAP * this.leading * Math.max(1, line.size / this.bodySize)) return true;
    if (Math.abs(before.size - line.size) > 0.1 * line.size) return true;
    const first = this.open!.lines[0]!;
    const indented =
      line.left - Math.min(before.left, first.left) > 0.9 * line.size && this.open!.kind !== "item";
    const widest = Math.max(...this.open!.lines.map((own) => own.right));
    const short = before.right < line.left + 0.75 * (Math.max(widest, line.right) - line.left);
    return ended && (indented || short);
  }

  /** Lines as one text: a word parted at the end of a line is put together again. */
  private joined(lines: readonly PlacedLine[]): string {
    return lines.reduce((text, line) => (text === "" ? line.text : this.continued(text, line.text)), "");
  }

  private continued(text: string, next: string): string {
    if (text.endsWith("\u00ad")) return text.slice(0, -1) + next;
    const parted = /([\p{L}\p{N}]+(?:-[\p{L}\p{N}]+)*)[-\u2010]$/u.exec(text)?.[1]?.toLowerCase();
    const rest = /^(\p{Ll}+)/u.exec(next)?.[1]?.toLowerCase();
    if (parted === undefined) return `${text} ${next}`;
    if (rest === undefined) return text + next; // "pre-" + "2020", "Anglo-" + "Saxon"
    const hyphened = this.words.has(`${parted}-${rest}`) && !this.words.has(parted + rest);
    return hyphened ? text + next : text.slice(0, -1) + next;
  }
}

/** The width that nine of ten lines do not pass, in points. */
function usualWidth(lines: readonly PdfLine[]): number {
  const widths = lines.map((line) => line.right - line.left).sort((a, b) => a - b);
  return widths[Math.floor(0.9 * (widths.length - 1))]!;
}

/** The most frequent distance between lines of the text's size, in points. */
function usualLeading(lines: readonly PlacedLine[], size: number): number {
  const distances = lines.flatMap((line, index) => {
    const before = lines[index - 1];
    if (!before || before.page !== line.page || line.size !== size) return [];
    const distance = before.y - line.y;
    return distance > 0.5 * size && distance < 3 * size ? [Math.round(distance * 2) / 2] : [];
  });
  const counts = new Map<number, number>();
  for (const distance of distances) counts.set(distance, (counts.get(distance) ?? 0) + 1);
  const [usual] = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0] ?? [1.2 * size];
  return usual;
}
