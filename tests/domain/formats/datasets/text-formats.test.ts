import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type {
  DatasetFormatId,
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

async function read(format: DatasetFormatId, lines: readonly string[], skipBadRows = false) {
  const reading = await readDataset(format, fileOf("d.jsonl", `${lines.join("\n")}\n`), { skipBadRows });
  return { ...reading, data: reading.data as RetrievalData };
}

/** Questions with the texts of their passages. */
function spelled({ dataset: { queries, passages } }: RetrievalData): unknown {
  const texts = new Map(passages.map(({ id, text }) => [id, text]));
  return queries.map(({ text, relevant, negatives = [] }) => [
    text,
    relevant.map(({ passage, grade }) => [texts.get(passage), grade]),
    negatives.map((id) => texts.get(id)),
  ]);
}

// The line that LlamaIndex's generate_cohere_reranker_finetuning_dataset writes (llamaindex.md §7).
const COHERE = '{"query":"é q","relevant_passages":["p"],"hard_negatives":["n1","n2"]}\n';

test("Cohere's file comes back byte for byte", async () => {
  const text = `${COHERE}{"query":"\\t\\u001f\\"\u2028/","relevant_passages":["日本 😀"],"hard_negatives":[]}\n`;
  const { data } = await readDataset("cohere", fileOf("train.jsonl", text));
  expect(textOf((await writeDataset("cohere", data)).files, "train.jsonl")).toBe(text);
});

test("Cohere's file keeps several right passages, and says that it has no grades and no ids", async () => {
  const { data } = await read("flagembedding", [
    '{"query": "a?", "pos": ["A1", "A2"], "neg": ["B"], "pos_scores": [1, 3], "neg_scores": [0], "id": "q1"}',
  ]);
  const { files, losses } = await writeDataset("cohere", data);
  expect(textOf(files, "train.jsonl")).toBe(
    '{"query":"a?","relevant_passages":["A1","A2"],"hard_negatives":["B"]}\n',
  );
  expect(losses).toEqual([
    "1 of 2 judgements has a grade other than 1; Cohere's file knows only right and wrong.",
    "The ids of 1 question are not written; Cohere's file has no place for them.",
  ]);
});

test("ids are the start of the text's SHA-256, so that a file gives the same ones everywhere", async () => {
  const { data } = await read("cohere", [COHERE]);
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);
  expect(data.dataset.queries[0]!.id).toBe(`q-${hash("é q")}`);
  expect(data.dataset.passages.map(({ id }) => id)).toEqual(
    ["p", "n1", "n2"].map((text) => `p-${hash(text)}`),
  );
});

test("rows of one question are joined, and a text that is right and wrong counts as right", async () => {
  const { data, warnings } = await read("cohere", [
    '{"query":"a?","relevant_passages":["A"],"hard_negatives":["B","C","C"]}',
    '{"query":"a?","relevant_passages":["B"],"hard_negatives":[]}',
  ]);
  expect(spelled(data)).toEqual([
    [
      "a?",
      [
        ["A", 1],
        ["B", 1],
      ],
      ["C"],
    ],
  ]);
  expect(warnings.map(({ code, count }) => [code, count])).toEqual([
    ["duplicate-judgement", 1],
    ["joined-rows", 1],
    ["right-and-wrong", 1],
  ]);
});

test("FlagEmbedding's ids, grades, instructions and wrong texts are read; null and missing members are the same", async () => {
  const { data, warnings } = await read("flagembedding", [
    '{"query": "a?", "pos": ["A"], "neg": [], "id": 7, "prompt": "Find: ", "pos_scores": null}',
    '{"query": "b?", "pos": ["B", "A"], "neg": ["C"], "pos_scores": [2, 1.5], "neg_scores": [0], "id": "x", "type": "normal"}',
  ]);
  expect(spelled(data)).toEqual([
    ["a?", [["A", 1]], []],
    [
      "b?",
      [
        ["B", 2],
        ["A", 1.5],
      ],
      ["C"],
    ],
  ]);
  expect(data.dataset.queries.map(({ id }) => id)).toEqual(["7", "x"]);
  expect([...data.prompts!]).toEqual([["7", "Find: "]]);
  expect(warnings).toMatchObject([
    { code: "extra-key", count: 1, message: 'd.jsonl: line 2: the key "type" is not used' },
  ]);
});

