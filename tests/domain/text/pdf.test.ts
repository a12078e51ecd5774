import { Deflate, zlibSync } from "fflate";
import { expect, test } from "vitest";
import { passagesOf } from "../../../src/domain/text/chunk.ts";
import { readDocument } from "../../../src/domain/text/documents.ts";
import { refuseBombs } from "../../../src/domain/text/pdf-bombs.ts";
import type { TextBlock } from "../../../src/domain/text/structure.ts";
import { joined } from "../../../src/domain/formats/zip-writer.ts";
import { laterRefusal, refusal } from "../formats/refusal.ts";
import { column, pageContent, pdfOf, pdfOfPages, streamOf, type PdfLine } from "./pdf-files.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
const unlatin = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const shown = (blocks: readonly TextBlock[]): string[] =>
  blocks.map(({ kind, level, text, page }) => `${page} ${kind}${level || ""}: ${text}`);

/** A zlib stream of so many megabytes of zeros: the block of the second megabyte repeats. */
function packedZeros(megabytes: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const deflate = new Deflate({ level: 9 }, (part) => parts.push(part));
  const blocks = [0, 1].map(() => {
    deflate.push(new Uint8Array(1_000_000));
    deflate.flush();
    return joined(parts.splice(0));
  });
  return joined([
    Uint8Array.of(0x78, 0x9c),
    blocks[0]!,
    ...Array<Uint8Array>(megabytes - 1).fill(blocks[1]!),
  ]);
}

const BODY = [
  "The boiler room is locked at six and the key is kept by the war-",
  "den of the site, who answers within three days. A well-known rule",
  "says that a second key is kept in the north store, and that a well-",
  "known person may ask for it.",
];

test("headings, paragraphs and items with their pages; parted words are joined, running lines dropped", async () => {
  const pages = [1, 2, 3].map((number): PdfLine[] => [
    { text: "Handbook of the House", y: 765, size: 9 },
    { text: `Chapter ${number}`, y: 700, size: 18 },
    { text: "Keys and rooms", y: 670, bold: true },
    ...column(BODY, 640),
    ...column(["A paragraph of its own stands after a gap."], 560),
    { text: "• bring the permit", y: 530 },
    { text: "that is signed", y: 516, x: 80 },
    { text: "• ask the warden", y: 502 },
    { text: `Page ${number} of 3`, x: 280, y: 30, size: 9 },
  ]);
  const reading = await readDocument(
    "a.pdf",
    pdfOfPages(pages, { packed: true, info: "/Title (House rules)" }),
  );
  expect(reading).toMatchObject({ format: "pdf", title: "House rules", pages: 3, warnings: [] });
  const paragraph =
    "The boiler room is locked at six and the key is kept by the warden of the site, who answers within three days. " +
    "A well-known rule says that a second key is kept in the north store, and that a well-known person may ask for it.";
  expect(shown(reading.blocks).slice(0, 6)).toEqual([
    "1 heading1: Chapter 1",
    "1 heading2: Keys and rooms",
    `1 paragraph: ${paragraph}`,
    "1 paragraph: A paragraph of its own stands after a gap.",
    "1 item: bring the permit that is signed",
    "1 item: ask the warden",
  ]);
  expect(reading.blocks).toHaveLength(18);
  expect(reading.text).not.toContain("Handbook");
});

test("page numbers, full lines in another font and entries of a table of contents are no headings", async () => {
  const bold = {
    text: "Returns: one if the key was found in the north store and two if it was found",
    bold: true,
  };
  const pages = [
    [
      { text: "1 Introduction . . . . . . . . . . . . . 7", y: 700, size: 14 },
      ...column(BODY, 640),
      { text: "12", x: 300, y: 30 },
    ],
    [
      { ...bold, y: 690 },
      ...column(["in the boiler room, where it should not be at all at any time of the"], 676),
      { text: "xiv", y: 28 },
    ],
  ];
  const { headings, text, blocks } = await readDocument("a.pdf", pdfOfPages(pages));
  expect(headings).toEqual([]);
  expect(blocks[0]!.text).toBe("1 Introduction … 7");
  expect(text).not.toMatch(/12|xiv/);
});

test("a passage says on which page it begins; a sentence goes on over the end of a page", async () => {
  const pages = [
    column(["The lantern of the first hall is lit at dusk and put out"]),
    column(["at dawn by the keeper.", "The second lantern stays dark."]),
  ];
  const reading = await readDocument("a.pdf", pdfOfPages(pages));
  expect(reading.blocks[0]).toMatchObject({ page: 1 });
  expect(reading.blocks[0]!.text).toContain("put out at dawn by the keeper.");
  const long = pdfOfPages([1, 2, 3].map((n) => column([`Hall ${n} has ${n} doors and a keeper.`])));
  const passages = await passagesOf(await readDocument("b.pdf", long), {
    maxTokens: 12,
    minTokens: 4,
    overlapTokens: 0,
  });
  expect(passages.map(({ page }) => page)).toEqual([1, 2, 3]);
});

