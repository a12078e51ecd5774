import { expect, test } from "vitest";
import { detailOf } from "../../src/ui/screens/lab/answer-detail.ts";

const answer = (detail: Readonly<Record<string, unknown>>, text = "") => ({ text, measures: {}, detail });

test("an answer without more to tell has no detail", () => {
  expect(detailOf({ text: "a", measures: {} })).toEqual({ facts: [], faults: [], tables: [] });
});

test("a query is shown in the tables' own names, with what it finds and why it does not run", () => {
  const found = { columns: ["n"], rows: [[1]], count: 24 };
  const { facts, faults, tables } = detailOf(
    answer(
      { sql: "SELECT a FROM b", gold: "", families: [], error: "no such column", goldResult: found },
      "t0",
    ),
  );
  expect(facts).toEqual([["The query, in the tables' own names", "SELECT a FROM b"]]);
  expect(faults).toEqual(["no such column"]);
  expect(tables).toEqual([
    { caption: "What the right query finds. 1 of 24 rows.", columns: ["n"], rows: [[1]] },
  ]);
});

test("a call's schema faults stand by their path, its fields beside the right ones", () => {
  const turn = {
    faults: [{ path: "/arguments/age", reason: "must be a number" }],
    fields: [{ path: "/age", verdict: "wrong", said: "x", right: 3 }],
  };
  const { faults, tables } = detailOf(answer({ turns: [turn] }));
  expect(faults).toEqual(["/arguments/age: must be a number"]);
  expect(tables[0]!.rows).toEqual([["/age", '"x"', "3", "another value"]]);
});

test("a judge's verdict on exchanged answers names them as they were given", () => {
  const { facts } = detailOf(
    answer({ kind: "pairwise", right: "A", said: "A", original: "A", flipped: "B", consensus: null }),
  );
  expect(facts.slice(0, 3).map(([, verdict]) => verdict)).toEqual([
    "A is better",
    "A is better",
    "A is better",
  ]);
});

test("an agent's steps stand beside what the tools answered, and a loop is told", () => {
  const trajectory = {
    ...{ texts: ["look", "Answer: 3"], observations: ["3"], ended: "answer" },
    ...{ repeated: true, answer: "3" },
  };
  const { faults, tables } = detailOf(answer({ steps: ["look"], trajectory }));
  expect(tables[0]!.rows).toEqual([
    ["look", "3"],
    ["Answer: 3", ""],
  ]);
  expect(faults).toHaveLength(1);
});

test("the likelihood of each choice is shown, with the right and the chosen one", () => {
  const { tables } = detailOf(answer({ said: 1, right: [0], probabilities: [0.25, 0.7, 0.05], choices: 2 }));
  expect(tables[0]!.rows.map(([choice, , mark]) => [choice, mark])).toEqual([
    ["1", "right"],
    ["2", "chosen"],
    ["none of these", ""],
  ]);
});

test("a fact is shown in every wording it was asked in, with search where there was one", () => {
  const probes = [{ kind: "control", question: "q", answer: "a", rag: "r" }];
  expect(detailOf(answer({ wanted: "w", probes })).tables[0]!.rows).toEqual([
    ["q", "never learnt", "a", "r"],
  ]);
});
