import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { buildSample, passagesOf, pythonJson } from "../../scripts/sample/build.mjs";
import { checkPassages, checkQuestions, shareOf, shinglesOf } from "../../scripts/sample/rules.mjs";
import { LexicalIndex } from "../../src/domain/eval/bm25.ts";
import { cosineScores, inverseNorms } from "../../src/domain/eval/dense.ts";
import {
  readLlamaIndexDataset,
  writeLlamaIndexDataset,
} from "../../src/domain/formats/llamaindex-dataset.ts";
import { readNpy } from "../../src/domain/formats/npy.ts";
import type { Matrix } from "../../src/domain/matrix.ts";

const FOLDER = fileURLToPath(new URL("../../public/samples/handbook/", import.meta.url));

interface SampleFile {
  readonly queries: Readonly<Record<string, string>>;
  readonly corpus: Readonly<Record<string, string>>;
  readonly relevant_docs: Readonly<Record<string, readonly string[]>>;
  readonly mode: string;
  readonly documents: Readonly<Record<string, string>>;
}

const text = (name: string): string => readFileSync(FOLDER + name, "utf8");
const sample = (name: string): SampleFile => JSON.parse(text(name)) as SampleFile;
const vectors = (name: string): Matrix => readNpy(readFileSync(`${FOLDER}vectors/${name}.npy`), name);

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const train = sample("train.json");
const test = sample("test.json");
const splits = { train, test };
const goldOf = (file: SampleFile): readonly string[] =>
  Object.values(file.relevant_docs).map((ids) => ids[0]!);
const goldDocuments = (file: SampleFile): Set<string> =>
  new Set(goldOf(file).map((id) => file.documents[id]!));

/** Share of questions whose passage is among the best `k`; a tie goes to the smaller id. */
function hitAt(k: number, scores: Matrix, file: SampleFile): number {
  const ids = Object.keys(file.corpus);
  const hits = goldOf(file).filter((gold, row) => {
    const start = row * scores.columns;
    const own = scores.values[start + ids.indexOf(gold)]!;
    const before = ids.filter((id, column) => {
      const score = scores.values[start + column]!;
      return score > own || (score === own && id < gold);
    });
    return before.length < k;
  });
  return hits.length / scores.rows;
}

describe("sample handbook: what is in it", () => {
  it("has at least 120 passages with three questions each, 140 or more of them for testing", () => {
    expect(Object.keys(test.corpus).length).toBeGreaterThanOrEqual(120);
    expect(Object.keys(test.queries).length).toBeGreaterThanOrEqual(140);
    const gold = new Map<string, number>();
    for (const id of [...goldOf(train), ...goldOf(test)]) gold.set(id, (gold.get(id) ?? 0) + 1);
    expect([...gold.keys()].sort()).toEqual(Object.keys(test.corpus).sort());
    expect(new Set(gold.values())).toEqual(new Set([3]));
  });

  it("is split by document: none has questions in both files, and every document has them in one", () => {
    const shared = [...goldDocuments(train)].filter((name) => goldDocuments(test).has(name));
    expect(shared).toEqual([]);
    const all = [...goldDocuments(train), ...goldDocuments(test)].sort();
    expect(all).toEqual(readdirSync(`${FOLDER}documents`).sort());
  });

  it("names one existing passage and its document for every question", () => {
    for (const file of Object.values(splits)) {
      expect(Object.keys(file.relevant_docs)).toEqual(Object.keys(file.queries));
      expect(Object.keys(file.documents)).toEqual(Object.keys(file.corpus));
      for (const ids of Object.values(file.relevant_docs)) {
        expect(ids).toHaveLength(1);
        expect(file.corpus[ids[0]!]).toBeDefined();
      }
    }
  });

  it("has no passage that shares 30 % of its 5-word runs with another", () => {
    const shingles = Object.values(test.corpus).map((passage) => shinglesOf(passage, 5));
    const shares = shingles.flatMap((own, row) =>
      shingles.map((other, column) => (row === column ? 0 : shareOf(own, other))),
    );
    expect(Math.max(...shares)).toBeLessThan(0.3);
  });

  it("asks in its own words: under half of a question's 3-word runs are its passage's", () => {
    for (const file of Object.values(splits)) {
      const rates = Object.entries(file.queries).map(([id, question]) =>
        shareOf(shinglesOf(question, 3), shinglesOf(file.corpus[file.relevant_docs[id]![0]!]!, 3)),
      );
      expect(Math.max(...rates)).toBeLessThan(0.5);
      expect(rates.reduce((sum, rate) => sum + rate, 0) / rates.length).toBeLessThan(0.1);
    }
  });
});

