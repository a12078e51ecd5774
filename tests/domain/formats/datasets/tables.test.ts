import { expect, test } from "vitest";
import type {
  DatasetFormatId,
  ReadOptions,
  RetrievalData,
  ScoredData,
} from "../../../../src/domain/formats/datasets/dataset-format.ts";
import {
  detectDataset,
  readDataset,
  writeDataset,
} from "../../../../src/domain/formats/datasets/registry.ts";
import { laterRefusal } from "../refusal.ts";
import { fileOf, textOf } from "./seeded-data.ts";

function read(format: DatasetFormatId, text: string, options: ReadOptions = {}) {
  return readDataset(format, fileOf("t.csv", text), options);
}

function rows(data: unknown): unknown {
  const { queries, passages } = (data as RetrievalData).dataset;
  const texts = new Map(passages.map(({ id, text }) => [id, text]));
  return queries.map(({ text, relevant, negatives = [] }) => [
    text,
    relevant.map(({ passage }) => texts.get(passage)),
    negatives.map((id) => texts.get(id)),
  ]);
}

test("rows of one anchor become one question with several right texts", async () => {
  const { data, warnings } = await read("st-pairs", "anchor,positive\na?,A\nb?,B\na?,C\na?,A\n");
  expect(rows(data)).toEqual([
    ["a?", ["A", "C"], []],
    ["b?", ["B"], []],
  ]);
  expect(warnings).toMatchObject([{ code: "duplicate-judgement", count: 1, place: { line: 5 } }]);
});

test("numbered negatives are read, blank ones left out, pandas' index column not used", async () => {
  const { data, warnings } = await read(
    "st-triplets",
    ",anchor,positive,negative_1,negative_2\n0,a?,A,B,\n1,b?,C,D,E\n",
  );
  expect(rows(data)).toEqual([
    ["a?", ["A"], ["B"]],
    ["b?", ["C"], ["D", "E"]],
  ]);
  expect(warnings).toMatchObject([
    { code: "extra-key", message: "t.csv: columns that are not used: column 1" },
  ]);
});

test("questions with the same number of wrong texts get numbered columns, others a row each", async () => {
  const same = (await read("st-triplets", "anchor,positive,negative_1,negative_2\na?,A,B,C\nb?,C,A,B\n"))
    .data;
  expect(textOf((await writeDataset("st-triplets", same, { container: "csv" })).files, "train.csv")).toBe(
    "anchor,positive,negative_1,negative_2\na?,A,B,C\nb?,C,A,B\n",
  );
  const other = (await read("st-triplets", "anchor,positive,negative_1,negative_2\na?,A,B,C\nb?,C,A,\n"))
    .data;
  expect(textOf((await writeDataset("st-triplets", other, { container: "tsv" })).files, "train.tsv")).toBe(
    "anchor\tpositive\tnegative\na?\tA\tB\na?\tA\tC\nb?\tC\tA\n",
  );
});

test("LlamaIndex's cross-encoder CSV is a set of scored pairs", async () => {
  const text = ",query,context,score\n0,a?,A,1\n1,a?,B,0\n2,a?,A,0\n";
  expect(await detectDataset(fileOf("t.csv", text))).toMatchObject([
    { format: "st-scored", mapping: { query: "query", positive: "context", score: "score" } },
  ]);
  const { data, warnings } = await read("st-scored", text);
  expect(
    (data as ScoredData).pairs.queries.map(({ candidates }) => candidates.map(({ score }) => score)),
  ).toEqual([[1, 0]]);
  expect(warnings.map(({ code }) => code)).toEqual(["extra-key", "duplicate-judgement"]);
});

test("a grade of scored pairs is right above 0, a probability from 0.5", async () => {
  const graded = (await read("st-scored", "query,passage,score\na?,A,0.33\na?,B,1\na?,C,0\n")).data;
  const grades = (await readDataset("beir", (await writeDataset("beir", graded)).files)).data;
  expect(rows(grades)).toEqual([["a?", ["A", "B"], ["C"]]]);
  const many = [0.9, 0.8, 0.7, 0.6, 0.3, 0.2, 0.1].map((score) => `a?,T${score},${score}\n`).join("");
  const { files, losses } = await writeDataset(
    "cohere",
    (await read("st-scored", `query,passage,score\n${many}`)).data,
  );
  expect(textOf(files, "train.jsonl")).toContain('"relevant_passages":["T0.9","T0.8","T0.7","T0.6"]');
  expect(losses[0]).toBe("The scores of 3 pairs below 0.5 are not kept: these texts count as wrong.");
});

