// Word documents made by hand (ECMA-376 part 1): the fewest parts that Word itself would open.
import { deflateSync } from "fflate";
import { writeZip, type ZipContent } from "../../../src/domain/formats/zip-writer.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"';
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

const CONTENT_TYPES = `${HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`;
const RELATIONS = `${HEAD}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>`;
const STYLES = `${HEAD}<w:styles ${W}><w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style><w:style w:type="paragraph" w:styleId="Heading2"><w:name w:val="heading 2"/></w:style></w:styles>`;
const DOCUMENT_RELATIONS = `${HEAD}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${OFFICE}/styles" Target="styles.xml"/></Relationships>`;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export function paragraph(text: string, style?: string): string {
  const properties = style === undefined ? "" : `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>`;
  return `<w:p>${properties}<w:r><w:t xml:space="preserve">${escaped(text)}</w:t></w:r></w:p>`;
}

export function table(rows: readonly (readonly string[])[]): string {
  const cell = (text: string): string => `<w:tc>${paragraph(text)}</w:tc>`;
  return `<w:tbl>${rows.map((row) => `<w:tr>${row.map(cell).join("")}</w:tr>`).join("")}</w:tbl>`;
}

export function documentXml(body: string, prologue = ""): string {
  return `${HEAD}${prologue}<w:document ${W}><w:body>${body}</w:body></w:document>`;
}

/** The parts of a document with this body; `more` adds parts or replaces them. */
export function docxParts(xml: string, more: ReadonlyMap<string, string> = new Map()): Map<string, string> {
  return new Map([
    ["[Content_Types].xml", CONTENT_TYPES],
    ["_rels/.rels", RELATIONS],
    ["word/document.xml", xml],
    ["word/_rels/document.xml.rels", DOCUMENT_RELATIONS],
    ["word/styles.xml", STYLES],
    ...more,
  ]);
}

export function zipOf(parts: ReadonlyMap<string, string | Uint8Array>): Uint8Array {
  const contents: ZipContent[] = [...parts].map(([name, part]) => {
    const bytes = typeof part === "string" ? utf8(part) : part;
    return { name, bytes, packed: deflateSync(bytes) };
  });
  return writeZip(contents);
}

export function docxOf(body: string): Uint8Array {
  return zipOf(docxParts(documentXml(body)));
}
