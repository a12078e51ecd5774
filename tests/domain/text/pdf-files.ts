// PDF files made by hand (PDF 32000-1 §7.5), so that every broken one is broken in a known way.
import { zlibSync } from "fflate";
import { joined } from "../../../src/domain/formats/zip-writer.ts";

/** A line of text on a page; x and y in points from the lower left corner. */
export interface PdfLine {
  readonly text: string;
  readonly x?: number; // 72
  readonly y: number;
  readonly size?: number; // 11
  readonly bold?: boolean;
}

export interface PdfObject {
  readonly body: string; // of the dictionary or value
  readonly stream?: Uint8Array;
}

const WIN_ANSI: Readonly<Record<string, number>> = { "•": 0x95, "–": 0x96, "’": 0x92, "…": 0x85 };
const latin = (text: string): Uint8Array =>
  Uint8Array.from(
    text,
    (character) => WIN_ANSI[character] ?? (character.charCodeAt(0) < 256 ? character.charCodeAt(0) : 63),
  );

/** Objects 1, 2, … → a file with a cross-reference table; `/Root 1 0 R`. */
export function pdfOf(objects: readonly PdfObject[], trailer = ""): Uint8Array {
  const parts: Uint8Array[] = [latin("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")];
  const offsets: number[] = [];
  const size = (): number => parts.reduce((sum, part) => sum + part.length, 0);
  for (const [index, { body, stream }] of objects.entries()) {
    offsets.push(size());
    parts.push(latin(`${index + 1} 0 obj\n${body}\n`));
    if (stream) parts.push(latin("stream\n"), stream, latin("\nendstream\n"));
    parts.push(latin("endobj\n"));
  }
  const start = size();
  const rows = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}`;
  const end = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${start}\n%%EOF\n`;
  return joined([...parts, latin(table + end)]);
}

/** Content of a page that shows the lines. */
export function pageContent(lines: readonly PdfLine[]): Uint8Array {
  const escaped = (text: string): string => text.replace(/[\\()]/g, "\\$&");
  const shown = lines.map(
    ({ text, x = 72, y, size = 11, bold = false }) =>
      `BT /${bold ? "F2" : "F1"} ${size} Tf 1 0 0 1 ${x} ${y} Tm (${escaped(text)}) Tj ET`,
  );
  return latin(shown.join("\n"));
}

export interface PdfSettings {
  readonly packed?: boolean; // contents deflated
  readonly catalog?: string; // more of the catalog
  readonly page?: string; // more of every page
  readonly info?: string; // entries of the information dictionary
}

/** A PDF of pages, each a list of lines in Helvetica; an empty page holds a picture instead, as a scan does. */
export function pdfOfPages(pages: readonly (readonly PdfLine[])[], settings: PdfSettings = {}): Uint8Array {
  const { packed = false, catalog = "", page = "", info } = settings;
  const first = 6; // of the pages: two objects each
  const kids = pages.map((_, index) => `${first + 2 * index} 0 R`).join(" ");
  const font = (name: string): PdfObject => ({
    body: `<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`,
  });
  const objects: PdfObject[] = [
    { body: `<< /Type /Catalog /Pages 2 0 R ${catalog} >>` },
    { body: `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>` },
    font("Helvetica"),
    font("Helvetica-Bold"),
    picture(),
  ];
  for (const [index, lines] of pages.entries()) {
    const content = lines.length > 0 ? pageContent(lines) : latin("q 500 0 0 700 50 50 cm /Scan Do Q");
    const resources = "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> /XObject << /Scan 5 0 R >> >>";
    objects.push(
      {
        body: `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] ${resources} /Contents ${first + 2 * index + 1} 0 R ${page} >>`,
      },
      streamOf(content, packed),
    );
  }
  if (info !== undefined) objects.push({ body: `<< ${info} >>` });
  return pdfOf(objects, info === undefined ? "" : `/Info ${objects.length} 0 R`);
}

export function streamOf(content: Uint8Array, packed: boolean, more = ""): PdfObject {
  const stream = packed ? zlibSync(content) : content;
  return { body: `<< /Length ${stream.length} ${packed ? "/Filter /FlateDecode" : ""} ${more} >>`, stream };
}

function picture(): PdfObject {
  const about =
    "/Type /XObject /Subtype /Image /Width 2 /Height 2 /ColorSpace /DeviceGray /BitsPerComponent 8";
  return streamOf(Uint8Array.of(0, 85, 170, 255), false, about);
}

/** Lines one below the other from the top of the page, 14 points apart. */
export function column(texts: readonly string[], top = 700): PdfLine[] {
  return texts.map((text, index) => ({ text, y: top - 14 * index }));
}
