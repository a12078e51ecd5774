import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { memoryFile } from "../../../src/app/jobs/import-inputs.ts";
import type { InputFile } from "../../../src/app/jobs/import-inputs.ts";
import { lookAt } from "../../../src/app/jobs/import-look.ts";
import { projectData } from "../../../src/app/jobs/project-data.ts";
import { writeZip } from "../../../src/domain/formats/zip-writer.ts";
import type { RetuneError } from "../../../src/engine/errors.ts";
import { importInto, openGround, PROJECT, textFile } from "./import-memory.ts";

const note = (number: number): string =>
  `# Note ${number}\n\nThe boiler of site ${number} is swept on Fridays by warden group ${number + 11}.\n`;
const jsonl = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const passageRows = (count: number, from = 0): object[] =>
  Array.from({ length: count }, (_, row) => ({ id: `r${row + from}`, text: `Row ${row + from} says so.` }));

test("files of many kinds come in by their content, paths kept as names, archives unpacked, copies counted", async () => {
  const workspace = await openGround();
  const inner = [
    { name: "docs/one.md", bytes: new TextEncoder().encode(note(1)) },
    { name: "docs/__MACOSX/x", bytes: new Uint8Array(3) },
    {
      name: "beir/corpus.jsonl",
      bytes: new TextEncoder().encode(jsonl([{ _id: "d1", title: "", text: "Leave lasts 25 days." }])),
    },
    {
      name: "beir/queries.jsonl",
      bytes: new TextEncoder().encode(jsonl([{ _id: "q1", text: "How long is leave?" }])),
    },
    {
      name: "beir/qrels/test.tsv",
      bytes: new TextEncoder().encode("query-id\tcorpus-id\tscore\nq1\td1\t1\n"),
    },
  ];
  const report = await importInto(workspace, [
    memoryFile("all.zip", writeZip(inner)),
    textFile("folder/two.txt", note(2).replaceAll("#", "")),
    textFile(
      "rows.csv",
      "text,source\nOne passage here,a.md\nAnother passage,b.md\n one PASSAGE  here,c.md\n",
    ),
  ]);
  expect(report.waiting).toBe(false);
  expect(report.files.map(({ name, accepted }) => [name, accepted])).toEqual([
    ["all.zip/docs/one.md", true],
    ["all.zip/beir", true],
    ["folder/two.txt", true],
    ["rows.csv", true],
  ]);
  expect(report.files[3]).toMatchObject({ passages: 3, copies: 1 });
  const contents = await workspace.projects.contents(PROJECT);
  expect(contents.map(({ source }) => source.role)).toEqual(["split", "test", "split", "split"]);
  expect(contents[1]!.questions[0]).toMatchObject({ id: "q1", relevant: [{ passage: "d1", grade: 1 }] });
  expect(contents[3]!.passages.map(({ document }) => document)).toEqual(["a.md", "b.md", "c.md"]);
  expect((await workspace.projects.get(PROJECT)).tally).toMatchObject({ sources: 4, questions: 1 });
});

test("a file that is there already is left as it is, a changed one of the same name comes beside it", async () => {
  const workspace = await openGround();
  await importInto(workspace, [textFile("a.md", note(1)), textFile("b.md", note(2))]);
  const report = await importInto(workspace, [textFile("a.md", note(1)), textFile("b.md", note(3))]);
  expect(report.files.map(({ known = false }) => known)).toEqual([true, false]);
  expect((await workspace.projects.sources(PROJECT)).map(({ name }) => name)).toEqual([
    "a.md",
    "b.md",
    "b.md",
  ]);
});

/** A BEIR folder of rules, a question each; `qrels` says which questions every split holds. */
function beirFiles(qrels: Readonly<Record<string, readonly number[]>>): InputFile[] {
  const numbers = [...new Set(Object.values(qrels).flat())];
  const judged = (at: number): string => `q${at}\td${at}\t1\n`;
  return [
    textFile(
      "beir/corpus.jsonl",
      jsonl([1, 2, 3, 4, 5, 6].map((at) => ({ _id: `d${at}`, text: `Rule ${at} holds.` }))),
    ),
    textFile("beir/queries.jsonl", jsonl(numbers.map((at) => ({ _id: `q${at}`, text: `Rule ${at}?` })))),
    ...Object.entries(qrels).map(([split, questions]) =>
      textFile(
        `beir/qrels/${split}.tsv`,
        `query-id\tcorpus-id\tscore\n${questions.map(judged).join("")}${questions.includes(1) ? "q1\td5\t0\n" : ""}`,
      ),
    ),
  ];
}

