import { gzipSync } from "fflate";
import { parquetMetadata } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { expect, test } from "vitest";
import { RetuneError } from "../../../src/engine/errors.ts";
import { readParquet, writeParquet } from "../../../src/domain/formats/parquet.ts";
import { laterRefusal } from "./refusal.ts";

test("what is written is read back: texts, numbers, whole numbers, lists, missing cells", async () => {
  const file = await writeParquet([
    { name: "query", kind: "text", cells: ["a", "é 😀", null] },
    { name: "positives", kind: "texts", cells: [["x"], ["y", "z"], []] },
    { name: "score", kind: "number", cells: [0.5, 1, 3] },
    { name: "grade", kind: "integer", cells: [1, 2, 3] },
    {
      name: "vector",
      kind: "numbers",
      cells: [
        [0.25, 1],
        [2, 3],
        [4, 5],
      ],
    },
  ]);
  const table = await readParquet("t.parquet", file);
  expect(table).toMatchObject({
    format: "parquet",
    columns: ["query", "positives", "score", "grade", "vector"],
    badRows: 0,
  });
  expect(table.rows.map(({ line, cells }) => [line, ...cells])).toEqual([
    [1, "a", ["x"], 0.5, 1, [0.25, 1]],
    [2, "é 😀", ["y", "z"], 1, 2, [2, 3]],
    [3, null, [], 3, 3, [4, 5]],
  ]);
});

test("the schema is what pyarrow writes: UTF8 texts, doubles, 64-bit whole numbers, lists in three levels", async () => {
  const file = await writeParquet([
    { name: "a", kind: "text", cells: ["x"] },
    { name: "b", kind: "texts", cells: [["x"]] },
    { name: "c", kind: "number", cells: [1] },
    { name: "d", kind: "integer", cells: [1] },
  ]);
  const { schema, row_groups: groups } = parquetMetadata(file.buffer as ArrayBuffer);
  const leaves = schema.map((each) => [each.name, each.type, each.converted_type, each.num_children]);
  expect(leaves).toEqual([
    ["schema", undefined, undefined, 4],
    ["a", "BYTE_ARRAY", "UTF8", undefined],
    ["b", undefined, "LIST", 1],
    ["list", undefined, undefined, 1],
    ["element", "BYTE_ARRAY", "UTF8", undefined],
    ["c", "DOUBLE", undefined, undefined],
    ["d", "INT64", undefined, undefined],
  ]);
  expect(groups[0]!.columns.map((column) => column.meta_data?.codec)).toEqual(Array(4).fill("SNAPPY"));
});

test("thirty thousand rows over several pages and row groups come back in order", async () => {
  const count = 30_000;
  const texts = Array.from({ length: count }, (_, index) => `text ${index % 97} of ${index}`);
  const columnData = [
    { name: "text", data: texts },
    { name: "few", data: texts.map((_, index) => (index % 11 === 0 ? null : `kind ${index % 5}`)) },
    { name: "score", data: texts.map((_, index) => index / 7) },
    { name: "yes", data: texts.map((_, index) => index % 3 === 0) },
  ];
  const file = parquetWriteBuffer({ columnData, rowGroupSize: 9000, pageSize: 20_000 });
  const { rows } = await readParquet("t.parquet", new Uint8Array(file));
  expect(rows).toHaveLength(count);
  for (const index of [0, 8999, 9000, 29_999]) {
    const few = index % 11 === 0 ? null : `kind ${index % 5}`;
    expect(rows[index]).toEqual({ line: index + 1, cells: [texts[index], few, index / 7, index % 3 === 0] });
  }
  const lists = texts.map((text, index) => Array.from({ length: index % 4 }, () => text));
  const nested = await readParquet(
    "l.parquet",
    await writeParquet([{ name: "l", kind: "texts", cells: lists }]),
  );
  expect(nested.rows.map(({ cells }) => cells[0])).toEqual(lists);
});

