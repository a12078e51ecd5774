import { expect, test } from "vitest";
import { contextPhrase } from "../../../src/domain/data/gate-context.ts";
import type { QuestionFlag } from "../../../src/domain/data/gate-flags.ts";
import { checkQuestions } from "../../../src/domain/data/gate.ts";
import type { Dataset, Origin } from "../../../src/domain/data/dataset.ts";
import { matrixOf } from "../../../src/domain/matrix.ts";

const TOPICS = [
  "bread ovens",
  "harbour cranes",
  "school timetables",
  "violin strings",
  "glacier melt",
  "tax forms",
];
const passages = TOPICS.map((topic, index) => ({
  id: `p${index}`,
  text: `Everything about ${topic}: who looks after them, what they cost in year ${index} and when they are replaced.`,
}));

function dataset(texts: readonly string[], origin?: Origin): Dataset {
  const queries = texts.map((text, index) => ({
    id: `q${index}`,
    text,
    relevant: [{ passage: `p${index % passages.length}`, grade: 1 }],
    ...(origin ? { origin } : {}),
  }));
  return { queries, passages };
}

const kindsOf = (flags: readonly QuestionFlag[] | undefined): string[] =>
  (flags ?? []).map(({ kind }) => kind);

test.each([
  [
    "What is, according to the context information provided, the role of the board?",
    "to the context information",
  ],
  ["Based on the provided context, who signs?", "provided context"],
  ["According to the table of contents, where do risks stand?", "table of contents"],
  ["Which risks are mentioned in the document?", "mentioned in the document"],
  ["According to the passage, who pays?", "According to the passage"],
  ["Why did costs rise? Use the information provided in the context.", "information provided in the context"],
])("%s points at a text", (question, phrase) => {
  expect(contextPhrase(question)).toBe(phrase);
});

test.each([
  "In the context of revenue recognition, who is the principal?",
  "What role does trust play in this context?",
  "How did the passage of Proposition 22 affect drivers?",
  "Which information must be provided to investors?",
  "How is a document signed electronically?",
])("%s names its subject itself", (question) => {
  expect(contextPhrase(question)).toBeUndefined();
});

test("a question that copies its passage is flagged with the share of its runs; one in its own words is not", async () => {
  const { flags } = await checkQuestions(
    dataset([
      "Who looks after them, what they cost in year 0?",
      "Which port machines get swapped out, and by whom?",
    ]),
  );
  expect(flags.get("q0")).toContainEqual({ kind: "copy", share: expect.closeTo(1, 6) as number });
  expect(kindsOf(flags.get("q1"))).not.toContain("copy");
});

test("empty, short and asking nothing: written questions must ask, imported searches may be keywords", async () => {
  const texts = [
    "",
    "Violin strings?",
    "Here are the two questions you asked for:",
    "Describe glacier melt in Europe",
  ];
  const written = await checkQuestions(dataset(texts, { kind: "teacher", detail: "m" }), { top: 1000 });
  expect(kindsOf(written.flags.get("q0"))).toEqual(["empty"]);
  expect(kindsOf(written.flags.get("q1"))).toEqual(["short"]);
  expect(kindsOf(written.flags.get("q2"))).toEqual(["no-question"]);
  expect(written.flags.has("q3")).toBe(false);
  const imported = await checkQuestions(dataset(texts, { kind: "imported" }), { top: 1000 });
  expect(imported.counts["no-question"]).toBeUndefined();
});

test("of questions that say the same the first stays; likeness is by text, by words, then by vectors", async () => {
  const texts = [
    "Who looks after the harbour cranes during winter storms?",
    "  who LOOKS after the harbour cranes during winter storms? ",
    "Who looks after the harbour cranes during winter storms today?",
    "Which crew keeps the port machinery going when it is cold?",
    "What does a violin string cost?",
  ];
  const questions = [
    [1, 0, 0],
    [1, 0, 0],
    [0.98, 0.1, 0],
    [0.99, 0.1, 0.05],
    [0, 0, 1],
  ].map((row) => Float32Array.from(row));
  const { flags } = await checkQuestions(dataset(texts), {
    top: 1000,
    vectors: { questions, passages: null },
  });
  const duplicates = texts.map((_, index) =>
    flags.get(`q${index}`)?.find(({ kind }) => kind === "duplicate"),
  );
  expect(duplicates.map((flag) => (flag?.kind === "duplicate" ? [flag.how, flag.other] : null))).toEqual([
    null,
    ["same", "q0"],
    ["words", "q0"],
    ["meaning", "q0"],
    null,
  ]);
});

test("the round trip finds questions whose passage the search puts too far down, and says what searched", async () => {
  const texts = TOPICS.map((topic) => `Who replaces ${topic}?`);
  texts[2] = "Who replaces tax forms?"; // asks about another passage than its own
  const byWords = await checkQuestions(dataset(texts), { top: 1 });
  expect(byWords.searched).toEqual({ hybrid: 0, bm25: 6 });
  const own = byWords.flags.get("q2")!.find((flag) => flag.kind === "not-found")!;
  expect(own).toMatchObject({ by: "bm25", top: 1 });
  expect(own.kind === "not-found" && own.rank > 1).toBe(true);
  expect(byWords.counts["not-found"]).toBe(1);

  const axis = (index: number): Float32Array => Float32Array.from(TOPICS, (_, k) => (k === index ? 1 : 0));
  const vectors = {
    questions: TOPICS.map((_, index) => (index === 5 ? undefined : axis(index === 0 ? 3 : index))),
    passages: matrixOf(TOPICS.map((_, index) => axis(index))),
  };
  const neutral = TOPICS.map(() => "Which one do you mean?");
  const hybrid = await checkQuestions(dataset(neutral), { top: 1, vectors });
  expect(hybrid.searched).toEqual({ hybrid: 5, bm25: 1 });
  expect(kindsOf(hybrid.flags.get("q0"))).toContain("not-found"); // its vector lies by another passage
  expect(kindsOf(hybrid.flags.get("q3"))).not.toContain("not-found");
});

test("a cancelled check rejects as cancelled", async () => {
  const controller = new AbortController();
  controller.abort();
  const texts = Array.from(
    { length: 3000 },
    (_, index) => `Which of the ${index} ovens is it that row ${index * 7} names?`,
  );
  await expect(checkQuestions(dataset(texts), { signal: controller.signal })).rejects.toMatchObject({
    code: "cancelled",
  });
});
