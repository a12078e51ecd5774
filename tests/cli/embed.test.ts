import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { readNpy } from "../../src/domain/formats/npy.ts";
import { rowOf } from "../../src/domain/matrix.ts";
import { expectClose } from "../close.ts";
import { errorLines, runCliIn, type Outcome } from "./spawn.ts";

const model = fileURLToPath(new URL("../fixtures/formats/tiny-bert", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "retune-embed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const expected = JSON.parse(readFileSync(join(model, "expected.json"), "utf8")) as {
  texts: string[];
  mean_normalized: number[][];
};

function retune(...argv: readonly string[]): Outcome {
  return runCliIn({ RETUNE_CACHE: join(folder, "cache") }, "retune", ...argv);
}

function writeData(): string {
  const file = join(folder, "data.json");
  const texts = expected.texts;
  const entries = (prefix: string) =>
    Object.fromEntries(texts.map((text, index) => [`${prefix}${index}`, text]));
  const relevant = Object.fromEntries(texts.map((_, index) => [`q${index}`, [`p${index}`]]));
  writeFileSync(
    file,
    JSON.stringify({ queries: entries("q"), corpus: entries("p"), relevant_docs: relevant }),
  );
  return file;
}

function read(...path: readonly string[]) {
  return readNpy(new Uint8Array(readFileSync(join(folder, ...path))));
}

test("embed writes sentence-transformers' vectors in the order of the file's keys", () => {
  const outcome = retune("embed", writeData(), "--model", model, "--out", join(folder, "plain"));
  expect(errorLines(outcome).filter((line) => line.startsWith("retune:"))).toEqual([]);
  expect(outcome.code).toBe(0);
  const corpus = read("plain", "corpus.npy");
  expect(corpus.rows).toBe(expected.texts.length);
  for (const [row, want] of expected.mean_normalized.entries()) {
    expectClose(rowOf(corpus, row), want, { absolute: 1e-4 }, `row ${row}`);
  }
  expect(read("plain", "queries.npy")).toEqual(corpus);
});

test("the instruction changes queries only, and a second embedding needs no work", () => {
  const data = writeData();
  const argv = ["embed", data, "--model", model, "--instruction", "the ", "--out", join(folder, "after")];
  expect(retune(...argv).code).toBe(0);
  expect(read("after", "corpus.npy")).toEqual(read("plain", "corpus.npy"));
  expect(read("after", "queries.npy")).not.toEqual(read("after", "corpus.npy"));
  const again = retune(...argv);
  expect(again.stderr).toMatch(/embedding queries: 7 texts, 7 of them known/);
  expect(again.stderr).toMatch(/embedding passages: 7 texts, 7 of them known/);
});

test("evaluate judges a model and an adapter with the keys of run.json", () => {
  const out = join(folder, "report.json");
  const outcome = retune("evaluate", writeData(), "--model", model, "--out", out);
  expect(outcome.code).toBe(0);
  const report = JSON.parse(readFileSync(out, "utf8")) as Record<string, Record<string, number> | null>;
  expect(report["base"]!["hit@1"]).toBe(1); // every text is its own answer
  expect(report["bm25"]).not.toBeNull();
  expect(report["tuned"]).toBeNull();
});

test.each([
  ["a model that is nowhere", ["--model", "no-such-model"], 'model "no-such-model"'],
  ["queries without corpus", ["--queries", "a.npy"], "--queries and --corpus go together"],
  ["neither model nor vectors", [], "needs --model"],
])("evaluate refuses %s", (_, options, text) => {
  const outcome = retune("evaluate", writeData(), ...options, "--out", join(folder, "none.json"));
  expect(errorLines(outcome).join("\n")).toContain(text);
  expect(outcome.code).toBe(2);
});
