import { expect, test } from "vitest";
import { readDocument } from "../../../src/domain/text/documents.ts";
import type { TextBlock } from "../../../src/domain/text/structure.ts";
import { laterRefusal } from "../formats/refusal.ts";
import { docxOf, docxParts, documentXml, paragraph, table, zipOf } from "./docx-files.ts";

const shown = (blocks: readonly TextBlock[]): string[] =>
  blocks.map(({ kind, level, text }) => `${kind}${level || ""}: ${text}`);
const W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"';
const REMOTE = "https://remote.example";

test("headings, paragraphs, lists and tables survive, by the names of their styles", async () => {
  const numbering = `<w:numbering ${W}><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>`;
  const item = (text: string): string =>
    `<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>${text}</w:t></w:r></w:p>`;
  const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const relations = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a" Type="${office}/styles" Target="styles.xml"/><Relationship Id="b" Type="${office}/numbering" Target="numbering.xml"/></Relationships>`;
  const core = `<cp:coreProperties xmlns:cp="x" xmlns:dc="y"><dc:title>Leave &amp; rest</dc:title></cp:coreProperties>`;
  const body =
    paragraph("Leave", "Heading1") +
    paragraph("You get 25 days — A & B < C.") +
    paragraph("Sick days", "Heading2") +
    item("call first") +
    item("then rest") +
    table([
      ["Grade", "Days"],
      ["A", "30"],
    ]);
  const parts = docxParts(
    documentXml(body),
    new Map([
      ["word/numbering.xml", numbering],
      ["word/_rels/document.xml.rels", relations],
      ["docProps/core.xml", core],
    ]),
  );
  const reading = await readDocument("a.docx", zipOf(parts));
  expect(reading).toMatchObject({ format: "docx", title: "Leave & rest" });
  expect(shown(reading.blocks)).toEqual([
    "heading1: Leave",
    "paragraph: You get 25 days — A & B < C.",
    "heading2: Sick days",
    "item: call first",
    "item: then rest",
    "item: Grade, Days",
    "item: A, 30",
  ]);
});

test("footnotes stand at the end, without the way back to where they are called", async () => {
  const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const relations = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="n" Type="${office}/footnotes" Target="footnotes.xml"/></Relationships>`;
  const notes = `<w:footnotes ${W}><w:footnote w:id="5">${paragraph("Since 1998.")}</w:footnote></w:footnotes>`;
  const body = `<w:p><w:r><w:t>Open daily</w:t></w:r><w:r><w:footnoteReference w:id="5"/></w:r></w:p>`;
  const parts = docxParts(
    documentXml(body),
    new Map([
      ["word/footnotes.xml", notes],
      ["word/_rels/document.xml.rels", relations],
    ]),
  );
  expect((await readDocument("a.docx", zipOf(parts))).text).toBe("Open daily[1]\n\nSince 1998.");
});

test("a Word document is found under any name, and what is none is called by its own", async () => {
  expect((await readDocument("paper.bin", docxOf(paragraph("Found by content.")))).format).toBe("docx");
  const sheet = zipOf(new Map([["xl/workbook.xml", "<x/>"]]));
  await laterRefusal(() => readDocument("a.docx", sheet), "E_UNKNOWN_FORMAT", "a spreadsheet", "CSV");
  await laterRefusal(() => readDocument("a.docx", zipOf(new Map([["a.txt", "x"]]))), "E_DOCX", "a.docx");
  const locked = Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1);
  await laterRefusal(() => readDocument("a.docx", locked), "E_UNKNOWN_FORMAT", "password");
  await laterRefusal(() => readDocument("a.docx", docxOf("")), "E_EMPTY");
});

test("H3: a DOCTYPE is refused in every part, whatever it is called, and no entity is ever expanded", async () => {
  const laughs = `<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>`;
  const bomb = zipOf(docxParts(documentXml(paragraph("x").replace("x", "&b;"), laughs)));
  const error = await laterRefusal(
    () => readDocument("b.docx", bomb),
    "E_DOCX",
    "word/document.xml",
    "DOCTYPE",
  );
  expect(error.place.file).toBe("b.docx");
  const hidden = docxParts(
    documentXml(paragraph("x")),
    new Map([["word/media/picture.png", `\n${laughs}<a/>`]]),
  );
  await laterRefusal(() => readDocument("b.docx", zipOf(hidden)), "E_DOCX", "picture.png");
});

test("H1: remote pictures, templates and includes lead nowhere", async () => {
  const relation = (id: string, type: string): string =>
    `<Relationship Id="${id}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/${type}" Target="${REMOTE}/${id}" TargetMode="External"/>`;
  const relations = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${relation("p", "image")}${relation("t", "attachedTemplate")}${relation("l", "hyperlink")}</Relationships>`;
  const picture = `<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"><a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:graphicData><pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:blipFill><a:blip xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" r:link="p"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>`;
  const include = `<w:p><w:fldSimple w:instr="INCLUDEPICTURE ${REMOTE}/i.png"><w:r><w:t>field</w:t></w:r></w:fldSimple></w:p>`;
  const parts = docxParts(
    documentXml(paragraph("before") + picture + include + paragraph("after")),
    new Map([["word/_rels/document.xml.rels", relations]]),
  );
  const { text } = await readDocument("a.docx", zipOf(parts));
  expect(text).toBe("before\n\nafter");
});

test("T9: markup in a document is text of it", async () => {
  const { text } = await readDocument("a.docx", docxOf(paragraph('<img src=x onerror="alert(1)"> stays')));
  expect(text).toBe('<img src=x onerror="alert(1)"> stays');
});

test("H5: elements nested ten thousand deep are refused, not followed", async () => {
  const deep =
    "<w:tbl><w:tr><w:tc>".repeat(10_000) + paragraph("x") + "</w:tc></w:tr></w:tbl>".repeat(10_000);
  await laterRefusal(() => readDocument("d.docx", docxOf(deep)), "E_DEPTH", "word/document.xml", "256");
});

test("broken XML and missing parts are named as the document's own fault", async () => {
  const cut = docxParts(documentXml(paragraph("x")).slice(0, -30));
  await laterRefusal(() => readDocument("a.docx", zipOf(cut)), "E_DOCX", "a.docx", "save it anew");
  const missing = docxParts(documentXml(paragraph("x")));
  missing.delete("word/document.xml");
  await laterRefusal(() => readDocument("a.docx", zipOf(missing)), "E_DOCX");
  const whole = docxOf(paragraph("x"));
  await laterRefusal(() => readDocument("a.docx", whole.slice(0, whole.length - 30)), "E_ZIP", "incomplete");
});
