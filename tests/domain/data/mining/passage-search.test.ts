import { expect, test } from "vitest";
import type { Dataset } from "../../../../src/domain/data/dataset.ts";
import { withInBatchNegatives } from "../../../../src/domain/data/mining/in-batch.ts";
import {
  denseSearch,
  hybridSearch,
  lexicalSearch,
  rowsInBlocks,
} from "../../../../src/domain/data/mining/passage-search.ts";
import type { RerankDataset } from "../../../../src/domain/data/rerank-dataset.ts";
import { LexicalIndex } from "../../../../src/domain/eval/bm25.ts";
import { cosineScores } from "../../../../src/domain/eval/dense.ts";
import { EQUAL_WEIGHTS, fuse, fusionOf } from "../../../../src/domain/eval/fusion.ts";
import type { Matrix } from "../../../../src/domain/matrix.ts";
import { CounterRandom } from "../../../../src/domain/random.ts";

const random = new CounterRandom(4);
const matrix = (rows: number, columns: number): Matrix => ({
  rows,
  columns,
  values: Float32Array.from({ length: rows * columns }, () => random.uniform() - 0.5),
});
const words = "leave days employees revenue quarter retrieval documents".split(" ");
const dataset: Dataset = {
  passages: Array.from({ length: 37 }, (_, index) => ({
    id: `p${index}`,
    text: `${words[index % 7]!} ${words[(index * 3) % 7]!} ${index}`,
  })),
  queries: Array.from({ length: 11 }, (_, index) => ({
    id: `q${index}`,
    text: `which ${words[index % 7]!} ${index}`,
    relevant: [{ passage: `p${index}`, grade: 1 }],
  })),
};
const texts = (rows: readonly { readonly text: string }[]): string[] => rows.map(({ text }) => text);

test("scored a few questions at a time, the scores are those of all at once", () => {
  const vectors = { queries: matrix(11, 8), corpus: matrix(37, 8) };
  const dense = cosineScores(vectors.queries, vectors.corpus);
  const lexical = new LexicalIndex(texts(dataset.passages)).scores(texts(dataset.queries));
  const whole = fuse(dense, lexical, fusionOf(EQUAL_WEIGHTS));
  const search = hybridSearch(denseSearch(vectors), lexicalSearch(dataset), fusionOf(EQUAL_WEIGHTS));
  const questions = [7, 0, 10, 3, 4];
  const rows: number[][] = [];
  const done = [...rowsInBlocks(search, questions, (_place, row) => rows.push(Array.from(row)))];
  expect(done).toEqual([5]);
  expect(rows).toEqual(
    questions.map((question) => Array.from(whole.values.subarray(question * 37, (question + 1) * 37))),
  );
});

test("many passages are scored four questions at a time, so that no large matrix is held", () => {
  const seen: number[] = [];
  const search = {
    ...{ questions: 10, passages: 3_000_000 },
    score: (questions: readonly number[]) => {
      seen.push(questions.length);
      return { rows: questions.length, columns: 1, values: new Float32Array(questions.length) };
    },
  };
  const ten = Array.from({ length: 10 }, (_, index) => index);
  expect([...rowsInBlocks(search, ten, () => undefined)]).toEqual([4, 8, 10]);
  expect(seen).toEqual([4, 4, 2]);
});

test("a question without wrong texts gets right ones of others, never its own", () => {
  const right = (text: string) => ({ text, score: 1, kind: "given" }) as const;
  const data: RerankDataset = {
    scores: "labels",
    queries: ["a", "b", "c", "a"].map((text, index) => ({
      ...{ id: `q${index}`, text: `question ${index}`, group: `g${index}` },
      candidates: index === 2 ? [right(text), { text: "x", score: 0, kind: "given" }] : [right(text)],
    })),
  };
  const { queries } = withInBatchNegatives(data, 2, 1);
  expect(
    queries.map(({ candidates }) =>
      candidates
        .slice(1)
        .map(({ text }) => text)
        .sort(),
    ),
  ).toEqual([["b", "c"], ["a", "c"], ["x"], ["b", "c"]]);
  expect(withInBatchNegatives(data, 1, 1).queries[0]!.candidates).toHaveLength(2);
});
