import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { MINING_DEFAULTS } from "../../../src/domain/data/mining/settings.ts";
import type { MiningRequest, MiningView, NegativeDecision } from "../../../src/app/studio-mining.ts";
import { jobEnds, studioSuite } from "./studio-in-thread.ts";
import { FORMATS, pickedFolder, tinyProject, wordDataset } from "./tiny-models.ts";

const open = studioSuite();
const request: MiningRequest = { search: "hybrid", settings: { ...MINING_DEFAULTS, rangeMax: 10 } };

function decisionsOf({ questions }: MiningView, state: NegativeDecision["state"]): NegativeDecision[] {
  return questions.flatMap(({ questionId, candidates }) =>
    candidates.map(({ passageId }) => ({ questionId, passageId, state })),
  );
}

test("what is accepted stays with its question, is taken back as one, and a rejection outlives the next mining", async () => {
  const page = open({ modelMissing: true });
  const { studio, workspace } = page;
  const { id } = await studio.openSample();
  expect(await studio.mining.view(id)).toEqual({ mined: null, questions: [] });
  const before = await studio.dataset(id, "train");
  const job = await jobEnds(page, studio.mining.mine(id, request));
  expect(job).toMatchObject({ state: "finished", kind: "mine" });
  const view = await studio.mining.view(id);
  expect(view.mined).toMatchObject({
    request,
    outdated: false,
    report: { questions: before.queries.length },
  });
  const first = view.questions[0]!;
  expect(first.candidates.map(({ kind, state }) => [kind, state])).toEqual([
    ...Array.from({ length: 3 }, () => ["mined", "proposed"]),
    ["random", "proposed"],
  ]);
  const right = before.queries[0]!.relevant.map(({ passage }) => passage);
  expect(first.candidates.some(({ passageId }) => right.includes(passageId))).toBe(false);
  const [text] = await studio.mining.texts(id, [first.candidates[0]!.passageId]);
  expect(text).toBe(before.passages.find((each) => each.id === first.candidates[0]!.passageId)!.text);
  expect(await studio.dataset(id, "train")).toEqual(before);

  const back = await studio.mining.decide(id, decisionsOf(view, "accepted"));
  const accepted = (await studio.dataset(id, "train")).queries[0]!.negatives;
  expect(accepted).toEqual(first.candidates.map(({ passageId }) => passageId));
  expect((await studio.dataset(id, "test")).queries.every(({ negatives }) => negatives === undefined)).toBe(
    true,
  );
  await studio.mining.decide(id, back);
  expect(await studio.dataset(id, "train")).toEqual(before);

  const [refused] = first.candidates;
  const one = { questionId: first.questionId, passageId: refused!.passageId };
  await studio.mining.decide(id, [{ ...one, state: "rejected" }]);
  expect((await studio.dataset(id, "train")).queries[0]!.negatives).toEqual([]);
  await jobEnds(
    page,
    studio.mining.mine(id, { ...request, settings: { ...request.settings, negatives: 9 } }),
  );
  const again = (await studio.mining.view(id)).questions[0]!;
  expect(again.candidates.find(({ passageId }) => passageId === refused!.passageId)!.state).toBe("rejected");

  const other = (await studio.questions(id)).find(({ split }) => split === "train")!;
  await workspace.projects.changeQuestion(id, other.id, (question) => ({
    ...question,
    text: "Another text?",
  }));
  expect((await studio.mining.view(id)).mined!.outdated).toBe(true);
});

test("negatives that came with the data are shown as accepted, and can be taken out", async () => {
  const { studio, workspace } = open({ modelMissing: true });
  const { id } = await studio.openSample();
  const { queries, passages } = await studio.dataset(id, "train");
  const [query] = queries;
  const given = passages.find(({ id: own }) => query!.relevant.every(({ passage }) => passage !== own))!.id;
  const elsewhere = (await studio.dataset(id, "test")).passages.at(-1)!.id;
  await workspace.projects.changeQuestion(id, query!.id, (question) => ({
    ...question,
    negatives: [given, elsewhere],
  }));
  const { mined, questions } = await studio.mining.view(id);
  expect(mined).toBeNull();
  const candidate = { passageId: given, kind: "given", rank: null, score: null, state: "accepted" };
  expect(questions).toMatchObject([{ questionId: query!.id, candidates: [candidate] }]);
  await studio.mining.decide(id, [{ questionId: query!.id, passageId: given, state: "rejected" }]);
  const [stored] = (await workspace.projects.contents(id))
    .flatMap((content) => content.questions)
    .filter((question) => question.id === query!.id);
  expect(stored!.negatives).toEqual([elsewhere]); // of the other side: it was no candidate
});

