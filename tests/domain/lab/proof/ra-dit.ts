import { openLanguageModel } from "../../../../src/domain/generate/open-language-model.ts";
import { distinctTexts, vectorRetriever } from "../../../../src/domain/lab/passage-retriever.ts";
import { raditTask, withRetrieved } from "../../../../src/domain/lab/radit/radit.ts";
import { hitsOf, type RetrieverHits } from "../../../../src/domain/lab/radit/radit-table.ts";
import { answerLikelihoods, supervisedShares } from "../../../../src/domain/lab/radit/supervision.ts";
import { adaptedQueries, tuneRetriever } from "../../../../src/domain/lab/radit/tune-retriever.ts";
import { wordVectors } from "../../../../src/domain/lab/radit/word-vectors.ts";
import type { DecoderModel } from "../../../../src/domain/models/decoder-model.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { sample } from "./nano.ts";

const CANDIDATES = 4;
const TEMPERATURE = 0.5; // of the model's shares, in nats a token

export interface RaditProof {
  readonly divergence: { readonly before: number; readonly after: number }; // mean KL over the training questions
  readonly before: RetrieverHits; // on questions that were held out
  readonly after: RetrieverHits;
}

/** The retriever's half: a query adapter over hashed words, tuned by what the decoder says of the passages. */
export async function retrieverProof(
  backend: Backend,
  base: DecoderModel,
  rows: number,
  epochs: number,
): Promise<RaditProof> {
  const task = raditTask();
  const [train, test] = [sample(task, "train").slice(0, rows), sample(task, "test")];
  const passages = distinctTexts([...train, ...test].flatMap(({ contexts }) => contexts));
  const [vectors, places] = [wordVectors(passages), new Map(passages.map((text, place) => [text, place]))];
  const candidates = train.map(({ contexts }) =>
    contexts.slice(0, CANDIDATES).map((text) => places.get(text)!),
  );
  const model = await openLanguageModel(backend, { ...base, trace: { frozen: "f32" } });
  const scored = train.map((example, row) => {
    return { example, passages: candidates[row]!.map((place) => passages[place]!) };
  });
  const likelihoods = await answerLikelihoods(model, base.name, scored);
  model.dispose();
  const targets = likelihoods.map((own) => supervisedShares(own, TEMPERATURE));
  const queries = wordVectors(train.map(({ question }) => question));
  const data = { queries, passages: vectors, candidates, targets };
  const tuned = await tuneRetriever(backend, data, { epochs, seed: 0 });
  const searched = async (adapted: boolean): Promise<RetrieverHits> => {
    const retriever = vectorRetriever("words", passages, vectors, (questions) => {
      const own = wordVectors(questions);
      return Promise.resolve(adapted ? adaptedQueries(tuned, own) : own);
    });
    return hitsOf(await withRetrieved(test, retriever, CANDIDATES))!;
  };
  return { divergence: tuned.divergence, before: await searched(false), after: await searched(true) };
}
