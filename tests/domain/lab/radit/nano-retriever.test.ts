// RA-DIT's retriever half with the bundled decoder: what the untuned model says of passages tunes a search by words.
import { beforeAll, expect, test } from "vitest";
import type { LanguageModel } from "../../../../src/domain/generate/language-model.ts";
import { openLanguageModel } from "../../../../src/domain/generate/open-language-model.ts";
import { distinctTexts, vectorRetriever } from "../../../../src/domain/lab/passage-retriever.ts";
import { raditTask, withRetrieved } from "../../../../src/domain/lab/radit/radit.ts";
import { hitsOf } from "../../../../src/domain/lab/radit/radit-table.ts";
import { answerLikelihoods, supervisedShares } from "../../../../src/domain/lab/radit/supervision.ts";
import { adaptedQueries, tuneRetriever } from "../../../../src/domain/lab/radit/tune-retriever.ts";
import { wordVectors } from "../../../../src/domain/lab/radit/word-vectors.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { openTestCpu } from "../../recipes/open-backend.ts";
import { nanoDecoder, sample } from "../proof/nano.ts";

let [cpu, model]: [Backend, LanguageModel] = [undefined!, undefined!];
beforeAll(async () => {
  cpu = await openTestCpu();
  model = await openLanguageModel(cpu, await nanoDecoder());
});

const CANDIDATES = 6;

test("the divergence from what the model says falls, and the right passage comes first more often", async () => {
  const [train, test] = (["train", "test"] as const).map((side) => sample(raditTask(), side));
  const passages = distinctTexts([...train!, ...test!].flatMap(({ contexts }) => contexts));
  const vectors = wordVectors(passages);
  const base = vectorRetriever("words", passages, vectors, (asked) => Promise.resolve(wordVectors(asked)));
  const rows = await withRetrieved(train!, base, CANDIDATES);
  const asked = rows.map((example) => ({ example, passages: example.retrieved.map(({ text }) => text) }));
  const likelihoods = await answerLikelihoods(model, "base", asked);
  const tuned = await tuneRetriever(cpu, {
    queries: wordVectors(rows.map(({ question }) => question)),
    passages: vectors,
    candidates: rows.map(({ retrieved }) => retrieved.map(({ place }) => place)),
    targets: likelihoods.map((own) => supervisedShares(own, 0.5)),
  });
  expect(tuned.divergence.after).toBeLessThan(0.6 * tuned.divergence.before);
  expect(tuned.heldOut!.after).toBeLessThan(tuned.heldOut!.before);
  const after = vectorRetriever("tuned", passages, vectors, (questions) => {
    return Promise.resolve(adaptedQueries(tuned, wordVectors(questions)));
  });
  const [before, now] = await Promise.all(
    [base, after].map(async (search) => hitsOf(await withRetrieved(test!, search, CANDIDATES))!),
  );
  expect(now!.hitAt1).toBeGreaterThan(before!.hitAt1);
  expect(now!.mrr).toBeGreaterThan(before!.mrr);
});
