import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { readAdapterSafetensors } from "../../src/domain/formats/adapter-folder.ts";
import { writeNpy } from "../../src/domain/formats/npy.ts";
import { errorLines, runCli } from "./spawn.ts";

const fixtures = fileURLToPath(new URL("../fixtures/formats", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "retune-convert-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function convert(input: string, format: string, out: string) {
  return runCli("retune", "convert", join(fixtures, input), "--to", format, "--out", join(folder, out));
}

function read(name: string): Buffer {
  return readFileSync(join(folder, name));
}

test("a dataset on one line becomes the bytes of Python's indented file", () => {
  expect(convert("dataset/one-line.json", "llamaindex", "indented.json").code).toBe(0);
  expect(read("indented.json")).toEqual(readFileSync(join(fixtures, "dataset", "indented.json")));
});

test("a dataset becomes pairs for sentence-transformers", () => {
  expect(convert("dataset/indented.json", "pairs", "pairs.jsonl").code).toBe(0);
  const [first] = read("pairs.jsonl").toString("utf8").split("\n");
  expect(Object.keys(JSON.parse(first!) as object)).toEqual(["anchor", "positive"]);
});

test("vectors go from .npy to either format and back with the same bits", () => {
  const vectors = { rows: 2, columns: 3, values: Float32Array.of(0.1, -2, 3e-8, 4, 1 / 3, 6) };
  writeFileSync(join(folder, "given.npy"), writeNpy(vectors));
  const again = (input: string, format: string, out: string): Buffer => {
    const outcome = runCli(
      "retune",
      "convert",
      join(folder, input),
      "--to",
      format,
      "--out",
      join(folder, out),
    );
    expect(errorLines(outcome)).toEqual([]);
    return read(out);
  };
  expect(again("given.npy", "npy", "same.npy")).toEqual(read("given.npy"));
  const lines = again("given.npy", "jsonl", "lines.jsonl");
  expect(again("lines.jsonl", "jsonl", "same.jsonl")).toEqual(lines);
  expect(again("lines.jsonl", "npy", "back.npy")).toEqual(read("given.npy"));
});

test("torch's strided adapter survives the way to safetensors and back", () => {
  expect(convert("adapter-strided", "safetensors", "one.safetensors").code).toBe(0);
  const back = runCli(
    "retune",
    "convert",
    join(folder, "one.safetensors"),
    "--to",
    "llamaindex",
    "--out",
    join(folder, "two"),
  );
  expect(errorLines(back).filter((line) => line.startsWith("retune:"))).toEqual([]);
  const again = runCli(
    "retune",
    "convert",
    join(folder, "two"),
    "--to",
    "safetensors",
    "--out",
    join(folder, "three.safetensors"),
  );
  expect(again.code).toBe(0);
  expect(read("three.safetensors")).toEqual(read("one.safetensors"));
  expect(readAdapterSafetensors(new Uint8Array(read("one.safetensors"))).config.kind).toBe("linear");
});

test.each([
  ["a pickle that names a function", "refuse-code", "safetensors", "refuse-code"],
  [
    "a format that does not fit",
    "dataset/indented.json",
    "npy",
    'is a dataset, which can be written as llamaindex, beir, flagembedding, cohere, st-pairs, st-triplets, st-scored, qasper, openai-chat, pairs, not "npy"',
  ],
  ["an unknown ending", "adapter-linear/pytorch_model.bin", "safetensors", "known inputs are"],
])("%s is refused", (_, input, format, text) => {
  const outcome = convert(input, format, "refused");
  expect(errorLines(outcome).join("\n")).toContain(text);
  expect(outcome.code).toBe(2);
});

const FLAG = [
  '{"query": "a?", "pos": ["A", "B"], "neg": ["C"], "pos_scores": [2, 1], "neg_scores": [0]}',
  '{"query": "b?", "pos": []}',
  '{"query": "c?", "pos": ["C"], "neg": []}',
];

function given(name: string, lines: readonly string[]): string {
  writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(""));
  return join(folder, name);
}

test("any dataset becomes any other, with losses and bad rows on stderr", () => {
  const input = given("flag.jsonl", FLAG);
  const refused = runCli("retune", "convert", input, "--to", "beir", "--out", join(folder, "beir"));
  expect(refused.code).toBe(2);
  expect(errorLines(refused)).toEqual([
    'retune: flag.jsonl: line 2: "pos" has no text; a question needs a right one ' +
      "(1 bad row in all; --skip-bad-rows leaves them out)",
  ]);
  const out = join(folder, "beir");
  const written = runCli("retune", "convert", input, "--skip-bad-rows", "--to", "beir", "--out", out);
  expect(written.stdout.split("\n")).toEqual([
    ...["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"].map((name) => join(out, name)),
    "",
  ]);
  expect(errorLines(written)).toEqual([
    'left out: flag.jsonl, line 2: "pos" has no text; a question needs a right one',
    "left out: 1 bad row in all",
  ]);
  const pairs = runCli(
    "retune",
    "convert",
    out,
    "--to",
    "cohere",
    "--out",
    join(folder, "cohere.jsonl"),
    "--split",
    "test",
  );
  expect(read("cohere.jsonl").toString("utf8")).toBe(
    '{"query":"a?","relevant_passages":["A","B"],"hard_negatives":["C"]}\n' +
      '{"query":"c?","relevant_passages":["C"],"hard_negatives":[]}\n',
  );
  expect(errorLines(pairs)).toEqual([
    "lost: 1 of 3 judgements has a grade other than 1; Cohere's file knows only right and wrong.",
  ]);
});

test("a table whose columns cannot be told apart is refused until they are named", () => {
  const input = given("fragen.csv", ["nr,frage,antwort", "1,a?,A", "2,b?,=B"]);
  const ask = (...more: readonly string[]) =>
    runCli("retune", "convert", input, "--to", "st-pairs", "--out", join(folder, "pairs.parquet"), ...more);
  const refused = ask();
  expect(refused.code).toBe(2);
  expect(errorLines(refused)[0]).toContain('say it with --map "query=frage,positive=antwort"');
  expect(errorLines(ask("--map", "query=antwort"))[0]).toContain("--map must name both");
  expect(ask("--map", "query=antwort,positive=frage").code).toBe(0);
  const back = runCli(
    "retune",
    "convert",
    join(folder, "pairs.parquet"),
    "--to",
    "st-pairs",
    "--out",
    join(folder, "b.csv"),
  );
  expect(back.code).toBe(0);
  expect(read("b.csv").toString("utf8")).toBe("anchor,positive\nA,a?\n'=B,b?\n");
});
