import { expect, test } from "vitest";
import type {
  DatasetFormatId,
  RetrievalData,
} from "../../../../src/domain/formats/datasets/dataset-format.ts";
import { readDataset, writeDataset } from "../../../../src/domain/formats/datasets/registry.ts";
import { fileOf, textOf } from "./seeded-data.ts";

/** Three questions: graded, with a copy among the passages, with wrong texts; one passage of nobody. */
const DATA: RetrievalData = {
  kind: "retrieval",
  dataset: {
    passages: [
      { id: "1", text: "A", document: "x.md" },
      { id: "2", text: "B", document: "x.md" },
      { id: "3", text: "B", document: "y.md" },
      { id: "4", text: "D", document: "y.md" },
    ],
    queries: [
      {
        id: "a",
        text: "a?",
        relevant: [
          { passage: "1", grade: 2 },
          { passage: "2", grade: 1 },
        ],
        origin: { kind: "rule" },
      },
      { id: "b", text: "b?", relevant: [{ passage: "3", grade: 1 }], negatives: ["1"] },
      { id: "c", text: "b?", relevant: [{ passage: "2", grade: 1 }] },
    ],
  },
  splits: [
    { name: "train", queries: ["a", "b"] },
    { name: "test", queries: ["c"] },
  ],
  prompts: new Map([["a", "Find: "]]),
};

const ORIGIN = (label: string): string => `1 of 3 questions says who made it; ${label} has no place for it.`;

test.each([
  [
    "llamaindex",
    [
      "1 of 4 judgements has a grade other than 1; LlamaIndex's dataset knows only right and wrong.",
      "1 of 3 questions has wrong passages (1 in all); LlamaIndex's dataset has no place for them.",
      "The splits train (2), test (1) are joined in one file; write them one at a time to keep them apart.",
      "1 of 3 questions has an instruction before the text; LlamaIndex's dataset has no place for it.",
      ORIGIN("LlamaIndex's dataset"),
    ],
  ],
  [
    "beir",
    ["1 of 3 questions has an instruction before the text; BEIR has no place for it.", ORIGIN("BEIR")],
  ],
  [
    "flagembedding",
    [
      "1 of 4 passages stands with no question that is written; FlagEmbedding's file has no place for them.",
      "1 of 4 passages repeats the text of another; FlagEmbedding's file tells passages apart by text, so they become one.",
      "The ids of 4 passages are not written; FlagEmbedding's file has no place for them.",
      "4 of 4 passages name a source document; FlagEmbedding's file has no place for it.",
      "The splits train (2), test (1) are joined in one file; write them one at a time to keep them apart.",
      ORIGIN("FlagEmbedding's file"),
    ],
  ],
  [
    "st-pairs",
    [
      "1 of 4 judgements has a grade other than 1; a table of pairs knows only right and wrong.",
      "1 of 3 questions has wrong passages (1 in all); a table of pairs has no place for them.",
      "1 of 4 passages stands with no question that is written; a table of pairs has no place for them.",
      "1 of 4 passages repeats the text of another; a table of pairs tells passages apart by text, so they become one.",
      "The ids of 3 questions and 4 passages are not written; a table of pairs has no place for them.",
      "1 of 3 questions repeats the text of another; without ids they are read as one question.",
      "4 of 4 passages name a source document; a table of pairs has no place for it.",
      "The splits train (2), test (1) are joined in one file; write them one at a time to keep them apart.",
      "1 of 3 questions has an instruction before the text; a table of pairs has no place for it.",
      ORIGIN("a table of pairs"),
    ],
  ],
] as const)("%s says what it cannot hold, with counts", async (format, losses) => {
  expect((await writeDataset(format, DATA)).losses).toEqual(losses);
});

test.each(["llamaindex", "beir", "flagembedding", "cohere", "st-pairs", "qasper"] as const)(
  "%s loses nothing of what it wrote itself",
  async (format: DatasetFormatId) => {
    const { data } = await readDataset(format, (await writeDataset(format, DATA)).files);
    const once = await writeDataset(format, data);
    const again = await writeDataset(format, (await readDataset(format, once.files)).data);
    expect(again.files).toEqual(once.files);
    expect(once.losses.filter((loss) => !/ids of|untitled/.test(loss))).toEqual([]);
  },
);

test("a passage judged 0 is wrong and never written as right; a question without a right one is left out", async () => {
  const [first, ...rest] = DATA.dataset.queries;
  const judged = { ...first!, relevant: [{ passage: "1", grade: 0 }] };
  const data = { kind: "retrieval", dataset: { ...DATA.dataset, queries: [judged, ...rest] } } as const;
  const { files, losses } = await writeDataset("llamaindex", data);
  const written = JSON.parse(textOf(files, "dataset.json")) as {
    readonly relevant_docs: Readonly<Record<string, unknown>>;
  };
  expect(Object.keys(written.relevant_docs)).toEqual(["b", "c"]);
  expect(losses[0]).toBe("1 of 3 questions has no right passage; they are left out.");
});

test("bad rows of a LlamaIndex file are listed and left out, with what hangs on them", async () => {
  const text = `{
  "queries": {"a": "a?", "b": "b?", "c": "c?"},
  "corpus": {"1": "A", "2": " "},
  "relevant_docs": {
    "a": ["1"],
    "b": ["2"]
  }
}`;
  const file = fileOf("d.json", text);
  const { data, badRows } = await readDataset("llamaindex", file, { skipBadRows: true });
  expect((data as RetrievalData).dataset.queries.map(({ id }) => id)).toEqual(["a"]);
  expect(badRows).toEqual([
    { file: "d.json", line: 3, reason: 'corpus["2"] is blank; remove the row' },
    { file: "d.json", line: 6, reason: 'relevant_docs["b"] names "2", which the corpus lacks' },
    { file: "d.json", line: 2, reason: 'query "c" has no entry in relevant_docs' },
  ]);
});