test("a page drawn line by line across two columns is read one column after the other", async () => {
  const left = [
    "Left one begins the story of",
    "a house by the river which is",
    "old and has many rooms that",
    "nobody counts because they",
    "change every winter night.",
  ];
  const right = [
    "Right one tells of a garden",
    "with seven gates and a wall",
    "around it, higher than any",
    "tree that grows in it, and",
    "older than the house itself.",
  ];
  const lines = left.flatMap((text, index): PdfLine[] => [
    { text, y: 700 - 14 * index },
    { text: right[index]!, x: 330, y: 700 - 14 * index },
  ]);
  const { text } = await readDocument("a.pdf", pdfOfPages([lines]));
  expect(text.replace(/\s+/g, " ")).toBe(`${left.join(" ")} ${right.join(" ")}`);
});

test("P1: a PDF behind a password is named as such, with what to do", async () => {
  const key = "<28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A>";
  const encrypted = pdfOf(
    [
      { body: "<< /Type /Catalog /Pages 2 0 R >>" },
      { body: "<< /Type /Pages /Kids [] /Count 0 >>" },
      { body: `<< /Filter /Standard /V 1 /R 2 /O ${key} /U ${key} /P -64 >>` },
    ],
    "/Encrypt 3 0 R /ID [<00112233445566778899AABBCCDDEEFF> <00112233445566778899AABBCCDDEEFF>]",
  );
  await laterRefusal(
    () => readDocument("a.pdf", encrypted),
    "E_PDF_PASSWORD",
    "a.pdf",
    "password",
    "import that",
  );
});

test("P2: a scan is named as one; of a mixed file the pages without text are named", async () => {
  const scan = pdfOfPages([[], [], []]);
  const error = await laterRefusal(
    () => readDocument("s.pdf", scan),
    "E_PDF_NO_TEXT",
    "3 pages",
    "scan",
    "OCR",
  );
  expect(error.place).toMatchObject({ file: "s.pdf" });
  const mixed = pdfOfPages([[], column(["Words."]), [], [], column(["More words."])]);
  const { warnings } = await readDocument("m.pdf", mixed);
  expect(warnings).toMatchObject([{ code: "scanned-pages", count: 3 }]);
  expect(warnings[0]!.message).toContain("pages 1, 3–4 without text");
});

test("P3: a stream that unpacks past the limit is refused before it is opened, packed twice or run-length coded too", () => {
  const limits = { streamBytes: 1_000_000, pictureBytes: 2_000_000, totalBytes: 3_000_000, layers: 3 };
  const zeros = new Uint8Array(1_500_000);
  const file = (stream: Uint8Array, more: string): Uint8Array =>
    pdfOf([{ body: "<< /Type /Catalog >>" }, { body: `<< /Length ${stream.length} ${more} >>`, stream }]);
  const bomb = file(zlibSync(zeros), "/Filter /FlateDecode");
  const error = refusal(() => refuseBombs("b.pdf", bomb, limits), "E_TOO_LARGE", "b.pdf", "more than 1 MB");
  expect(latin(bomb).slice(error.place.byte).slice(0, 6)).toBe("stream");
  refusal(
    () =>
      refuseBombs("b.pdf", file(zlibSync(zlibSync(zeros)), "/Filter [/FlateDecode /FlateDecode]"), limits),
    "E_TOO_LARGE",
  );
  refusal(
    () => refuseBombs("b.pdf", file(zeros.subarray(0, 20_000), "/Filter /RunLengthDecode"), limits),
    "E_TOO_LARGE",
  );
  const picture = file(zlibSync(zeros), "/Subtype /Image /Filter /FlateDecode");
  expect(() => refuseBombs("b.pdf", picture, limits)).not.toThrow();
  const three = pdfOf([1, 2, 3].map(() => ({ body: "<< /Subtype /Image >>", stream: zlibSync(zeros) })));
  refusal(() => refuseBombs("b.pdf", three, limits), "E_TOO_LARGE", "more than 3 MB");
  expect(() => refuseBombs("b.pdf", pdfOfPages([column(BODY)], { packed: true }), limits)).not.toThrow();
});