test("accepted ones are exported as rows, and the training side as LlamaIndex's file for Cohere", async () => {
  const page = open({ modelMissing: true });
  const { studio } = page;
  const { id } = await studio.openSample();
  await expect(studio.mining.exportRows(id, "triplet")).rejects.toMatchObject({ code: "too-little-data" });
  await jobEnds(page, studio.mining.mine(id, { ...request, search: "bm25" }));
  const view = await studio.mining.view(id);
  await studio.mining.decide(id, decisionsOf(view, "accepted").slice(0, 4));
  const lines = async (file: { readonly blob: Blob }) =>
    (await file.blob.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const rows = await lines(await studio.mining.exportRows(id, "triplet"));
  expect(rows).toHaveLength(4);
  expect(Object.keys(rows[0]!)).toEqual(["anchor", "positive", "negative"]);
  expect(rows[0]!["anchor"]).toBe(view.questions[0]!.text);
  const job = JSON.parse(await (await studio.mining.exportRows(id, "job")).blob.text()) as object;
  const [first] = view.questions;
  expect(job).toEqual({ [first!.questionId]: first!.candidates.map(({ passageId }) => passageId) });
  const options = { method: "cosine", negatives: 5, mode: "recommended", seed: 0 } as const;
  const cohere = await lines(await studio.mining.exportCohere(id, options));
  const { queries } = await studio.dataset(id, "train");
  expect(cohere.map(({ query }) => query)).toEqual(queries.map(({ text }) => text));
  expect(Object.keys(cohere[0]!)).toEqual(["query", "relevant_passages", "hard_negatives"]);
  expect(cohere.every(({ hard_negatives }) => (hard_negatives as string[]).length === 5)).toBe(true);
});

test("a cross-encoder at hand gives the scores that thresholds are compared with", async () => {
  const page = open();
  const { studio } = page;
  const { id, model } = await tinyProject(page);
  const { id: reranker } = await studio.addModelFolder(pickedFolder(`${FORMATS}/cross-encoder-tiny`));
  const settings = { ...MINING_DEFAULTS, random: 0, relativeMargin: 0, sampling: "top" } as const;
  await jobEnds(page, studio.mining.mine(id, { search: "bm25", settings, crossEncoder: reranker }));
  const { mined, questions } = await studio.mining.view(id);
  expect(mined!.report.rescored).toBe(true);
  for (const { positives, candidates } of questions) {
    const lowest = Math.min(...positives.map(({ score }) => score!));
    for (const { score } of candidates) expect(score!).toBeLessThanOrEqual(lowest);
  }
  const wrong = await jobEnds(
    page,
    studio.mining.mine(id, { search: "bm25", settings, crossEncoder: model }),
  );
  expect(wrong).toMatchObject({ state: "failed", error: { code: "usage" } });
});

test("mining by words needs no vectors, and by meaning embeds first what has none", async () => {
  const page = open({ modelMissing: true });
  const { studio } = page;
  const project = await studio.createProject("No model");
  const { id: model } = await studio.addModelFolder(pickedFolder(`${FORMATS}/st-tiny-5x`));
  await studio.addFiles(project.id, [wordDataset("train", 6, 1)], "train");
  const words = await jobEnds(page, studio.mining.mine(project.id, { ...request, search: "bm25" }));
  expect(words.state).toBe("finished");
  await studio.chooseEncoder(project.id, model);
  const dense = await jobEnds(page, studio.mining.mine(project.id, { ...request, search: "dense" }));
  expect(dense.state).toBe("finished");
  expect((await studio.project(project.id)).vectors.cached).toBeGreaterThan(0);
});
