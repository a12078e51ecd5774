import { expect, test } from "vitest";
import type { DatasetFiles, RetrievalData } from "../../../../src/domain/formats/datasets/dataset-format.ts";
import { packDataset } from "../../../../src/domain/formats/datasets/pack.ts";
import {
  detectDataset,
  readDataset,
  writeDataset,
} from "../../../../src/domain/formats/datasets/registry.ts";
import { selectSplit } from "../../../../src/domain/formats/datasets/select-split.ts";
import { laterRefusal, refusal } from "../refusal.ts";
import { textOf } from "./seeded-data.ts";

const CORPUS = [
  '{"_id": "4983", "title": "Microstructural development", "text": "Alterations of the cerebral white matter.", "metadata": {}}',
  '{"_id": "5836", "title": "", "text": "Myelodysplastic syndromes."}',
  '{"_id": "7912", "title": "A title alone", "text": ""}',
];
const QUERIES = [
  '{"_id": "1", "text": "0-dimensional biomaterials?", "metadata": {}}',
  '{"_id": "3", "text": "1,000 genomes?", "metadata": {}}',
  '{"_id": "5", "text": "Nobody judged this."}',
];
const HEADER = "query-id\tcorpus-id\tscore";

/** A BEIR folder of these lines. */
function folder(changed: Readonly<Record<string, readonly string[]>> = {}, prefix = ""): DatasetFiles {
  const files = {
    "corpus.jsonl": CORPUS,
    "queries.jsonl": QUERIES,
    "qrels/train.tsv": [HEADER, "1\t4983\t2", "1\t5836\t1", "1\t7912\t0"],
    "qrels/test.tsv": [HEADER, "3\t7912\t1"],
    ...changed,
  };
  const utf8 = new TextEncoder();
  return new Map(
    Object.entries(files).map(([name, lines]) => [prefix + name, utf8.encode(`${lines.join("\n")}\n`)]),
  );
}

async function read(files: DatasetFiles, skipBadRows = false) {
  const reading = await readDataset("beir", files, { skipBadRows });
  return { ...reading, data: reading.data as RetrievalData };
}

test("titles stand before their texts and name the document, grades and splits are kept, 0 is wrong", async () => {
  const { data, warnings } = await read(folder());
  expect(data.dataset.passages).toEqual([
    {
      id: "4983",
      text: "Microstructural development Alterations of the cerebral white matter.",
      document: "Microstructural development",
    },
    { id: "5836", text: "Myelodysplastic syndromes." },
    { id: "7912", text: "A title alone", document: "A title alone" },
  ]);
  expect(data.dataset.queries).toMatchObject([
    {
      id: "1",
      relevant: [
        { passage: "4983", grade: 2 },
        { passage: "5836", grade: 1 },
      ],
      negatives: ["7912"],
    },
    { id: "3", relevant: [{ passage: "7912", grade: 1 }] },
  ]);
  expect(data.splits).toEqual([
    { name: "train", queries: ["1"] },
    { name: "test", queries: ["3"] },
  ]);
  expect(warnings.map(({ code, count }) => [code, count])).toEqual([["unjudged", 1]]);
});

test("a zip with the dataset's own folder in it, as BEIR hands them out, reads the same", async () => {
  const packed = new Map([["scifact.zip", packDataset(folder({}, "scifact/"))]]);
  expect(await detectDataset(packed)).toEqual([{ format: "beir", confidence: 1 }]);
  expect((await read(packed)).data.dataset.queries.map(({ id, relevant }) => [id, relevant.length])).toEqual([
    ["1", 2],
    ["3", 1],
  ]);
});

test("written again, the files hold BEIR's members in its order and a title of its own", async () => {
  const { files } = await writeDataset("beir", (await read(folder())).data);
  expect([...files.keys()]).toEqual(["corpus.jsonl", "queries.jsonl", "qrels/train.tsv", "qrels/test.tsv"]);
  expect(textOf(files, "corpus.jsonl").split("\n")[0]).toBe(
    '{"_id":"4983","title":"Microstructural development","text":"Alterations of the cerebral white matter.","metadata":{}}',
  );
  expect(textOf(files, "qrels/train.tsv")).toBe(`${HEADER}\n1\t4983\t2\n1\t5836\t1\n1\t7912\t0\n`);
});

