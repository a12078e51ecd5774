import { expect, test } from "vitest";
import type { RetrievalData } from "../../../../src/domain/formats/datasets/dataset-format.ts";
import { readDataset, writeDataset } from "../../../../src/domain/formats/datasets/registry.ts";
import { laterRefusal } from "../refusal.ts";
import { fileOf, seededRetrieval, textOf } from "./seeded-data.ts";

function answer(evidence: readonly string[], unanswerable = false): object {
  const body = { unanswerable, extractive_spans: [], yes_no: null, free_form_answer: "x", evidence };
  return { answer: { ...body, highlighted_evidence: [] }, annotation_id: "a", worker_id: "w" };
}

function question(id: string, ...answers: readonly object[]): object {
  return { question: `What of ${id}?`, question_id: id, nlp_background: "two", answers };
}

/** A paper as the published file has it. */
function paper(title: string, qas: readonly object[]): object {
  return {
    title,
    abstract: "The abstract.",
    full_text: [
      { section_name: "Introduction", paragraphs: ["First paragraph.", "", "Second paragraph."] },
      { section_name: "Method ::: Data", paragraphs: ["Third paragraph.", "First paragraph."] },
    ],
    figures_and_tables: [{ file: "1-Table1-1.png", caption: "Table 1: Counts." }],
    qas,
  };
}

async function read(papers: Readonly<Record<string, unknown>>, skipBadRows = false) {
  const text = JSON.stringify(papers, null, 1);
  const reading = await readDataset("qasper", fileOf("qasper-dev-v0.3.json", text), { skipBadRows });
  return { ...reading, data: (reading.data as RetrievalData).dataset };
}

test("paragraphs, abstract and captions are passages, evidence of all answers is right, papers are documents", async () => {
  const { data, warnings } = await read({
    "1909.00694": paper("Sentiment of events", [
      question("q1", answer(["Second paragraph."]), answer(["Third paragraph. ", "Second paragraph."])),
      question("q2", answer(["FLOAT SELECTED: Table 1: Counts."])),
      question("q3", answer([], true)),
      question("q4", answer(["Nowhere in it."])),
    ]),
  });
  expect(data.passages.map(({ id, text, document }) => [id, text, document])).toEqual([
    ["1909.00694#1", "The abstract.", "Sentiment of events"],
    ["1909.00694#2", "First paragraph.", "Sentiment of events"],
    ["1909.00694#4", "Second paragraph.", "Sentiment of events"],
    ["1909.00694#5", "Third paragraph.", "Sentiment of events"],
    ["1909.00694#7", "Table 1: Counts.", "Sentiment of events"],
  ]);
  expect(data.queries.map(({ id, relevant }) => [id, relevant.map(({ passage }) => passage)])).toEqual([
    ["q1", ["1909.00694#4", "1909.00694#5"]],
    ["q2", ["1909.00694#7"]],
  ]);
  expect(warnings.map(({ code, count }) => [code, count])).toEqual([
    ["evidence", 1],
    ["unjudged", 2],
    ["duplicate-text", 1],
    ["left-out", 5],
  ]);
});

test("papers of one title are told apart by their ids", async () => {
  const { data } = await read({
    a: paper("Same", [question("q1", answer(["First paragraph."]))]),
    b: paper("Same", [question("q2", answer(["First paragraph."]))]),
  });
  expect(new Set(data.passages.map(({ document }) => document))).toEqual(new Set(["a", "b"]));
  expect(data.queries.map(({ relevant }) => relevant[0]!.passage)).toEqual(["a#2", "b#2"]);
});

test.each([
  [
    "a question without an id",
    [{ question: "What?", answers: [] }],
    '"question_id" must be a text',
    "E_FIELD",
  ],
  [
    "a question twice",
    [question("q1", answer(["First paragraph."])), question("q1")],
    "stands above too",
    "E_DUPLICATE",
  ],
  [
    "evidence that is no text",
    [question("q9", { answer: { evidence: [5] } })],
    '"evidence" must be a list',
    "E_FIELD",
  ],
] as const)("%s is refused by line, or left out", async (_name, questions, message, code) => {
  const papers = { p: paper("T", [question("q0", answer(["First paragraph."])), ...questions]) };
  const error = await laterRefusal(() => read(papers), code, message);
  const { badRows, data } = await read(papers, true);
  expect(badRows).toEqual([
    {
      file: "qasper-dev-v0.3.json",
      line: error.place.line,
      reason: expect.stringContaining(message) as unknown,
    },
  ]);
  expect(data.queries[0]!.id).toBe("q0");
});

test("a paper of another shape is left out whole, the others stay", async () => {
  const good = paper("T", [question("q0", answer(["First paragraph."]))]);
  const { badRows, data } = await read({ bad: { full_text: "text" }, good }, true);
  expect(badRows).toMatchObject([{ line: 3, reason: '"full_text" must be a list' }]);
  expect(data.queries).toHaveLength(1);
});

test("what stands in other papers, and passages without a document, are spoken of", async () => {
  const given = seededRetrieval(1);
  const [first, ...rest] = given.dataset.passages;
  const passages = [{ id: first!.id, text: first!.text }, ...rest];
  const [query] = given.dataset.queries;
  const relevant = [passages[1]!, passages[20]!].map(({ id }) => ({ passage: id, grade: 1 }));
  const dataset = { passages, queries: [{ id: query!.id, text: query!.text, relevant }] };
  const { files, losses } = await writeDataset("qasper", { kind: "retrieval", dataset });
  expect(losses).toContain(
    "1 judgement of passages in another document than the first is lost; QASPER's evidence lies in one paper.",
  );
  expect(losses).toContain('1 passage without a source document stands in a paper called "untitled".');
  expect(Object.keys(JSON.parse(textOf(files, "qasper.json")) as object)).toContain("untitled");
});
