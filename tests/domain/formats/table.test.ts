import { expect, test } from "vitest";
import { writeCsv } from "../../../src/domain/formats/csv.ts";
import { readTable } from "../../../src/domain/formats/table.ts";
import type { Table } from "../../../src/domain/formats/table-rows.ts";
import { laterRefusal } from "./refusal.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string, name = "t.csv"): Promise<Table> => readTable(name, utf8(text));
const shown = ({ rows }: Table): unknown[] => rows.map(({ line, cells }) => [line, ...cells]);

test.each([
  [",", "csv"],
  [";", "csv"],
  ["|", "csv"],
  ["\t", "tsv"],
])("a table parted by %j is read, quotes, line ends and blank lines included", async (mark, format) => {
  const text =
    ["a", "b"].join(mark) +
    "\r\n" +
    [`"x${mark}y"`, '"say ""hi"""'].join(mark) +
    "\r\n\r\n" +
    ["1", ""].join(mark);
  const table = await read(text);
  expect(table).toMatchObject({ format, columns: ["a", "b"], badRows: 0, warnings: [] });
  expect(shown(table)).toEqual([
    [2, `x${mark}y`, 'say "hi"'],
    [4, "1", ""],
  ]);
});

test("C1: rows of another length are named by line and counted; the good ones are there", async () => {
  const table = await read("a,b\n1,2\n1,2,3\n\n4\n5,6\n");
  expect(shown(table)).toEqual([
    [2, "1", "2"],
    [6, "5", "6"],
  ]);
  expect(table.badRows).toBe(2);
  expect(table.problems.map(({ code, place }) => [code, place.line])).toEqual([
    ["E_CSV_COLUMNS", 3],
    ["E_CSV_COLUMNS", 5],
  ]);
  expect(table.problems[0]!.message).toBe(
    "t.csv: line 3: 3 fields, the header has 2; quote fields that hold separators",
  );
  await laterRefusal(() => read("a,b\n1\n2\n"), "E_CSV_COLUMNS", "line 2");
});

test("C2: a quote that never closes is named with the line where it opens", async () => {
  const error = await laterRefusal(
    () => read('a,b\n1,2\n"x\ny","open\nz\n1,2\n'),
    "E_CSV_QUOTE",
    "opens at line 4",
  );
  expect(error.place).toEqual({ file: "t.csv", line: 4 });
  await laterRefusal(() => read('a,b\n"x"y,2\n'), "E_CSV_QUOTE", "double a quote");
});

test("C3: a table of one column says that its separator may be another", async () => {
  const { warnings } = await read("a: b\n1: 2\n");
  expect(warnings).toMatchObject([{ code: "one-column", place: { line: 1 } }]);
});

test("C4: a column twice is refused, one without a name is called by its place", async () => {
  await laterRefusal(() => read("a,b,a\n1,2,3\n"), "E_CSV_COLUMNS", '"a" stands twice', "rename");
  expect((await read(",query\n0,x\n")).columns).toEqual(["column 1", "query"]);
});

test("C5: a line break inside quotes stays, and lines go on being counted", async () => {
  expect(shown(await read('a,b\n"one\ntwo",2\n3,4\n'))).toEqual([
    [2, "one\ntwo", "2"],
    [4, "3", "4"],
  ]);
});

test("C6: a hundred thousand columns are too many", async () => {
  const header = Array.from({ length: 100_000 }, (_, index) => `c${index}`).join(",");
  await laterRefusal(() => read(`${header}\n${header}\n`), "E_TOO_LARGE", "100000 columns", "1000");
});

test("C7: what a spreadsheet would run is marked on the way out and comes back unmarked; numbers are not", async () => {
  const cells = ["=HYPERLINK(1)", "+1+2", "-x", "@SUM", "\tx", "\rx", "'=x", "-1.5e3", "plain", "'quoted'"];
  const text = writeCsv(
    ["a", "b"],
    cells.map((cell) => [cell, "x"]),
    { formulas: "marked" },
  );
  expect(text.split("\n").slice(1, 5)).toEqual(["'=HYPERLINK(1),x", "'+1+2,x", "'-x,x", "'@SUM,x"]);
  expect(text).toContain("\n-1.5e3,x\n");
  expect((await read(text)).rows.map((row) => row.cells[0])).toEqual(cells);
});

test("C8: a Latin-1 file is refused with the byte, the line and what to do", async () => {
  const bytes = Uint8Array.of(...utf8("a,b\ncaf"), 0xe9, ...utf8(",1\n"));
  const error = await laterRefusal(() => readTable("l.csv", bytes), "E_UTF8", "byte 7", "save it as UTF-8");
  expect(error.place).toEqual({ file: "l.csv", byte: 7, line: 2 });
});

test("J8: JSON Lines with blank lines, both line ends and bad rows give the good rows and the bad lines", async () => {
  const table = await read(
    '{"q": "a", "n": 1}\r\n\n{"q": "b"\n[1]\n{"n": 2.5, "pos": ["x", {"k": null}]}\n',
    "t.jsonl",
  );
  expect(table).toMatchObject({ format: "jsonl", columns: ["q", "n", "pos"], badRows: 2 });
  expect(table.rows.map(({ line }) => line)).toEqual([1, 5]);
  expect(table.rows[1]!.cells).toEqual([undefined, 2.5, ["x", new Map([["k", null]])]]);
  expect(table.problems.map(({ code, place }) => [code, place.line])).toEqual([
    ["E_JSON", 3],
    ["E_FIELD", 4],
  ]);
});

test("J7: a key named after a prototype is a column like any other", async () => {
  const table = await read('{"__proto__": {"polluted": true}, "constructor": "x"}\n', "t.jsonl");
  expect(table.columns).toEqual(["__proto__", "constructor"]);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test("T4, T5: empty and binary tables are named as such", async () => {
  await laterRefusal(() => read("a,b\n"), "E_EMPTY", "no row");
  await laterRefusal(() => readTable("b.csv", Uint8Array.of(1, 0, 2)), "E_BINARY", "byte 1");
});

test("ten thousand bad rows are counted, a thousand of them named", async () => {
  const table = await read(`a,b\n1,2\n${"1\n".repeat(10_000)}`);
  expect(table.badRows).toBe(10_000);
  expect(table.problems).toHaveLength(1000);
});