test("the splits that a set brings are kept: each a source on its side, the test over the whole corpus", async () => {
  const files = beirFiles({ train: [1, 2, 4], dev: [3], test: [4, 5] });
  const zip = writeZip(
    await Promise.all(files.map(async (file) => ({ name: file.name, bytes: await file.read() }))),
  );
  for (const dropped of [files, [memoryFile("beir.zip", zip)]]) {
    const workspace = await openGround();
    const report = await importInto(workspace, dropped);
    expect(report.total).toEqual({ files: 1, accepted: 1, passages: 6 });
    expect(report.files[0]).toMatchObject({ passages: 6, questions: 5 });
    expect(report.files[0]!.copies).toBeUndefined(); // a passage on both sides is no repeated one
    expect(report.files[0]!.splits).toEqual([
      { name: "train", side: "train", questions: 2, elsewhere: 1 }, // q4 is the test's
      { name: "dev", side: "train", questions: 1 },
      { name: "test", side: "test", questions: 2 },
    ]);
    const contents = await workspace.projects.contents(PROJECT);
    expect(contents.map(({ source }) => [source.split, source.role])).toEqual([
      ["train", "train"],
      ["dev", "train"],
      ["test", "test"],
    ]);
    expect(contents[0]!.passages.map(({ id }) => id)).toEqual(["d1", "d2", "d5"]); // d5: judged wrong for q1
    const { split } = await workspace.projects.get(PROJECT);
    const { train, test: judged } = projectData(contents, split);
    expect(train.queries.map(({ id }) => id)).toEqual(["q1", "q2", "q3"]);
    expect(judged.queries.map(({ id }) => id)).toEqual(["q4", "q5"]);
    expect(judged.passages).toHaveLength(6);
    const again = await importInto(workspace, dropped);
    expect(again.files[0]).toMatchObject({ known: true, passages: 6, questions: 5 });
    expect(again.files[0]!.sourceIds).toEqual(report.files[0]!.sourceIds);
  }
});

test("without a test split the dev split is the test; whoever chose a side gets it; what leaves one side empty is divided anew", async () => {
  const roles = async (qrels: Readonly<Record<string, readonly number[]>>, role?: "train" | "split") => {
    const workspace = await openGround();
    const report = await importInto(workspace, beirFiles(qrels), role ? { role } : {});
    const sources = await workspace.projects.sources(PROJECT);
    const notes = report.files.flatMap(({ problems }) => problems.map(({ error }) => error.message));
    return { roles: sources.map((source) => source.role), notes };
  };
  const both = { train: [1, 2], dev: [3] };
  expect(await roles(both)).toEqual({ roles: ["train", "test"], notes: [] });
  expect(await roles(both, "train")).toEqual({ roles: ["train"], notes: [] });
  expect(await roles({ validation: [3] })).toEqual({ roles: ["test"], notes: [] });
  const anew = [expect.stringContaining("its splits (train, dev) are not kept")];
  expect(await roles(both, "split")).toEqual({ roles: ["split"], notes: anew });
  expect((await roles({ first: [1], second: [2] })).roles).toEqual(["split"]);
  expect((await roles({ train: [1], test: [1] })).roles).toEqual(["split"]); // nothing would be left to train on
});

test("bad rows hold everything back until the person says to skip them; then the rest comes in, named by line", async () => {
  const workspace = await openGround();
  const rows = `${jsonl(passageRows(3))}{"id": "x", "text": \n${jsonl([{ id: "y", text: "" }, ...passageRows(2, 9)])}`;
  const files = [textFile("good.md", note(1)), textFile("rows.jsonl", rows)];
  const first = await importInto(workspace, files);
  expect(first.waiting).toBe(true);
  expect(first.files[1]!.badRows).toMatchObject({ count: 2 });
  expect(first.files[1]!.badRows!.shown.map(({ file, line }) => [file, line])).toEqual([
    ["rows.jsonl", 4],
    ["rows.jsonl", 5],
  ]);
  expect(await workspace.projects.sources(PROJECT)).toEqual([]);
  expect((await workspace.projects.get(PROJECT)).tally).toMatchObject({ sources: 0, passages: 0 });

  const second = await importInto(workspace, files, { files: { "rows.jsonl": { skipBadRows: true } } });
  expect(second).toMatchObject({ waiting: false, resumed: 1 });
  expect(second.files[1]).toMatchObject({ accepted: true, passages: 5, badRows: { count: 2 } });
  expect(await workspace.imports.unfinished(PROJECT)).toBeUndefined();
  expect((await workspace.projects.contents(PROJECT)).map(({ passages }) => passages.length)).toEqual([1, 5]);
});

test("a file may be left out instead, and other files cannot finish what these began", async () => {
  const workspace = await openGround();
  const files = [textFile("good.md", note(1)), textFile("rows.csv", "text,source\nfine,a\n,b\n")];
  expect((await importInto(workspace, files)).waiting).toBe(true);
  const other = importInto(workspace, [textFile("other.md", note(2))]);
  await expect(other).rejects.toMatchObject({ code: "usage" } satisfies Partial<RetuneError>);
  await importInto(workspace, files, { files: { "rows.csv": { readAs: "nothing" } } });
  expect((await workspace.projects.sources(PROJECT)).map(({ name }) => name)).toEqual(["good.md"]);
});