test("grades that are no whole numbers become levels in their order, and this is said", async () => {
  const { data } = await read(folder());
  const [first] = data.dataset.queries;
  const relevant = [
    { passage: "4983", grade: 0.9 },
    { passage: "5836", grade: 0.25 },
  ];
  const dataset = { ...data.dataset, queries: [{ ...first!, relevant }] };
  const { files, losses } = await writeDataset("beir", { kind: "retrieval", dataset });
  expect(textOf(files, "qrels/test.tsv")).toBe(`${HEADER}\n1\t4983\t2\n1\t5836\t1\n1\t7912\t0\n`);
  expect(losses).toEqual([
    "BEIR's scores are whole numbers: grades from 0.25 to 0.9 became the levels 1 to 2, their order kept.",
  ]);
});

test.each([
  [
    "a passage nobody knows",
    { "qrels/test.tsv": [HEADER, "3\t9\t1"] },
    "E_REFERENCE",
    'qrels/test.tsv: line 2: "9" is not in corpus.jsonl',
  ],
  [
    "a question nobody knows",
    { "qrels/test.tsv": [HEADER, "9\t4983\t1"] },
    "E_REFERENCE",
    'line 2: "9" is not in queries.jsonl',
  ],
  [
    "a score that is no number",
    { "qrels/test.tsv": [HEADER, "3\t4983\thigh"] },
    "E_NUMBER",
    'line 2: the score "high"',
  ],
  [
    "a broken first row without a header",
    { "qrels/test.tsv": ["3\t4983\tx"] },
    "E_NUMBER",
    'line 1: the score "x"',
  ],
  ["too few fields", { "qrels/test.tsv": [HEADER, "3\t4983"] }, "E_CSV_COLUMNS", "line 2: 2 fields"],
  [
    "an id twice",
    { "corpus.jsonl": [...CORPUS, CORPUS[1]!] },
    "E_DUPLICATE",
    'corpus.jsonl: line 4: the _id "5836"',
  ],
  [
    "a passage without any text",
    { "corpus.jsonl": ['{"_id":"a","text":" "}', ...CORPUS] },
    "E_EMPTY",
    "line 1: title and text are blank",
  ],
  [
    "an id that loses digits as a number",
    { "corpus.jsonl": ['{"_id":9007199254740993,"text":"x"}', ...CORPUS] },
    "E_FIELD",
    "changes when it is read",
  ],
  [
    "a cut-off row",
    { "queries.jsonl": [QUERIES[0]!, QUERIES[1]!, '{"_id": "6'] },
    "E_JSON",
    "queries.jsonl: line 3",
  ],
] as const)(
  "%s is refused by file and line, and left out on request",
  async (_name, changed, code, message) => {
    const error = await laterRefusal(() => read(folder(changed)), code, message);
    const { badRows, data } = await read(folder(changed), true);
    expect(badRows).toHaveLength(1);
    expect(`${badRows[0]!.file}: line ${badRows[0]!.line}`).toBe(/^\S+: line \d+/.exec(error.message)![0]);
    expect(error.message).toContain(badRows[0]!.reason);
    expect(data.dataset.queries.length).toBeGreaterThan(0);
  },
);

test("TREC's four fields, ids in quotes and scores below 0 are read", async () => {
  const lines = ["1 0 4983 1", "1 0 5836 -1"];
  const { data, warnings } = await read(folder({ "qrels/train.tsv": lines }));
  expect(data.dataset.queries[0]).toMatchObject({
    relevant: [{ passage: "4983", grade: 1 }],
    negatives: ["5836"],
  });
  expect(warnings.map(({ code }) => code)).toContain("grade");
  const quoted = await read(folder({ "qrels/train.tsv": [HEADER, '"1"\t"4983"\t1'] }));
  expect(quoted.data.dataset.queries[0]!.id).toBe("1");
});

test("a folder without judgements says what is missing", async () => {
  const files = folder();
  const lacking = new Map([...files].filter(([name]) => !name.startsWith("qrels")));
  expect(await detectDataset(lacking)).toMatchObject([{ format: "beir", confidence: 0.6 }]);
  await laterRefusal(() => read(lacking), "E_FIELD", "qrels/*.tsv is missing");
});

test("one split keeps its questions and every passage", async () => {
  const { data } = await read(folder());
  const test = selectSplit(data, "test") as RetrievalData;
  expect(test.dataset.queries.map(({ id }) => id)).toEqual(["3"]);
  expect(test.dataset.passages).toHaveLength(3);
  refusal(() => selectSplit(data, "dev"), "usage", "train (1 questions), test (1 questions)");
});
