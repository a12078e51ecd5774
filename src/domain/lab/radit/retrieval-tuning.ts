// RA-DIT's retriever half (arXiv 2310.01352, §2.4) over any embedding: the tuned model says of each candidate passage how much it
// helps to answer, p_LSR of supervision.ts, and a query adapter learns to rank by it, L of retriever-loss.ts. Vectors of passages
// stay as they are.
import type { LanguageModel } from "../../generate/language-model.ts";
import type { Matrix } from "../../matrix.ts";
import type { RunControl } from "../../ports.ts";
import type { LabAnswer, LabSettings, LabTask } from "../lab-task.ts";
import { distinctTexts, vectorRetriever, type PassageRetriever } from "../passage-retriever.ts";
import { withRetrieved } from "./radit.ts";
import type { RaditExample } from "./radit-example.ts";
import { raditTable, type RaditSide, type RaditTable } from "./radit-table.ts";
import { answerLikelihoods, supervisedShares, type LikelihoodCache } from "./supervision.ts";
import { adaptedQueries, type RetrieverData, type TunedRetriever } from "./tune-retriever.ts";
import { wordVectors } from "./word-vectors.ts";

/** What holds where a job says nothing else. */
export const RETRIEVAL_DEFAULTS = {
  topK: 4, // passages of a question that are learnt from, one by one
  candidates: 8, // passages of a question that the model scores
  temperature: 0.5, // τ of p_LSR, in nats a token; at 1 the sample reaches hit@1 0.66 in 20 epochs, at 0.5 it reaches 0.76
} as const;

/** What turns questions and passages into vectors. */
export interface TextEmbedding {
  readonly name: string;
  passages(texts: readonly string[]): Promise<Matrix>;
  questions(texts: readonly string[]): Promise<Matrix>;
}

/** Words hashed onto dimensions: what there is without an encoder. */
export const WORD_EMBEDDING: TextEmbedding = {
  name: "words",
  passages: (texts) => Promise.resolve(wordVectors(texts)),
  questions: (texts) => Promise.resolve(wordVectors(texts)),
};

/** Passages, their vectors, and the search over them as it was before tuning. */
export interface PassageSearch {
  readonly embedding: TextEmbedding;
  readonly passages: readonly string[];
  readonly vectors: Matrix; // [N, D]
  readonly retriever: PassageRetriever;
}

export async function openSearch(
  embedding: TextEmbedding,
  passages: readonly string[],
): Promise<PassageSearch> {
  const vectors = await embedding.passages(passages);
  const retriever = vectorRetriever(embedding.name, passages, vectors, (questions) =>
    embedding.questions(questions),
  );
  return { embedding, passages, vectors, retriever };
}

/** All that rows bring to be searched, and further passages that are given beside them. */
export function passagesOfRows(
  rows: readonly RaditExample[],
  further: readonly string[] = [],
): readonly string[] {
  return distinctTexts([...rows.flatMap(({ contexts }) => contexts), ...further]);
}

export interface ScoredCandidates {
  readonly data: RetrieverData;
  readonly scored: number; // pairs of question and passage
}

/**
 * Candidates of each question are what the search brings and what the row brings; the model scores them. `modelHash` identifies
 * its weights in the cache. Rejects with "cancelled".
 */
export async function scoredCandidates(
  model: LanguageModel,
  modelHash: string,
  { embedding, passages, vectors, retriever }: PassageSearch,
  examples: readonly RaditExample[],
  settings: { readonly candidates?: number | undefined; readonly temperature?: number | undefined } = {},
  cache?: LikelihoodCache,
  control?: RunControl,
): Promise<ScoredCandidates> {
  const { candidates: count = RETRIEVAL_DEFAULTS.candidates, temperature = RETRIEVAL_DEFAULTS.temperature } =
    settings;
  const rows = await withRetrieved(examples, retriever, count);
  const places = new Map(passages.map((text, place) => [text, place]));
  const candidates = rows.map(({ retrieved, contexts }) => {
    const own = contexts.flatMap((text) => places.get(text) ?? []);
    return [...new Set([...retrieved.map(({ place }) => place), ...own])];
  });
  const asked = rows.map((example, row) => {
    return { example, passages: candidates[row]!.map((place) => passages[place]!) };
  });
  const likelihoods = await answerLikelihoods(model, modelHash, asked, cache, control);
  const targets = likelihoods.map((own) => supervisedShares(own, temperature));
  const queries = await embedding.questions(rows.map(({ question }) => question));
  const scored = candidates.reduce((sum, own) => sum + own.length, 0);
  return { data: { queries, passages: vectors, candidates, targets }, scored };
}

/** The same passages, searched through the tuned adapter. */
export function adaptedSearch(
  { embedding, passages, vectors }: PassageSearch,
  tuned: TunedRetriever,
): PassageRetriever {
  return vectorRetriever("tuned", passages, vectors, async (questions) => {
    return adaptedQueries(tuned, await embedding.questions(questions));
  });
}

/** What is asked for the table, and what both models said already over the search as it was. */
export interface TableGround {
  readonly task: LabTask<RaditExample>;
  readonly examples: readonly RaditExample[]; // with what the search brought before tuning
  readonly models: Readonly<Record<RaditSide, LanguageModel>>;
  readonly answers: Readonly<Record<RaditSide, readonly LabAnswer[]>>;
  readonly settings: LabSettings & { readonly seed: number };
  readonly topK: number;
}

/** Both models over both searches. */
export async function retrievalTable(
  search: PassageSearch,
  tuned: TunedRetriever,
  { task, examples, models, answers, settings, topK }: TableGround,
  control?: RunControl,
): Promise<RaditTable> {
  const rows = {
    base: examples,
    tuned: await withRetrieved(examples, adaptedSearch(search, tuned), topK),
  };
  const known = (["base", "tuned"] as const).map((model) => {
    return { retriever: "base" as const, model, answers: answers[model] };
  });
  return raditTable(task, rows, models, settings, known, control);
}

/** Plain figures of the half, as results and run.json hold them. */
export interface RetrievalFigures extends Pick<
  TunedRetriever,
  "divergence" | "heldOut" | "epoch" | "losses"
> {
  readonly retriever: string; // name of the embedding
  readonly passages: number;
  readonly scored: number; // pairs of question and passage
  readonly seconds: number;
}

export function retrievalFigures(
  { embedding, passages }: Pick<PassageSearch, "embedding" | "passages">,
  { divergence, heldOut, epoch, losses }: TunedRetriever,
  { scored, seconds }: Pick<RetrievalFigures, "scored" | "seconds">,
): RetrievalFigures {
  return {
    ...{ retriever: embedding.name, passages: passages.length, scored, seconds },
    ...{ divergence, heldOut, epoch, losses },
  };
}