test("P3: a page whose content unpacks past 128 MB ends as an error before it is unpacked", async () => {
  const content = packedZeros(132);
  const file = pdfOf([
    { body: "<< /Type /Catalog /Pages 2 0 R >>" },
    { body: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>" },
    { body: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>" },
    { body: `<< /Length ${content.length} /Filter /FlateDecode >>`, stream: content },
  ]);
  await laterRefusal(() => readDocument("b.pdf", file), "E_TOO_LARGE", "more than 128 MB");
});

test("P4: a tree of pages that runs in a circle, or says it has too many, ends as an error", async () => {
  const tree = (kids: string, count: number): Uint8Array =>
    pdfOf([
      { body: "<< /Type /Catalog /Pages 2 0 R >>" },
      { body: `<< /Type /Pages /Kids [${kids}] /Count ${count} >>` },
    ]);
  await laterRefusal(() => readDocument("c.pdf", tree("2 0 R", 1)), "E_PDF", "c.pdf");
  await laterRefusal(() => readDocument("c.pdf", tree("2 0 R 2 0 R", 100_000)), "E_PDF");
  await laterRefusal(() => readDocument("c.pdf", tree("9 0 R", 1)), "E_PDF");
  const many = pdfOf([
    { body: "<< /Type /Catalog /Pages 2 0 R >>" },
    { body: `<< /Type /Pages /Kids [${"3 0 R ".repeat(20_001)}] /Count 20001 >>` },
    { body: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>" },
  ]);
  await laterRefusal(() => readDocument("c.pdf", many), "E_TOO_LARGE", "20001 pages");
});

test("P5: a cut or lying cross-reference table is mended where the pages are there, else the file is called broken", async () => {
  const whole = latin(pdfOfPages([column(["All of this is still here."])]));
  const table = whole.indexOf("xref\n");
  const lying = whole.replace(/\d{10} 00000 n/g, "0000000007 00000 n");
  for (const broken of [whole.slice(0, table), whole.slice(0, table + 60), lying]) {
    const { text } = await readDocument("x.pdf", unlatin(broken));
    expect(text).toBe("All of this is still here.");
  }
  const { warnings } = await readDocument("x.pdf", unlatin(whole.slice(0, table)));
  expect(warnings.map(({ code }) => code)).toEqual(["left-out"]);
  expect(warnings[0]!.message).toContain("its end is missing");
  await laterRefusal(() => readDocument("x.pdf", unlatin(whole.slice(0, 120))), "E_PDF", "again");
  await laterRefusal(() => readDocument("x.pdf", utf8("%PDF-1.7\n%%EOF")), "E_PDF", "x.pdf");
});

test("P6: scripts, launches, links and attachments are not looked at; only the words come out", async () => {
  const action = "<< /S /JavaScript /JS (app.alert\\(1\\)) /Next << /S /Launch /F (calc.exe) >> >>";
  const catalog = `/OpenAction ${action} /Names << /JavaScript << /Names [(x) ${action}] >> >>`;
  const link =
    "/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (https://remote.example/) >> >>]";
  const info = "/Title (<img src=x onerror=alert\\(1\\)>)";
  const hostile = pdfOfPages([column(["<script>alert(1)</script> stays text."])], {
    catalog,
    page: link,
    info,
  });
  const reading = await readDocument("j.pdf", hostile);
  expect(reading.text).toBe("<script>alert(1)</script> stays text.");
  expect(reading.title).toBe("<img src=x onerror=alert(1)>");
});

test("P7: what a file is called does not matter, the first bytes do", async () => {
  const pdf = pdfOfPages([column(["Found by content."])]);
  expect((await readDocument("page.html", pdf)).format).toBe("pdf");
  expect((await readDocument("paper.pdf", utf8("<!doctype html><p>A page.</p>"))).format).toBe("html");
});

test("reading stops between pages when it is told to, and counts them", async () => {
  const pdf = pdfOfPages([1, 2, 3, 4].map((number) => column([`Page ${number}.`])));
  const stop = new AbortController();
  const seen: number[] = [];
  const onProgress = ({ done }: { done: number }): void => {
    seen.push(done);
    if (done === 2) stop.abort();
  };
  await laterRefusal(
    () => readDocument("a.pdf", pdf, { signal: stop.signal, onProgress }),
    "cancelled",
    "page",
  );
  expect(seen).toEqual([0, 1, 2]);
});

test("a page that is broken beside good ones is left out and named", async () => {
  const good = latin(pdfOfPages([column(["One."]), column(["Two."])]));
  const broken = good.replace("/Kids [6 0 R 8 0 R]", "/Kids [6 0 R 77 0 R]");
  const { text, warnings } = await readDocument("a.pdf", unlatin(broken));
  expect(text).toBe("One.");
  expect(warnings).toMatchObject([{ code: "left-out" }]);
});

test("text whose font does not say its characters is no text", async () => {
  const font = "<< /Type /Font /Subtype /Type1 /BaseFont /X /Encoding << /Differences [65 /g1 /g2 /g3] >> >>";
  const file = pdfOf([
    { body: "<< /Type /Catalog /Pages 2 0 R >>" },
    { body: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>" },
    {
      body: `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 ${font} >> >> /Contents 4 0 R >>`,
    },
    streamOf(pageContent([{ text: "\u0001\u0002\u0003\u0004\u0005\u0006", y: 700 }]), false),
  ]);
  await laterRefusal(() => readDocument("f.pdf", file), "E_PDF_NO_TEXT", "OCR");
});