describe("sample handbook: files", () => {
  it("is what the build script makes of the documents and questions, byte for byte", () => {
    for (const [name, built] of Object.entries(buildSample(FOLDER))) expect(text(name)).toBe(built);
  });

  it("has the checksums that SOURCE.md states", () => {
    const listed = [...text("SOURCE.md").matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)];
    const stated = new Map(listed.map(([, hash, name]) => [name, hash]));
    const names = ["train.json", "test.json"].concat(
      readdirSync(`${FOLDER}vectors`).map((name) => `vectors/${name}`),
    );
    const found = names.map((name) => [name, sha256(readFileSync(FOLDER + name))] as const);
    expect(stated).toEqual(new Map(found));
  });

  it.each(["train.json", "test.json"])(
    "%s is read without a complaint and written back unchanged",
    (name) => {
      const { dataset } = readLlamaIndexDataset(readFileSync(FOLDER + name), name);
      expect(dataset.passages.every((passage) => passage.document !== undefined)).toBe(true);
      expect(writeLlamaIndexDataset(dataset, { documents: true })).toBe(text(name));
    },
  );

  it.each(["train", "test"] as const)("has one unit vector of 384 numbers for every text of %s", (split) => {
    const rows = {
      corpus: Object.keys(splits[split].corpus).length,
      queries: Object.keys(splits[split].queries).length,
      queries_instruction: Object.keys(splits[split].queries).length,
    };
    for (const [kind, expected] of Object.entries(rows)) {
      const matrix = vectors(`${split}_${kind}`);
      expect([matrix.rows, matrix.columns]).toEqual([expected, 384]);
      for (const inverse of inverseNorms(matrix)) expect(Math.abs(inverse - 1)).toBeLessThan(1e-5);
    }
  });

  it("gives a passage of both files the same vector", () => {
    const [ours, whole] = [vectors("train_corpus"), vectors("test_corpus")];
    const rows = Object.keys(test.corpus);
    for (const [row, id] of Object.keys(train.corpus).entries()) {
      const other = rows.indexOf(id);
      expect(test.corpus[id]).toBe(train.corpus[id]);
      expect(ours.values.slice(row * 384, (row + 1) * 384)).toEqual(
        whole.values.slice(other * 384, (other + 1) * 384),
      );
    }
  });
});

describe("sample handbook: neither trivial nor hopeless before training", () => {
  it("finds between 40 and 85 of 100 test passages among the first five by words alone", () => {
    const index = new LexicalIndex(Object.values(test.corpus));
    const hit = hitAt(5, index.scores(Object.values(test.queries)), test);
    expect(hit).toBeGreaterThan(0.4);
    expect(hit).toBeLessThan(0.85);
  });

  it.each(["test_queries", "test_queries_instruction"])("and as many with the base encoder (%s)", (name) => {
    const hit = hitAt(5, cosineScores(vectors(name), vectors("test_corpus")), test);
    expect(hit).toBeGreaterThan(0.4);
    expect(hit).toBeLessThan(0.85);
  });
});

describe("building a sample", () => {
  const body = Array.from({ length: 70 }, (_, index) => `word${index}`).join(" ");
  const passages = [{ id: "one-01", text: `Heading\n${body}` }];
  const asked = ["what is it for", "who may use it", "when does it end"];

  it("cuts a document into one passage a section and joins the lines of a paragraph", () => {
    const found: unknown = passagesOf("one", "# Title\n\n## First\n\na\nb\n\nc\n\n## Second\n\nd\n");
    expect(found).toEqual([
      { id: "one-01", text: "First\na b\n\nc" },
      { id: "one-02", text: "Second\nd" },
    ]);
  });

  it("writes what Python's json.dump with indent=4 writes", () => {
    expect(pythonJson({ a: "£1 – café \u{1f35e}", b: {}, c: ["x"] })).toBe(
      '{\n    "a": "\\u00a31 \\u2013 caf\\u00e9 \\ud83c\\udf5e",\n    "b": {},\n    "c": [\n        "x"\n    ]\n}',
    );
  });

  it("refuses a missing question, a repeated one, a copied one and one without a passage", () => {
    expect(() => checkQuestions(passages, { "one-01": asked.slice(1) })).toThrow(/2 questions, 3 are wanted/);
    expect(() => checkQuestions(passages, { "one-01": [asked[0], asked[1], "What is it for?"] })).toThrow(
      /the same question/,
    );
    expect(() => checkQuestions(passages, { "one-01": [asked[0], asked[1], "word1 word2 word3"] })).toThrow(
      /100 % of the 3-word runs are copied/,
    );
    expect(() => checkQuestions(passages, { "one-01": asked, "two-01": asked })).toThrow(/no passage/);
    expect(() => checkQuestions(passages, { "one-01": asked })).not.toThrow();
  });

  it("refuses passages that repeat one another and ones that are too short", () => {
    expect(() => checkPassages([...passages, { id: "two-01", text: `Other\n${body}` }])).toThrow(
      /of its 5-word runs are in two-01/,
    );
    expect(() => checkPassages([{ id: "three-01", text: "Heading\nshort" }])).toThrow(/2 words/);
  });
});
