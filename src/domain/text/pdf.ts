// The text layer of a PDF through pdf.js, which runs where this runs: in our own worker or in Node, never in a thread of
// its own, and without fonts, character maps or pictures from anywhere. The legacy build serves older browsers and Node 20.
import type * as pdfjsLibrary from "pdfjs-dist";
import { RetuneError, type ErrorCode } from "../../engine/errors.ts";
import { opening, placeIn, type ImportWarning } from "../data/import-report.ts";
import type { RunControl } from "../ports.ts";
import { refuseBombs } from "./pdf-bombs.ts";
import { blocksOfPages } from "./pdf-layout.ts";
import { withPromisesLookedAfter } from "./pdf-promises.ts";
import { withTrailer } from "./pdf-repair.ts";
import { linesOf, type PdfPage, type PdfRun } from "./pdf-lines.ts";
import { squeezed, type DocumentContent } from "./structure.ts";

const MOST_PAGES = 20_000;
const UNREADABLE = /[\p{Cc}\p{Co}\ufffd]/gu; // what a font without a table of characters gives
const OCR = "make its text readable first (OCR, for example: ocrmypdf in.pdf out.pdf) and import the result";

/**
 * A PDF → headings, paragraphs and items with their page numbers. Scripts, forms, links and attachments are not looked
 * at. Errors: E_PDF_PASSWORD, E_PDF_NO_TEXT (a scan), E_TOO_LARGE (too many pages, a packed bomb), E_PDF (broken),
 * "cancelled". Pages without text, or broken ones, beside good ones are named in the warnings.
 */
export async function readPdf(
  name: string,
  bytes: Uint8Array,
  control: RunControl = {},
): Promise<DocumentContent> {
  refuseBombs(name, bytes);
  const pdfjs = await loadPdfjs();
  try {
    return await readWith(pdfjs, name, bytes.slice(), control);
  } catch (error) {
    const repaired = isBroken(error) ? withTrailer(bytes) : undefined;
    if (!repaired) throw refusalOf(name, error);
    return readRepaired(pdfjs, name, repaired, control);
  }
}

/** pdf.js takes the bytes over. */
async function readWith(
  pdfjs: Pdfjs,
  name: string,
  data: Uint8Array<ArrayBuffer>,
  control: RunControl,
): Promise<DocumentContent> {
  const task = pdfjs.getDocument({
    data,
    isEvalSupported: false,
    useWasm: false,
    useWorkerFetch: false,
    useSystemFonts: false,
    disableFontFace: true,
    isImageDecoderSupported: false,
    isOffscreenCanvasSupported: false,
    verbosity: pdfjs.VerbosityLevel.ERRORS,
  });
  try {
    return await withPromisesLookedAfter(async () => {
      const document = await task.promise;
      const pages = await readPages(name, document, control);
      const title = await titleOf(document);
      return contentOf(name, pages, title);
    });
  } finally {
    await task.destroy();
  }
}

async function readRepaired(
  pdfjs: Pdfjs,
  name: string,
  repaired: Uint8Array<ArrayBuffer>,
  control: RunControl,
): Promise<DocumentContent> {
  try {
    const content = await readWith(pdfjs, name, repaired, control);
    const message = `${opening(name)}its end is missing; what is there was read, download it again for the rest`;
    const cut: ImportWarning = { code: "left-out", message, count: 1, place: placeIn(name) };
    return { ...content, warnings: [cut, ...content.warnings] };
  } catch (error) {
    throw refusalOf(name, error);
  }
}

function isBroken(error: unknown): boolean {
  return error instanceof Error && error.name === "InvalidPDFException";
}

type Pdfjs = typeof pdfjsLibrary;
type PdfDocument = Awaited<ReturnType<Pdfjs["getDocument"]>["promise"]>;

async function loadPdfjs(): Promise<Pdfjs> {
  const home = globalThis as { pdfjsWorker?: object }; // where pdf.js looks for it before it would start a worker
  home.pdfjsWorker ??= await import("pdfjs-dist/legacy/build/pdf.worker.mjs");
  return import("pdfjs-dist/legacy/build/pdf.mjs");
}

interface ReadPages {
  readonly pages: readonly PdfPage[];
  readonly broken: readonly number[];
  readonly unreadable: readonly number[]; // text whose font does not say which characters it draws
}

async function readPages(name: string, document: PdfDocument, control: RunControl): Promise<ReadPages> {
  const total = document.numPages;
  if (total > MOST_PAGES) {
    const what = `${total} pages; at most ${MOST_PAGES} are read, split the file`;
    throw failure("E_TOO_LARGE", name, what);
  }
  const found = { pages: [] as PdfPage[], broken: [] as number[], unreadable: [] as number[] };
  for (let number = 1; number <= total; number++) {
    if (control.signal?.aborted) throw failure("cancelled", name, `stopped at page ${number} of ${total}`);
    control.onProgress?.({ done: number - 1, total, label: name });
    const page = await readPage(document, number);
    if (page === undefined) found.broken.push(number);
    else if (isUnreadable(page)) found.unreadable.push(number);
    found.pages.push(page === undefined || isUnreadable(page) ? { number, height: 1, lines: [] } : page);
  }
  control.onProgress?.({ done: total, total, label: name });
  return found;
}