test("FlagEmbedding's scores of a teacher make a set of scored pairs", async () => {
  const line =
    '{"query":"a?","pos":["A"],"neg":["B","C"],"pos_scores":[-0.5],"neg_scores":[-3,-7.25],"id":"a"}';
  const { data } = await readDataset("flagembedding", fileOf("d.jsonl", line));
  expect((data as ScoredData).pairs).toMatchObject({
    scores: "teacher",
    queries: [
      {
        id: "a",
        candidates: [
          { text: "A", score: -0.5, kind: "positive" },
          { text: "B", score: -3, kind: "mined" },
          { text: "C", score: -7.25, kind: "mined" },
        ],
      },
    ],
  });
  expect(textOf((await writeDataset("flagembedding", data)).files, "train.jsonl")).toBe(`${line}\n`);
  const { losses } = await writeDataset("llamaindex", data);
  expect(losses[0]).toBe("The scores of 3 pairs are not kept: above 0 a text counts as right.");
});

const GOOD = '{"query": "a?", "pos": ["A"], "neg": ["B"]}';

test.each([
  ["no right text", '{"query": "b?", "pos": [], "neg": []}', "E_FIELD", '"pos" has no text'],
  [
    "a question that is a number",
    '{"query": 5, "pos": ["A"]}',
    "E_FIELD",
    '"query" must be a text in quotes',
  ],
  ["a text instead of a list", '{"query": "b?", "pos": "A"}', "E_FIELD", '"pos" must be a list'],
  ["a blank text", '{"query": "b?", "pos": [" "]}', "E_EMPTY", '"pos" is blank'],
  [
    "a score too many",
    '{"query": "b?", "pos": ["A"], "pos_scores": [1, 2]}',
    "E_MISMATCH",
    "2 numbers for 1 texts",
  ],
  [
    "a score that is a text",
    '{"query": "b?", "pos": ["A"], "pos_scores": ["1"]}',
    "E_NUMBER",
    "list of numbers",
  ],
  [
    "an infinite score",
    '{"query": "b?", "pos": ["A"], "pos_scores": [1e999]}',
    "E_NUMBER",
    "larger than any double",
  ],
  ["a list as a row", '["a?", ["A"]]', "E_FIELD", "a row must be an object"],
  ["a trailing comma", '{"query": "b?", "pos": ["A"],}', "E_JSON", "a comma before"],
  ["NaN", '{"query": "b?", "pos": ["A"], "pos_scores": [NaN]}', "E_JSON", "NaN is not JSON"],
  [
    "a row nested too deep",
    `{"query": "b?", "pos": ["A"], "x": ${"[".repeat(100_000)}`,
    "E_DEPTH",
    "nested deeper",
  ],
] as const)("%s is refused with its line, or left out", async (_name, line, code, message) => {
  await laterRefusal(() => read("flagembedding", [GOOD, "", line]), code, "d.jsonl: line 3", message);
  const { badRows, data } = await read(
    "flagembedding",
    [GOOD, "", line, '{"query": "c?", "pos": ["A"]}'],
    true,
  );
  expect(badRows).toMatchObject([{ file: "d.jsonl", line: 3 }]);
  expect(badRows[0]!.reason).toContain(message);
  expect(data.dataset.queries.map(({ text }) => text)).toEqual(["a?", "c?"]);
});

test("one id for two questions is refused", async () => {
  const lines = ['{"query": "a?", "pos": ["A"], "id": "1"}', '{"query": "b?", "pos": ["A"], "id": "1"}'];
  await laterRefusal(() => read("flagembedding", lines), "E_DUPLICATE", "line 2", '"1"');
});

