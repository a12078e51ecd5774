import { expect, test } from "vitest";
import { writeParquet } from "../../../src/domain/formats/parquet.ts";
import { labTask } from "../../../src/domain/lab/registry.ts";
import { rowBytes } from "../../../src/domain/lab/row-bytes.ts";

test("rows of a Parquet file are read with the numbers of their rows", async () => {
  const bytes = await writeParquet([
    { name: "question", kind: "text", cells: ["How many?", null, 'Who "is" it?\nSay.'] },
    {
      name: "context",
      kind: "text",
      cells: ["CREATE TABLE t (a INT)", "CREATE TABLE t (a INT)", "CREATE TABLE u (b INT)"],
    },
    { name: "answer", kind: "text", cells: ["SELECT COUNT(*) FROM t", "SELECT a FROM t", "SELECT b FROM u"] },
  ]);
  const rows = labTask("text-to-sql").read("rows.parquet", await rowBytes("rows.parquet", bytes), {
    skipBadRows: true,
  });
  expect(rows.examples.map(({ line }) => line)).toEqual([1, 3]);
  expect(rows.examples[1]).toMatchObject({ question: 'Who "is" it?\nSay.' });
  expect(rows.notes).toMatchObject([{ line: 2, skipped: true, reason: '"question" is missing' }]);
});

test("other files stay as they are", async () => {
  const bytes = new TextEncoder().encode("question,context,answer\n");
  expect(await rowBytes("rows.csv", bytes)).toBe(bytes);
});