/** A page, or undefined where it is broken. */
async function readPage(document: PdfDocument, number: number): Promise<PdfPage | undefined> {
  try {
    const page = await document.getPage(number);
    const { items } = await page.getTextContent();
    const [left, bottom, , top] = page.view as [number, number, number, number];
    const runs = items.flatMap((item) => ("str" in item ? [runOf(item, left, bottom)] : []));
    page.cleanup();
    return { number, height: Math.max(1, top - bottom), lines: linesOf(runs) };
  } catch {
    return undefined; // counted and named by its number
  }
}

interface TextItem {
  readonly str: string;
  readonly transform: readonly unknown[];
  readonly width: number;
  readonly height: number;
  readonly fontName: string;
}

function runOf(item: TextItem, left: number, bottom: number): PdfRun {
  const [, , c, d, x, y] = item.transform.map(Number) as [number, number, number, number, number, number];
  const size = Math.hypot(c, d) || item.height || 1;
  return { text: item.str, x: x - left, y: y - bottom, width: item.width, size, font: item.fontName };
}

function isUnreadable(page: PdfPage): boolean {
  const text = page.lines.map((line) => line.text).join("");
  return (text.match(UNREADABLE)?.length ?? 0) > text.length / 4;
}

async function titleOf(document: PdfDocument): Promise<string | undefined> {
  try {
    const { info } = await document.getMetadata();
    const title = (info as { Title?: unknown }).Title;
    return typeof title === "string" && /\p{L}{2}/u.test(title) ? squeezed(title).slice(0, 300) : undefined;
  } catch {
    return undefined; // the title is a nicety
  }
}

function contentOf(name: string, read: ReadPages, title: string | undefined): DocumentContent {
  const { pages, broken, unreadable } = read;
  const total = pages.length;
  const empty = pages.filter((page) => page.lines.length === 0).map((page) => page.number);
  const scanned = empty.filter((number) => !broken.includes(number));
  if (total > 0 && broken.length === total)
    throw failure("E_PDF", name, `none of its ${counted(total)} can be read; save or download it again`);
  if (empty.length === total) throw noText(name, total, unreadable.length);
  const warnings = [
    warning("scanned-pages", name, scanned, `without text: scans, pictures or blank; ${OCR}`),
    warning("left-out", name, broken, "broken and left out; save or download the file again"),
  ];
  const content = { blocks: blocksOfPages(pages), pages: total, warnings: warnings.flat() };
  return title === undefined ? content : { ...content, title };
}

function noText(name: string, total: number, unreadable: number): RetuneError {
  const what =
    unreadable > total / 2
      ? `the fonts of its ${counted(total)} do not say which characters they draw; ${OCR}`
      : `${counted(total)} and no text on any: this is a scan; ${OCR}`;
  return failure("E_PDF_NO_TEXT", name, what);
}

function warning(
  code: ImportWarning["code"],
  name: string,
  pages: readonly number[],
  what: string,
): ImportWarning[] {
  if (pages.length === 0) return [];
  const where = `${pages.length === 1 ? "page" : "pages"} ${ranges(pages)}`;
  return [{ code, message: `${opening(name)}${where} ${what}`, count: pages.length, place: placeIn(name) }];
}

/** "1–3, 7": ascending numbers with runs drawn together; at most ten of them. */
export function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run && run[1] + 1 === number) run[1] = number;
    else runs.push([number, number]);
  }
  const shown = runs.slice(0, 10).map(([from, to]) => (from === to ? String(from) : `${from}–${to}`));
  return shown.join(", ") + (runs.length > 10 ? " …" : "");
}

function counted(pages: number): string {
  return pages === 1 ? "1 page" : `${pages} pages`;
}

function refusalOf(name: string, error: unknown): RetuneError {
  if (error instanceof RetuneError) return error;
  const kind = error instanceof Error ? error.name : "";
  if (kind === "PasswordException") {
    const next = "open it with its password, print or save it as a PDF without one, and import that";
    return failure("E_PDF_PASSWORD", name, `it is locked by a password; ${next}`, error);
  }
  const detail = error instanceof Error ? error.message.replace(/\.$/, "").slice(0, 120) : "";
  const what = `it is broken (${detail}); save or download it again`;
  return failure("E_PDF", name, what, error);
}

function failure(code: ErrorCode, name: string, what: string, cause?: unknown): RetuneError {
  const options = cause === undefined ? {} : { cause };
  return new RetuneError(code, opening(name) + what, placeIn(name), options);
}
