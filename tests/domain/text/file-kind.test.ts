import { gzipSync } from "fflate";
import { expect, test } from "vitest";
import { fileKind, type FileKind } from "../../../src/domain/text/file-kind.ts";
import { writeParquet } from "../../../src/domain/formats/parquet.ts";
import { docxOf, paragraph, zipOf } from "./docx-files.ts";
import { column, pdfOfPages } from "./pdf-files.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const parquet = await writeParquet([{ name: "a", kind: "text", cells: ["x"] }]);
const long = docxOf(
  paragraph(
    "A long text that does not repeat: " + Array.from({ length: 40_000 }, (_, i) => i * 7919).join(" "),
  ),
);

test.each<[string, Uint8Array, FileKind]>([
  ["paper.txt", pdfOfPages([column(["x"])]), "pdf"],
  ["late.bin", Uint8Array.of(...utf8("\n\nmail header\n"), ...pdfOfPages([column(["x"])])), "pdf"],
  ["about-pdf.md", utf8("A file opens with `%PDF-1.7`.\n\n# Title\n\n- one"), "markdown"],
  ["letter.zip", docxOf(paragraph("x")), "docx"],
  ["letter", long.subarray(0, 65_536), "docx"],
  ["files.docx.zip", zipOf(new Map([["a.md", "# a"]])), "zip"],
  ["corpus.jsonl.gz", gzipSync(utf8("{}")), "zip"],
  ["rows.bin", parquet, "parquet"],
  ["a.txt", utf8('{"query": "a"}\n{"query": "b"}\n'), "jsonl"],
  ["a.txt", utf8('{\n  "queries": {}\n}'), "json"],
  ["a.json", utf8("[1, 2]"), "json"],
  ["a.csv", utf8("query,passage\na,b\n"), "csv"],
  ["a.tsv", utf8("a\tb\n1\t2\n"), "tsv"],
  ["a.txt", utf8("<!doctype html><p>x</p>"), "html"],
  ["a.csv", utf8("<!doctype html><p>an error page</p>"), "html"],
  ["a.py", utf8("def f(): pass\n"), "code"],
  ["run", utf8("#!/bin/sh\necho\n"), "code"],
  ["a.md", utf8("words"), "markdown"],
  ["a.txt", utf8("words"), "text"],
  ["a.txt", Uint8Array.of(0xff, 0xfe, 0x41, 0), "text"],
  ["a.txt", Uint8Array.of(1, 0, 2), "binary"],
  ["empty", new Uint8Array(0), "text"],
])("%s is found to be what it is", (name, bytes, kind) => {
  expect(fileKind(name, bytes)).toBe(kind);
});
