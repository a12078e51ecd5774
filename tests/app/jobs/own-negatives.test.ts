import { expect, test } from "vitest";
import { dataHash } from "../../../src/app/jobs/data-hash.ts";
import { projectData } from "../../../src/app/jobs/project-data.ts";
import { decided, NO_PROPOSALS, withDecision } from "../../../src/app/jobs/negatives.ts";
import type { SourceContent } from "../../../src/app/storage/project-store.ts";
import type { StoredQuestion } from "../../../src/app/storage/records.ts";

const DOCUMENTS = ["a", "b", "c", "d"];

function contentOf(negatives: Readonly<Record<string, readonly string[]>>): SourceContent {
  const passages = DOCUMENTS.flatMap((document) =>
    [0, 1].map((index) => ({ id: `${document}${index}`, text: `text ${document} ${index}`, document })),
  );
  const questions = passages.map(({ id }): StoredQuestion => ({
    ...{ id: `q-${id}`, text: `about ${id}`, relevant: [{ passage: id, grade: 1 }], state: "accepted" },
    ...(negatives[id] ? { negatives: negatives[id] } : {}),
  }));
  const source = {
    ...{ id: "s", projectId: "p", sequence: 1, name: "s", format: "f", bytes: 1, role: "split" as const },
    ...{ passages: passages.length, questions: questions.length, hash: "" },
  };
  return { source, passages, questions };
}
const split = { testShare: 0.5, seed: 1 };

test("negatives of the other side of the split are no text to learn from", () => {
  const bare = projectData([contentOf({})], split);
  const own = bare.train.queries[0]!.relevant[0]!.passage;
  const near = bare.train.passages.find(({ id }) => id !== own)!.id;
  const held = bare.test.passages[0]!.id;
  const { train } = projectData([contentOf({ [own]: [near, held] })], split);
  expect(train.queries[0]!.negatives).toEqual([near]);
  expect(train.queries[1]).not.toHaveProperty("negatives");
});

test("data without negatives keep their hash; a decision, be it that none is wanted, gives another", async () => {
  const bare = projectData([contentOf({})], split);
  const own = bare.train.queries[0]!.relevant[0]!.passage;
  const near = bare.train.passages.find(({ id }) => id !== own)!.id;
  const hashes = await Promise.all(
    [{}, { [own]: [near] }, { [own]: [] }].map((given) => dataHash(projectData([contentOf(given)], split))),
  );
  expect(await dataHash(bare)).toBe(hashes[0]);
  expect(new Set(hashes).size).toBe(3);
});

test("decisions on passages that are no candidates are left out, and all taken back leave no trace", () => {
  const { train } = projectData([contentOf({})], split);
  const [query] = train.queries;
  const near = train.passages.find(({ id }) => id !== query!.relevant[0]!.passage)!.id;
  const candidate = { passageId: near, kind: "mined", rank: 1, score: 1, state: "proposed" } as const;
  const proposals = {
    ...NO_PROPOSALS,
    questions: [{ questionId: query!.id, positives: [], candidates: [candidate] }],
  };
  const at = { questionId: query!.id };
  const taken = decided(train, proposals, [
    { ...at, passageId: near, state: "accepted" },
    { ...at, passageId: "elsewhere", state: "accepted" },
  ]);
  expect(taken.back).toEqual([{ ...at, passageId: near, state: "proposed" }]);
  const stored: StoredQuestion = { ...query!, state: "accepted" };
  const kept = withDecision(stored, taken.lists.get(query!.id));
  expect(kept.negatives).toEqual([near]);
  const after = { ...train, queries: [{ ...query!, negatives: [near] }, ...train.queries.slice(1)] };
  const undone = decided(after, taken.proposals, taken.back);
  expect(withDecision(kept, undone.lists.get(query!.id))).toEqual(stored);
});