test("CRLF, a byte order mark, blank lines and a list of objects are the same rows", async () => {
  const plain = await read("flagembedding", [GOOD]);
  for (const text of [`\ufeff${GOOD}\r\n\r\n`, `[\n${GOOD}\n]`, `\n\n${GOOD}`]) {
    const { data } = await readDataset("flagembedding", fileOf("d.jsonl", text));
    expect(spelled(data as RetrievalData)).toEqual(spelled(plain.data));
  }
});

test("a key that stands twice is told, the last value counts", async () => {
  const { data, warnings } = await read("flagembedding", [
    GOOD,
    '{"query": "x?", "pos": ["A"], "query": "b?"}',
  ]);
  expect(data.dataset.queries.map(({ text }) => text)).toEqual(["a?", "b?"]);
  expect(warnings).toMatchObject([{ code: "duplicate-key", count: 1, place: { line: 2 } }]);
});

test("keys that name a prototype stay plain texts", async () => {
  const { data, warnings } = await read("flagembedding", [
    '{"query": "__proto__", "pos": ["constructor"], "id": "__proto__", "__proto__": {"polluted": 1}}',
  ]);
  expect(data.dataset.queries[0]).toMatchObject({ id: "__proto__", text: "__proto__" });
  expect(({} as { readonly polluted?: number }).polluted).toBeUndefined();
  expect(warnings).toMatchObject([{ code: "extra-key" }]);
  expect(textOf((await writeDataset("llamaindex", data)).files, "dataset.json")).toContain(
    '"__proto__": "__proto__"',
  );
});

test("texts that differ in half a character only, and given ids that look like made ones, get ids of their own", async () => {
  const { data } = await read("cohere", [
    '{"query":"\\ud800","relevant_passages":["\\ud801","\\ud802","\\ud803"],"hard_negatives":[]}',
    '{"query":"\\udc00","relevant_passages":["A"],"hard_negatives":[]}',
  ]);
  expect(new Set(data.dataset.queries.map(({ id }) => id)).size).toBe(2);
  expect(new Set(data.dataset.passages.map(({ id }) => id)).size).toBe(4);
  const made = (await read("flagembedding", ['{"query":"a?","pos":["A"]}'])).data.dataset.queries[0]!.id;
  const both = await read("flagembedding", [
    `{"query":"b?","pos":["A"],"id":"${made}"}`,
    '{"query":"a?","pos":["A"]}',
  ]);
  expect(new Set(both.data.dataset.queries.map(({ id }) => id)).size).toBe(2);
});

test("where every row is bad the first one is the error, skipped or not", async () => {
  await laterRefusal(() => read("cohere", ['{"query": 1}', '{"query": 2}'], true), "E_FIELD", "line 1");
});

test.each([
  ["cohere", COHERE],
  ["flagembedding", GOOD],
  ["openai-chat", '{"messages": []}'],
  ["llamaindex", '{"queries": {}, "corpus": {"a": "x"}, "relevant_docs": '],
  ["qasper", '{"1909.00694": {"title": "T", "full_text": [{"paragraphs": ['],
  ["st-pairs", '{"anchor": "a?", "positive": "A"}'],
  ["st-triplets", "anchor,positive,negative\na?,A,B\n"],
  ["st-scored", "sentence1\tsentence2\tscore\na\tb\t0.5\n"],
] as const)("%s is known by its content, even cut off and under another name", async (format, text) => {
  const [best] = await detectDataset(fileOf("no-ending", text));
  expect(best?.format).toBe(format);
});

test.each(["", "plain words", "{", "[1, 2]", '{"a": 1}', "\u0000\u0001", "<html>"])(
  "%j is no dataset",
  async (text) => {
    expect(await detectDataset(fileOf("x", text))).toEqual([]);
  },
);