test("a run that says it repeats a thousand million times is refused before it is written out", async () => {
  const file = await writeParquet([
    { name: "a", kind: "text", cells: ["x", null, "y", null, null, null, null, "z"] },
  ]);
  let refused = 0;
  for (let at = 4; at < 40; at++) {
    const spoilt = file.slice();
    spoilt.set([0xfe, 0xff, 0xff, 0xff, 0x0f], at);
    await readParquet("r.parquet", spoilt).catch((error: unknown) => {
      if (!(error instanceof RetuneError)) throw error;
      refused++;
    });
  }
  expect(refused).toBeGreaterThan(25);
});

test("columns that are all empty keep their kind", async () => {
  const file = await writeParquet([
    { name: "a", kind: "text", cells: [null, null] },
    { name: "b", kind: "texts", cells: [[], []] },
  ]);
  expect((await readParquet("t.parquet", file)).rows.map(({ cells }) => cells)).toEqual([
    [null, []],
    [null, []],
  ]);
});

test("gzip pages are read; zstd is refused by its name, with what to write instead", async () => {
  const columnData = [{ name: "a", data: Array.from({ length: 100 }, (_, index) => `row ${index % 7}`) }];
  const write = (codec: "GZIP" | "ZSTD", pack: (bytes: Uint8Array) => Uint8Array): Uint8Array =>
    new Uint8Array(parquetWriteBuffer({ columnData, codec, compressors: { [codec]: pack } }));
  const table = await readParquet(
    "g.parquet",
    write("GZIP", (bytes) => gzipSync(bytes)),
  );
  expect(table.rows).toHaveLength(100);
  expect(table.rows[8]!.cells).toEqual(["row 1"]);
  const zstd = write("ZSTD", (bytes) => bytes.slice());
  await laterRefusal(() => readParquet("z.parquet", zstd), "E_PARQUET", "ZSTD", "snappy");
});

test("a page that unpacks to more than it says is refused", async () => {
  const columnData = [{ name: "a", data: Array.from({ length: 100 }, (_, index) => `row ${index}`) }];
  const lying = parquetWriteBuffer({
    columnData,
    codec: "GZIP",
    compressors: { GZIP: () => gzipSync(new Uint8Array(5_000_000)) },
  });
  await laterRefusal(() => readParquet("b.parquet", new Uint8Array(lying)), "E_PARQUET", "b.parquet");
});

test("structs, dates, big and small whole numbers come out as plain cells", async () => {
  const columnData = [
    { name: "when", data: [new Date(0)], type: "TIMESTAMP" as const },
    { name: "big", data: [2n ** 60n], type: "INT64" as const },
    { name: "small", data: [7n], type: "INT64" as const },
    { name: "json", data: [{ role: "user", parts: ["a"] }], type: "JSON" as const },
    { name: "yes", data: [true], type: "BOOLEAN" as const },
  ];
  const { rows } = await readParquet("t.parquet", new Uint8Array(parquetWriteBuffer({ columnData })));
  expect(rows[0]!.cells).toEqual([
    "1970-01-01T00:00:00.000Z",
    "1152921504606846976",
    7,
    new Map<string, unknown>([
      ["role", "user"],
      ["parts", ["a"]],
    ]),
    true,
  ]);
});

test("files that are cut off, empty or none at all are named", async () => {
  const file = await writeParquet([{ name: "a", kind: "text", cells: ["x"] }]);
  await laterRefusal(() => readParquet("c.parquet", file.slice(0, -9)), "E_PARQUET", "incomplete", "again");
  await laterRefusal(() => readParquet("n.parquet", new Uint8Array(40)), "E_PARQUET", "no Parquet");
  const none = await writeParquet([{ name: "a", kind: "text", cells: [] }]);
  await laterRefusal(() => readParquet("e.parquet", none), "E_EMPTY");
  const broken = file.slice();
  broken.fill(0xff, file.length - 30, file.length - 10);
  await laterRefusal(() => readParquet("b.parquet", broken), "E_PARQUET", "b.parquet");
});