test("columns without known names are guessed by their order and called ambiguous", async () => {
  const two = await detectDataset(fileOf("t.csv", "frage,antwort\na?,A\n"));
  expect(two).toMatchObject([
    {
      format: "st-pairs",
      confidence: 0.3,
      columns: ["frage", "antwort"],
      mapping: { query: "frage", positive: "antwort" },
    },
  ]);
  expect(two[0]!.ambiguous).toContain("no column has a known name");
  const three = await detectDataset(fileOf("t.csv", "x,y,z\na?,A,B\n"));
  expect(three).toMatchObject([
    { format: "st-triplets", mapping: { query: "x", positive: "y", negatives: ["z"] } },
  ]);
  const squad = await detectDataset(fileOf("t.csv", "id,question,context,answer\n7,a?,A,B\n"));
  expect(squad[0]!.ambiguous).toBe('"context", "answer" may all be the right text; "context" is taken');
});

test("a mapping says which columns count, and names one that is missing", async () => {
  const text = "id,question,context,answer\n7,a?,A,B\n";
  const { data } = await read("st-pairs", text, { mapping: { query: "question", positive: "answer" } });
  expect(rows(data)).toEqual([["a?", ["B"], []]]);
  const wrong = { mapping: { query: "question", positive: "reply" } };
  await laterRefusal(
    () => read("st-pairs", text, wrong),
    "E_CSV_COLUMNS",
    '"reply" is missing',
    "id, question, context, answer",
  );
});

test.each([
  ["a ragged row", "anchor,positive\na?,A\nb?\nc?,C\n", "E_CSV_COLUMNS", 3],
  ["a blank text", "anchor,positive\na?,A\nb?, \nc?,C\n", "E_EMPTY", 3],
] as const)("%s is refused with its line, or left out", async (_name, text, code, line) => {
  const error = await laterRefusal(() => read("st-pairs", text), code, `line ${line}`);
  expect(error.place).toMatchObject({ file: "t.csv", line });
  const { data, badRows } = await read("st-pairs", text, { skipBadRows: true });
  expect(badRows).toMatchObject([{ file: "t.csv", line }]);
  expect(rows(data)).toHaveLength(2);
});

test("a score that is no number is refused with its line", async () => {
  const text = "query,passage,score\na?,A,1\na?,B,high\n";
  const mapping = { query: "query", positive: "passage", score: "score" };
  await laterRefusal(() => read("st-scored", text, { mapping }), "E_NUMBER", "line 3", '"high"');
  await laterRefusal(
    () => read("st-scored", "query,passage\na?,A\n"),
    "E_CSV_COLUMNS",
    "need a column of numbers",
  );
});

test("formulas are marked in CSV, the mark comes off again, and this is said", async () => {
  const text = '{"anchor": "=1+1?", "positive": "- a list"}\n{"anchor": "b?", "positive": "\'@x"}\n';
  const { data } = await readDataset("st-pairs", fileOf("t.jsonl", text));
  const { files, losses } = await writeDataset("st-pairs", data, { container: "csv" });
  expect(textOf(files, "train.csv")).toBe("anchor,positive\n'=1+1?,'- a list\nb?,''@x\n");
  expect(losses.filter((loss) => loss.includes("formula"))).toHaveLength(1);
  expect(losses.at(-1)).toContain("3 texts begin like a spreadsheet formula");
  expect(rows((await readDataset("st-pairs", files)).data)).toEqual(rows(data));
});

test("triplets of questions without wrong texts are refused, some of them left out and counted", async () => {
  const none = (await read("st-pairs", "anchor,positive\na?,A\n")).data;
  await laterRefusal(() => writeDataset("st-triplets", none), "E_EMPTY", "none of 1 questions");
  const some = (await read("st-triplets", "anchor,positive,negative\na?,A,B\nb?,B,\n")).data;
  const { files, losses } = await writeDataset("st-triplets", some);
  expect(textOf(files, "train.jsonl")).toBe('{"anchor":"a?","positive":"A","negative":"B"}\n');
  expect(losses[0]).toBe("1 of 2 questions has no wrong text; a triplet needs one, so they are left out.");
});
