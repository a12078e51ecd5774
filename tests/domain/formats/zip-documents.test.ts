import { gzipSync } from "fflate";
import { expect, test } from "vitest";
import { writeZip } from "../../../src/domain/formats/zip-writer.ts";
import { readArchive } from "../../../src/domain/formats/zip-documents.ts";
import { readDocument } from "../../../src/domain/text/documents.ts";
import { docxOf, paragraph, zipOf } from "../text/docx-files.ts";
import { column, pdfOfPages } from "../text/pdf-files.ts";
import { laterRefusal, refusal } from "./refusal.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

test("an archive of documents gives its files by their paths, each readable by itself", async () => {
  const archive = readArchive(
    "all.zip",
    zipOf(
      new Map<string, string | Uint8Array>([
        ["a/one.pdf", pdfOfPages([column(["From a PDF."])])],
        ["a/two.docx", docxOf(paragraph("From Word."))],
        ["three.md", "# From Markdown"],
      ]),
    ),
  );
  expect(archive.leftOut).toEqual([]);
  const texts = await Promise.all(
    archive.files.map(async ({ path, read }) => [path, (await readDocument(path, read())).text]),
  );
  expect(texts).toEqual([
    ["a/one.pdf", "From a PDF."],
    ["a/two.docx", "From Word."],
    ["three.md", "From Markdown"],
  ]);
});

test("Z2: archives inside are left out and named, as are files of operating systems; folders are no files", async () => {
  const inner = zipOf(new Map([["x.md", "x"]]));
  const archive = readArchive(
    "all.zip",
    writeZip([
      { name: "docs/", bytes: new Uint8Array(0) },
      { name: "docs/a.md", bytes: utf8("# a") },
      { name: "docs/inner.zip", bytes: inner },
      { name: "renamed.md", bytes: inner },
      { name: "__MACOSX/docs/._a.md", bytes: utf8("x") },
      { name: "docs/.DS_Store", bytes: utf8("x") },
    ]),
  );
  expect(archive.files.map(({ path, size }) => [path, size])).toEqual([
    ["docs/a.md", 3],
    ["renamed.md", inner.length],
  ]);
  expect(archive.leftOut).toEqual([
    { path: "docs/inner.zip", reason: "archive" },
    { path: "__MACOSX/docs/._a.md", reason: "system" },
    { path: "docs/.DS_Store", reason: "system" },
  ]);
  const renamed = archive.files[1]!;
  await laterRefusal(() => readDocument(renamed.path, renamed.read()), "E_BINARY", "renamed.md", "ZIP");
});

test("Z1, Z3, Z4, Z8: bombs, names that lead out, twins and cut archives are refused before anything is unpacked", () => {
  const zeros = zipOf(new Map([["zeros.txt", new Uint8Array(3_000_000)]]));
  refusal(() => readArchive("b.zip", zeros), "E_TOO_LARGE", "b.zip", "times its size");
  for (const name of ["../x.md", "/etc/x.md", "C:\\x.md", "a\u0000.md"]) {
    refusal(() => readArchive("n.zip", writeZip([{ name, bytes: utf8("x") }])), "E_ZIP", "n.zip", "leaves");
  }
  const twins = writeZip([
    { name: "a.md", bytes: utf8("x") },
    { name: "a.md", bytes: utf8("y") },
  ]);
  refusal(() => readArchive("t.zip", twins), "E_ZIP", "twice");
  refusal(() => readArchive("c.zip", twins.slice(0, -5)), "E_ZIP", "incomplete");
});

test("Z5, Z9: a file whose content is not what the directory says is refused when it is read, by its path", () => {
  const bytes = writeZip([{ name: "a.md", bytes: utf8("# words") }]);
  bytes[36]! ^= 1;
  const archive = readArchive("d.zip", bytes);
  refusal(() => archive.files[0]!.read(), "E_CHECKSUM", '"a.md"', "d.zip");
});

test("Z1, Z8: a gzip file gives its one file; one that unpacks past what it says, or is cut, is refused", () => {
  const packed = gzipSync(utf8('{"id": "a"}\n'));
  const { files } = readArchive("data/corpus.jsonl.gz", packed);
  expect(files.map(({ path, size }) => [path, size])).toEqual([["corpus.jsonl", 12]]);
  expect(new TextDecoder().decode(files[0]!.read())).toBe('{"id": "a"}\n');
  expect(readArchive("docs.tar.gz", packed).leftOut).toEqual([{ path: "docs.tar", reason: "archive" }]);

  const bomb = gzipSync(new Uint8Array(12_000_000));
  refusal(() => readArchive("b.gz", bomb), "E_TOO_LARGE", "12000000 bytes");
  const lying = bomb.slice();
  new DataView(lying.buffer).setUint32(lying.length - 4, 1000, true);
  refusal(() => readArchive("b.gz", lying).files[0]!.read(), "E_ZIP", "more than the 1000 bytes");
  const cut = Uint8Array.of(...packed.subarray(0, 20), 12, 0, 0, 0);
  refusal(() => readArchive("c.gz", cut).files[0]!.read(), "E_ZIP", "again");
});
