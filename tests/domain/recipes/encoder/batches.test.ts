import { expect, test } from "vitest";
import {
  compatibleEpoch,
  neighbourEpoch,
  type BatchSource,
} from "../../../../src/domain/recipes/encoder/batches.ts";

/** `documents` documents of `each` passages with `perPassage` questions; question q asks for passage ⌊q / perPassage⌋. */
function source(documents: number, each: number, perPassage: number): BatchSource {
  const passages = documents * each;
  return {
    questions: Uint32Array.from({ length: passages * perPassage }, (_, index) => index),
    positives: Array.from({ length: passages * perPassage }, (_, q) => [Math.floor(q / perPassage)]),
    copyOf: Uint32Array.from({ length: passages }, (_, index) => index),
    documents: Array.from({ length: passages }, (_, index) => `d${Math.floor(index / each)}`),
  };
}

test("a neighbour batch holds consecutive passages, one question each", () => {
  const own = source(3, 40, 2);
  const batches = neighbourEpoch(own, 10, 0, 7);
  expect(batches).toHaveLength(24);
  for (const { questions, passages } of batches) {
    expect(questions).toHaveLength(10);
    expect(passages).toEqual(passages.map((_, index) => passages[0]! + index));
    expect(questions.map((question) => Math.floor(question / 2))).toEqual(passages);
  }
});

test("every question occurs once an epoch, in another order of batches each time", () => {
  const own = source(2, 33, 3);
  const epochs = [0, 1].map((epoch) => neighbourEpoch(own, 10, epoch, 7));
  for (const batches of epochs) {
    const asked = batches.flatMap(({ questions }) => questions).sort((a, b) => a - b);
    expect(asked).toEqual(Array.from(own.questions));
  }
  expect(epochs[0]).not.toEqual(epochs[1]);
  expect(neighbourEpoch(own, 10, 1, 7)).toEqual(epochs[1]);
  expect(neighbourEpoch(own, 10, 1, 8)).not.toEqual(epochs[1]);
});

test("sizes differ by one where a round does not divide, and no batch is above its size", () => {
  const sizes = neighbourEpoch(source(1, 34, 1), 10, 0, 1).map(({ questions }) => questions.length);
  expect(sizes.sort()).toEqual([8, 8, 9, 9]);
});

test("passages of equal text never share a batch", () => {
  const own = source(1, 30, 1);
  const copies = { ...own, copyOf: own.copyOf.map((passage) => passage % 15) };
  const batches = neighbourEpoch(copies, 10, 0, 3);
  for (const { passages } of batches) {
    const texts = passages.map((passage) => copies.copyOf[passage]!);
    expect(new Set(texts).size).toBe(texts.length);
  }
  expect(batches.flatMap(({ questions }) => questions)).toHaveLength(30);
});

test("a question with several right passages takes them in turn, epoch by epoch", () => {
  const own = source(1, 20, 1);
  const positives = own.positives.map((found, q) => (q === 4 ? [4, 11, 17] : found));
  const towards = [0, 1, 2, 3].map((epoch) => {
    const batches = neighbourEpoch({ ...own, positives }, 5, epoch, 1);
    const home = batches.find(({ questions }) => questions.includes(4))!;
    return home.passages[home.questions.indexOf(4)];
  });
  expect(towards).toEqual([4, 11, 17, 4]);
});

test("a lonely question of a late round joins a batch with room that lacks its passage, or gets company", () => {
  const own = source(1, 19, 1);
  const questions = Uint32Array.from({ length: 20 }, (_, index) => index);
  const sizesWith = (passage: number): number[] => {
    const batches = neighbourEpoch({ ...own, questions, positives: [...own.positives, [passage]] }, 10, 0, 1);
    for (const { passages } of batches) expect(new Set(passages).size).toBe(passages.length);
    return batches.map(({ questions: asked }) => asked.length).sort((a, b) => a - b);
  };
  expect(sizesWith(12)).toEqual([10, 10]); // the first batch has nine and not this passage
  expect(sizesWith(7)).toEqual([2, 8, 10]);
});

test("documents that lie scattered in the file are brought together, each in its own order", () => {
  const own = source(2, 10, 1);
  const scattered = { ...own, documents: own.documents.map((_, index) => `d${index % 2}`) };
  const batches = neighbourEpoch(scattered, 10, 0, 1);
  expect(batches.map(({ passages }) => passages).sort((a, b) => a[0]! - b[0]!)).toEqual([
    [0, 2, 4, 6, 8, 10, 12, 14, 16, 18],
    [1, 3, 5, 7, 9, 11, 13, 15, 17, 19],
  ]);
});

test("compatible: file order, first positive, the short last batch kept", () => {
  const own = source(1, 12, 2);
  const batches = compatibleEpoch({ ...own, positives: own.positives.map((found) => [...found, 0]) }, 10);
  expect(batches.map(({ questions }) => questions.length)).toEqual([10, 10, 4]);
  expect(batches[0]!.passages).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
});
