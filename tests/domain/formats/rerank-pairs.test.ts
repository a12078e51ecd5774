import { describe, expect, test } from "vitest";
import { pairsOf } from "../../../src/domain/data/rerank-dataset.ts";
import { readRerankPairs } from "../../../src/domain/formats/rerank-pairs.ts";
import { refusal } from "./refusal.ts";

const wanted = [
  { query: "q, one", context: 'says "yes"\nand more', score: 1 },
  { query: "q, one", context: "other", score: 0 },
  { query: "q two", context: "other", score: 0.5 },
];

test("the same pairs are read from CSV and from JSON Lines", () => {
  const csv = 'query,context,score\n"q, one","says ""yes""\nand more",1\n"q, one",other,0\nq two,other,0.5\n';
  expect(pairsOf(readRerankPairs(csv))).toEqual(wanted);
  const lines = wanted.map((pair) => `${JSON.stringify(pair)}\n`).join("");
  expect(pairsOf(readRerankPairs(lines))).toEqual(wanted);
});

test("the notebook's CSV is read with its unnamed index column, whatever the separator and line ends", () => {
  const pandas = ",query,context,score\n0,a,b,1\n1,a,c,0\n";
  const wanted = [
    { query: "a", context: "b", score: 1 },
    { query: "a", context: "c", score: 0 },
  ];
  expect(pairsOf(readRerankPairs(pandas))).toEqual(wanted);
  expect(pairsOf(readRerankPairs(pandas.replaceAll(",", ";").replaceAll("\n", "\r\n")))).toEqual(wanted);
  expect(pairsOf(readRerankPairs("query,passage,label\na,b,1\n\na,c,0"))).toEqual(wanted);
});

test("pairs of one question become one question, a pair given twice counts once, scores past 1 are a teacher's", () => {
  const { queries, scores } = readRerankPairs(
    '{"query":"a","context":"x","score":7.5}\n{"query":"b","context":"x","score":-2}\n{"query":"a","context":"x","score":1}\n',
  );
  expect(scores).toBe("teacher");
  expect(queries.map(({ text, candidates }) => [text, candidates.length])).toEqual([
    ["a", 1],
    ["b", 1],
  ]);
  expect(queries[0]!.candidates[0]!.score).toBe(7.5);
});

test("Cohere's rows give positives and negatives", () => {
  const rows =
    '{"query":"é q","relevant_passages":["p"],"hard_negatives":["n1","n2"]}\n{"query":"r","relevant_passages":["p"],"hard_negatives":[]}\n';
  const dataset = readRerankPairs(rows);
  expect(pairsOf(dataset).map(({ context, score }) => [context, score])).toEqual([
    ["p", 1],
    ["n1", 0],
    ["n2", 0],
    ["p", 1],
  ]);
});

describe("a bad row refuses the whole file, with its line", () => {
  test.each([
    ["a score that is no number", "query,context,score\na,b,1\na,c,high\n", "E_NUMBER", "line 3", "high"],
    ["a score left blank", "query,context,score\na,b,\n", "E_NUMBER", "line 2"],
    ["a blank context", 'query,context,score\n"a\nb",x,1\na," ",0\n', "E_EMPTY", "line 4", "context"],
    ["too few fields", "query,context,score\na,b,1\na,b\n", "E_CSV_COLUMNS", "line 3", "2 fields"],
    ["a missing column", "question,context,score\na,b,1\n", "E_CSV_COLUMNS", '"query"'],
    ["a column twice", "query,query,context,score\na,a,b,1\n", "E_CSV_COLUMNS", "twice"],
    ["a quote that never closes", 'query,context,score\na,b,1\n"a,c,0\nd,e,1\n', "E_CSV_QUOTE", "line 3"],
    ["text after a closing quote", 'query,context,score\n"a"x,c,0\n', "E_CSV_QUOTE", "line 2"],
    ["no rows", "query,context,score\n", "E_EMPTY", "header"],
    ["a JSON row without score", '{"query":"a","context":"b"}\n', "E_FIELD", "line 1", "score"],
    [
      "a JSON score in quotes",
      '{"query":"a","context":"b","score":1}\n{"query":"a","context":"c","score":"1"}',
      "E_NUMBER",
      "line 2",
    ],
    ["broken JSON", '{"query":"a","context":"b","score":1}\n{"query":"a",\n', "E_JSON", "line 2"],
    ["a passage that is no text", '{"query":"a","relevant_passages":[1]}\n', "E_FIELD", "relevant_passages"],
  ] as const)("%s", (_name, text, code, ...words) => {
    const error = refusal(() => readRerankPairs(text, "pairs.csv"), code, "pairs.csv", ...words);
    expect(error.place.file).toBe("pairs.csv");
  });
});
