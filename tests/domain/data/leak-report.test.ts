import { expect, test } from "vitest";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import { leakReport } from "../../../src/domain/data/leak-report.ts";
import { tiedJudgements } from "../../../src/domain/data/ties.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

const random = new CounterRandom(11);
const prose = (words: number): string =>
  Array.from({ length: words }, () => `w${random.below(9000)}`).join(" ");

interface Planted {
  readonly id: string;
  readonly text: string;
  readonly question: string;
  readonly document?: string;
}

function side(rows: readonly Planted[], distractors: readonly string[] = []): Dataset {
  return {
    passages: [
      ...rows.map(({ id, text, document }) => ({ id, text, ...(document ? { document } : {}) })),
      ...distractors.map((text, index) => ({ id: `x${index}`, text })),
    ],
    queries: rows.map(({ id, question }) => ({
      id: `q-${id}`,
      text: question,
      relevant: [{ passage: id, grade: 1 }],
    })),
  };
}

const shared = prose(60);
const half = prose(50);
const train = side([
  { id: "a", text: prose(60), question: "Who signs the lease?", document: "A" },
  { id: "b", text: shared, question: "What is in b?", document: "B" },
  { id: "c", text: `${half} ${prose(50)}`, question: "What is in c?", document: "C" },
  { id: "d", text: prose(60), question: "Which storm closes the harbour?", document: "D" },
]);
const test1 = side(
  [
    { id: "k", text: prose(60), question: "who signs the LEASE?", document: "K" },
    { id: "l", text: shared.toUpperCase(), question: "What is in l?", document: "L" },
    { id: "m", text: `${half} ${prose(30)}`, question: "What is in m?", document: "M" },
    { id: "n", text: prose(60), question: "What weather shuts the port?", document: "N" },
    { id: "o", text: prose(60), question: "What is in o?", document: "O" },
  ],
  [train.passages[3]!.text], // in both corpora, but it answers nothing in the test
);

const none: readonly undefined[] = Array.from({ length: 9 }, () => undefined);
const axis = (...values: number[]): Float32Array => Float32Array.from(values);

test("each kind of leak is found once, with the questions it concerns and what hangs together", async () => {
  const vectors = {
    train: { questions: [undefined, undefined, undefined, axis(1, 0.1)], passages: none.slice(0, 4) },
    test: {
      questions: [undefined, undefined, undefined, axis(1, 0), axis(0, 1)],
      passages: none.slice(0, 6),
    },
  };
  const report = await leakReport(train, test1, { vectors });
  expect(report.leaks.map(({ kind, test: tested, train: trained }) => [kind, tested, trained])).toEqual([
    ["same-question", "q-k", "q-a"],
    ["near-question", "q-n", "q-d"],
    ["same-passage", "l", "b"],
    ["overlap", "m", "c"],
  ]);
  expect(report.counts.map(({ found, of }) => [found, of])).toEqual([
    [1, 5],
    [1, 5],
    [1, 5],
    [1, 5],
    [0, 5],
  ]);
  expect(report.questions).toEqual(["q-k", "q-l", "q-m", "q-n"]);
  expect(report.groups.map((group) => [group.test, group.train, group.questions])).toEqual(
    expect.arrayContaining([
      [["document:K"], ["document:A"], 1],
      [["document:M"], ["document:C"], 1],
    ]),
  );
  expect(report.groups).toHaveLength(4);
  expect(report.compared).toBe("words-and-vectors");
});

test("without vectors words are compared, and clean sides have no leak", async () => {
  const other = side([{ id: "z", text: prose(60), question: "What is in z?" }]);
  const report = await leakReport(train, other);
  expect(report).toMatchObject({ leaks: [], questions: [], groups: [], compared: "words" });
});

test("a near-copy within one side is a tie, and becomes a second right answer", async () => {
  const text = prose(80);
  const tied = side(
    [{ id: "s", text, question: "What is in s?" }],
    [`${text.split(" ").slice(0, 60).join(" ")} ${prose(20)}`, prose(80)],
  );
  const { ties } = await leakReport(train, tied);
  expect(ties.test).toHaveLength(1);
  const [tie] = ties.test;
  expect(tie).toMatchObject({ passage: "s", other: "x0", queries: ["q-s"] });
  expect(tie!.share).toBeCloseTo(56 / 76, 6);
  const withTies = (dataset: Dataset): Dataset => ({
    ...dataset,
    queries: dataset.queries.map((query) => ({
      ...query,
      relevant: tiedJudgements(query.relevant, ties.test),
    })),
  });
  const both = withTies(tied);
  expect(both.queries[0]!.relevant).toEqual([
    { passage: "s", grade: 1 },
    { passage: "x0", grade: 1 },
  ]);
  expect((await leakReport(train, both)).ties.test.filter(({ passage }) => passage === "s")).toEqual([]);
  expect(withTies(both)).toEqual(both);
});
