import { gzipSync } from "fflate";
import { docxOf, docxParts, documentXml, paragraph, table, zipOf } from "../text/docx-files.ts";
import { column, pdfOfPages } from "../text/pdf-files.ts";
import { readTable } from "../../../src/domain/formats/table.ts";
import { writeZip } from "../../../src/domain/formats/zip-writer.ts";
import { writeParquet } from "../../../src/domain/formats/parquet.ts";
import { readArchive } from "../../../src/domain/formats/zip-documents.ts";
import { chunkBlocks } from "../../../src/domain/text/chunk.ts";
import { readDocument } from "../../../src/domain/text/documents.ts";
import { fileKind } from "../../../src/domain/text/file-kind.ts";
import type { FuzzTarget } from "./mutations.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const PAGES = [
  [
    { text: "A Title", y: 700, size: 18 },
    ...column(["Some words that are par-", "ted at the end of a line."], 660),
  ],
  column(["• an item", "The second page."]),
];
const DOCX = docxOf(
  paragraph("Leave", "Heading1") +
    paragraph("You get 25 days.") +
    table([
      ["Grade", "Days"],
      ["A", "30"],
    ]),
);
const OTHER_PARTS = [...docxParts("")]
  .filter(([name]) => name !== "word/document.xml")
  .map(([name, part]) => ({ name, bytes: utf8(part) }));
const TYPESCRIPT = `/** Doc. */\nexport class A<T> {\n  b(c: string): void { if (c === "}") return; }\n}\nconst f = (x) => { return /[{]/.test(x); };\n`;
const PYTHON = `# d\n@e\nclass A(B):\n    """T."""\n    def m(self):\n        return {"a": [1]}\n\ndef f(): pass\n`;

async function readWhole(name: string, bytes: Uint8Array): Promise<void> {
  fileKind(name, bytes);
  const { blocks } = await readDocument(name, bytes);
  chunkBlocks(blocks, { maxTokens: 20 });
}

/** The readers of documents, tables and archives. "some read": most spoilt files are still good for something. */
export const DOCUMENT_TARGETS: readonly FuzzTarget[] = [
  {
    name: "pdf, some read",
    seeds: [pdfOfPages(PAGES), pdfOfPages(PAGES, { packed: true, info: "/Title (T)" })],
    read: (bytes) => readWhole("a.pdf", bytes),
  },
  { name: "docx", seeds: [DOCX], read: (bytes) => readWhole("a.docx", bytes) },
  {
    name: "docx part",
    seeds: [utf8(documentXml(paragraph("Leave", "Heading1") + table([["Grade"], ["A"]])))],
    read: (bytes) => readWhole("a.docx", writeZip([...OTHER_PARTS, { name: "word/document.xml", bytes }])),
  },
  {
    name: "source code, some read",
    seeds: [utf8(TYPESCRIPT)],
    read: (bytes) => readWhole("a.ts", bytes),
  },
  { name: "indented code, some read", seeds: [utf8(PYTHON)], read: (bytes) => readWhole("a.py", bytes) },
  {
    name: "csv, some read",
    seeds: [utf8('a,b\n1,"x, ""y"""\n"line\nbreak",2\n3,4\n'), utf8("a\tb\n1\t2\n")],
    read: (bytes) => readTable("t.csv", bytes),
  },
  {
    name: "jsonl table, some read",
    seeds: [utf8('{"q": "a", "n": [1, 2]}\n{"q": "b", "o": {"p": null}}\n')],
    read: (bytes) => readTable("t.jsonl", bytes),
  },
  {
    name: "parquet",
    seeds: [
      await writeParquet([
        { name: "q", kind: "text", cells: ["a", "b", null] },
        { name: "p", kind: "texts", cells: [["x"], ["y", "z"], []] },
        { name: "s", kind: "number", cells: [0.5, 1, null] },
      ]),
    ],
    read: (bytes) => readTable("t.parquet", bytes),
  },
  {
    name: "gzip file",
    seeds: [gzipSync(utf8("One line.\n".repeat(9)))],
    read: (bytes) => readArchive("a.txt.gz", bytes).files.map((file) => file.read()),
  },
  {
    name: "archive of documents",
    seeds: [
      zipOf(
        new Map([
          ["a/b.md", utf8("# T\n\nWords.")],
          ["c.txt", utf8("More words.")],
        ]),
      ),
    ],
    read: (bytes) => readArchive("a.zip", bytes).files.map((file) => file.read()),
  },
];
