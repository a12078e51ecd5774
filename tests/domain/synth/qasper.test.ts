import { describe, expect, test } from "vitest";
import { RetuneError } from "../../../src/engine/errors.ts";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import { readRouterData } from "../../../src/domain/formats/router-data.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";
import { generateQuestions, type GenerationRow } from "../../../src/domain/synth/generate.ts";
import {
  assembleJudged,
  endpointJudge,
  judgeRelevance,
  parseSeparated,
  parseYesNo,
  sourceJudge,
  type JudgedQuestion,
  type JudgingOptions,
  type RelevanceJudge,
} from "../../../src/domain/synth/qasper.ts";
import { assembleExamples, choicePassages } from "../../../src/domain/synth/router-questions.ts";

const dataset: Dataset = {
  passages: Array.from({ length: 6 }, (_, index) => ({ id: `p${index}`, text: `chunk ${index}` })),
  queries: [0, 1, 2].map((index) => ({
    id: `q${index}`,
    text: index === 2 ? " " : `question ${index}`,
    relevant: [{ passage: `p${index}`, grade: 1 }],
  })),
};
const retrieved: Matrix = {
  rows: 3,
  columns: 6,
  values: Float32Array.from({ length: 18 }, (_, index) => -(index % 6)),
};

async function rows(judge: RelevanceJudge, options: JudgingOptions = {}): Promise<JudgedQuestion[]> {
  const found: JudgedQuestion[] = [];
  for await (const event of judgeRelevance(dataset, retrieved, judge, options)) {
    if (event.kind === "row") found.push(event.row);
  }
  return found;
}

test("the source of a question is relevant, the other retrieved chunks are not, and blank questions are left out", async () => {
  const set = assembleJudged(dataset, await rows(sourceJudge(dataset), { topK: 3 }));
  expect(
    set.queries.map(({ id, candidates }) => [
      id,
      candidates.map(({ passage, score }) => `${passage} ${score}`),
    ]),
  ).toEqual([
    ["q0", ["p0 1", "p1 0", "p2 0"]],
    ["q1", ["p0 0", "p1 1", "p2 0"]],
  ]);
});

test("what is neither yes nor no is left out, and stored rows are not asked about again", async () => {
  const asked: string[] = [];
  const judge: RelevanceJudge = {
    name: "fake",
    relevant: (question, text) => {
      asked.push(question);
      return Promise.resolve(text === "chunk 1" ? undefined : text === "chunk 0");
    },
  };
  const first = await rows(judge, { topK: 3, done: [{ query: "q0", judgements: [] }] });
  expect(first).toEqual([
    {
      query: "q1",
      judgements: [
        { passage: "p0", relevant: true },
        { passage: "p2", relevant: false },
      ],
    },
  ]);
  expect(new Set(asked)).toEqual(new Set(["question 1"]));
});

test("a judge that is gone stops the job; a wrong key stops it at once", async () => {
  const failing = (code: "network" | "usage"): RelevanceJudge => ({
    name: "gone",
    relevant: () => Promise.reject(new RetuneError(code, "no answer")),
  });
  await expect(rows(failing("network"), { failuresInARow: 2 })).rejects.toMatchObject({ code: "network" });
  await expect(rows(failing("usage"))).rejects.toMatchObject({ code: "usage" });
});

test("an endpoint is asked with question and text, and its Yes and No are read", async () => {
  const prompts: string[] = [];
  const judge = endpointJudge({
    baseUrl: "http://localhost:1/v1",
    model: "m",
    fetch: (_url, init) => {
      const { messages } = JSON.parse(init.body as string) as { messages: { content: string }[] };
      prompts.push(messages[0]!.content);
      return Promise.resolve(Response.json({ choices: [{ message: { content: "Yes." } }] }));
    },
  });
  expect(await judge.relevant("why?", "because")).toBe(true);
  expect(prompts[0]).toMatch(/why\?[^]*because/);
});

describe("answers", () => {
  test.each([
    ["yes", true],
    [" No\n", false],
    ["Yes.", true],
    ['"YES"', true],
    ["**no**, because", false],
    ["<think>no</think>yes", true],
    ["Yesterday", undefined],
    ["maybe", undefined],
    ["", undefined],
  ])("%j is read as %s", (answer, wanted) => {
    expect(parseYesNo(answer)).toBe(wanted);
  });

  test("questions apart by semicolons and lines are cut before blanks are dropped, as in the original", () => {
    expect(parseSeparated("one?; two?\n;three?", 3)).toEqual(["one?", "two?"]);
  });
});

test("generated questions become examples of their choices, ids unique, a shared question right for both", async () => {
  const known = readRouterData([
    {
      name: "r.json",
      content:
        '{"choices": [{"id": "a", "description": "x"}, {"id": "b", "description": "y"}],\n"examples": [{"id": "a-g1", "text": "Known?", "choices": ["a"]}]}',
    },
  ]).dataset;
  const generator = {
    name: "fake",
    kind: "teacher" as const,
    generate: ({ id }: { id: string }) =>
      Promise.resolve([{ text: "known?" }, { text: `only ${id}?` }, { text: "Both?" }]),
  };
  const found: GenerationRow[] = [];
  for await (const event of generateQuestions(choicePassages(known.choices), generator, { count: 3 })) {
    if (event.kind === "row") found.push(event.row);
  }
  const { examples } = await assembleExamples(known, generator, found, 3);
  expect(examples.map(({ id, text, choices }) => [id, text, choices.join()])).toEqual([
    ["a-g1", "Known?", "a"],
    ["a-g2", "only a?", "a"],
    ["a-g3", "Both?", "a,b"],
    ["b-g1", "only b?", "b"],
  ]);
});