test("columns without known names are not guessed in silence; chosen roles decide what the rows become", async () => {
  const workspace = await openGround();
  const table = textFile(
    "t.csv",
    "a,b,c\nHow long is leave?,Leave lasts 25 days.,book\nWho locks up?,The warden does.,book\n",
  );
  const [found] = await lookAt([table]);
  expect(found).toMatchObject({ readAs: "st-triplets", table: { columns: ["a", "b", "c"] } });
  expect(found!.ambiguous).toBeDefined();
  const silent = await importInto(workspace, [table]);
  expect(silent.files[0]).toMatchObject({
    accepted: false,
    problems: [{ error: { code: "E_CSV_COLUMNS" } }],
  });

  const roles = { a: "question", b: "passage", c: "document" } as const;
  await importInto(workspace, [table], { files: { "t.csv": { readAs: "st-pairs", roles } } });
  const [content] = await workspace.projects.contents(PROJECT);
  expect(content!.questions.map(({ text }) => text)).toEqual(["How long is leave?", "Who locks up?"]);
  expect(content!.passages[0]).toMatchObject({ text: "Leave lasts 25 days.", document: "book" });

  const again = {
    files: { "t.csv": { readAs: "passages", roles: { b: "passage", a: "id" } } },
    replace: [content!.source.id],
  } as const;
  await importInto(workspace, [table], again);
  const [replaced, ...others] = await workspace.projects.contents(PROJECT);
  expect(others).toEqual([]);
  expect(replaced!.questions).toEqual([]);
  expect(replaced!.passages[1]).toEqual({ id: "Who locks up?", text: "The warden does." });
});

test("scored pairs go to the re-ranker's pairs", async () => {
  const workspace = await openGround();
  const csv =
    "query,passage,score\nHow long is leave?,Leave lasts 25 days.,1\nHow long is leave?,Tea is at four.,0\n";
  const report = await importInto(workspace, [textFile("scored.csv", csv)]);
  expect(report.files[0]).toMatchObject({ accepted: true, pairs: 2 });
  expect((await workspace.parts.pairs(PROJECT))!.rows).toHaveLength(2);
});

test("cancelled in the middle, nothing is left; killed in the middle, the next import goes on where it stopped", async () => {
  const name = crypto.randomUUID();
  const workspace = await openGround(name);
  const large = (index: number) => textFile(`part${index}.jsonl`, jsonl(passageRows(9000, index * 9000)));
  const files = Array.from({ length: 5 }, (_, index) => large(index));

  const controller = new AbortController();
  const cancelled = importInto(
    workspace,
    files,
    {},
    {
      signal: controller.signal,
      onProgress: ({ label }) => label === "part4.jsonl" && controller.abort(),
    },
  );
  await expect(cancelled).rejects.toMatchObject({ code: "cancelled" });
  expect(await workspace.imports.unfinished(PROJECT)).toBeUndefined();
  expect(await storedBlocks(workspace)).toBe(0);

  const killed = importInto(
    workspace,
    files,
    {},
    {
      onProgress: ({ label }) => {
        if (label === "part4.jsonl") throw new Error("killed");
      },
    },
  );
  await expect(killed).rejects.toThrow("killed");
  const later = await openGround(name, false);
  const unfinished = (await later.imports.unfinished(PROJECT))!;
  expect(unfinished.passages).toBeGreaterThanOrEqual(18_000);
  expect(await later.projects.contents(PROJECT)).toEqual([]);
  expect((await later.projects.get(PROJECT)).tally).toMatchObject({ passages: 0 });

  const report = await importInto(later, files);
  expect(report.resumed).toBeGreaterThanOrEqual(2);
  const contents = await later.projects.contents(PROJECT);
  expect(contents.map(({ source, passages }) => [source.name, passages.length])).toEqual(
    files.map((file) => [file.name, 9000]),
  );
  const ids = contents.flatMap(({ passages }) => passages.map(({ id }) => id));
  expect(new Set(ids).size).toBe(45_000);
  expect(ids[20_000]).toBe("r20000");
});

test("an unfinished import can be discarded, and the project is as before", async () => {
  const workspace = await openGround();
  await importInto(workspace, [textFile("a.md", note(1))]);
  const before = await storedBlocks(workspace);
  await importInto(workspace, [textFile("b.md", note(2)), textFile("rows.csv", "text,source\nfine,a\n,b\n")]);
  await workspace.imports.discard(PROJECT);
  expect(await storedBlocks(workspace)).toBe(before);
  expect((await workspace.projects.sources(PROJECT)).map(({ name }) => name)).toEqual(["a.md"]);
});

async function storedBlocks(workspace: Awaited<ReturnType<typeof openGround>>): Promise<number> {
  return workspace.connection.read(["passages", "questions", "texts"], "counting", async (transaction) => {
    const counts = await Promise.all([
      transaction.objectStore("passages").count(),
      transaction.objectStore("questions").count(),
      transaction.objectStore("texts").count(),
    ]);
    return counts.reduce((sum, count) => sum + count, 0);
  });
}
