import { join } from "node:path";
import type { LabExample, LabTask } from "../../src/domain/lab/lab-task.ts";
import {
  distinctTexts,
  vectorRetriever,
  type PassageRetriever,
} from "../../src/domain/lab/passage-retriever.ts";
import { raditTask, withRetrieved } from "../../src/domain/lab/radit/radit.ts";
import type { RaditExample } from "../../src/domain/lab/radit/radit-example.ts";
import { raditTable, type RaditTable } from "../../src/domain/lab/radit/radit-table.ts";
import { answerLikelihoods, supervisedShares } from "../../src/domain/lab/radit/supervision.ts";
import {
  adaptedQueries,
  tuneRetriever,
  type RetrieverData,
  type TunedRetriever,
} from "../../src/domain/lab/radit/tune-retriever.ts";
import type { Backend } from "../../src/engine/backend.ts";
import type { Matrix } from "../../src/domain/matrix.ts";
import type { LabJob } from "../job-lab.ts";
import { saveAdapterFolder } from "../ports/adapters.ts";
import { LikelihoodFile } from "../ports/likelihoods.ts";
import { ProgressLine } from "../ports/progress.ts";
import { embeddedRetriever, openEmbedding, passagesOf, type Embedding } from "../ports/retriever.ts";
import type { LabData } from "../run/lab-data.ts";
import { plainSystem, type Asked, type LabSystem } from "./lab-system.ts";

const TOP_K = 4; // passages of a question that are learnt from, one by one
const CANDIDATES = 8; // passages of a question that the model scores
const TEMPERATURE = 1; // τ of p_LSR, in nats a token

interface Search {
  readonly passages: readonly string[];
  readonly vectors: Matrix;
  readonly retriever: PassageRetriever;
}

/** RA-DIT: the model learns over what the retriever brings, then the retriever by what the model says of it. */
export async function retrievalTuning(job: LabJob, root: string): Promise<LabSystem> {
  const embedding = await openEmbedding(job, root);
  const further = await passagesOf(job.passages);
  let search: Search | undefined;
  let tuned: TunedRetriever | undefined;
  return {
    ...plainSystem(raditTask()),
    async prepared(data) {
      search = await searchOver(embedding, data, further);
      return withPassages(data, search.retriever, job.topK ?? TOP_K);
    },
    async further(asked) {
      const learnt = await tuneBy(job, root, embedding, search!, asked);
      tuned = learnt.tuned;
      return report(job, embedding, search!, asked, learnt);
    },
    async write(out) {
      if (tuned) await saveAdapterFolder(join(out, "llamaindex"), tuned);
    },
    close: () => embedding.close(),
  };
}

async function searchOver(embedding: Embedding, data: LabData, further: readonly string[]): Promise<Search> {
  const rows = [data.train, data.look, data.test].flat() as readonly LabExample[] as readonly RaditExample[];
  const passages = distinctTexts([...rows.flatMap(({ contexts }) => contexts), ...further]);
  return { passages, ...(await embeddedRetriever(embedding, passages)) };
}

async function withPassages(data: LabData, retriever: PassageRetriever, count: number): Promise<LabData> {
  const over = (rows: readonly LabExample[]): Promise<readonly LabExample[]> =>
    rows.length === 0
      ? Promise.resolve(rows)
      : withRetrieved(rows as readonly RaditExample[], retriever, count);
  return {
    ...data,
    train: await over(data.train),
    look: await over(data.look),
    test: await over(data.test),
    replay: await over(data.replay),
  };
}

interface Learnt {
  readonly tuned: TunedRetriever;
  readonly seconds: number;
  readonly scored: number; // pairs of question and passage
}

/** Candidates are what the retriever brings and what the row brings; the tuned model scores them. */
async function tuneBy(
  job: LabJob,
  root: string,
  embedding: Embedding,
  { passages, vectors, retriever }: Search,
  { data, pair, backend, tunedHash }: Asked,
): Promise<Learnt> {
  const started = performance.now();
  const { candidates: count = CANDIDATES, temperature = TEMPERATURE } = job.retrieval ?? {};
  const rows = await withRetrieved(data.train as readonly RaditExample[], retriever, count);
  const places = new Map(passages.map((text, place) => [text, place]));
  const candidates = rows.map(({ retrieved, contexts }) => {
    const own = contexts.flatMap((text) => places.get(text) ?? []);
    return [...new Set([...retrieved.map(({ place }) => place), ...own])];
  });
  const cache = await LikelihoodFile.open(root, tunedHash);
  const line = new ProgressLine("scoring passages");
  const asked = rows.map((example, row) => {
    return { example, passages: candidates[row]!.map((place) => passages[place]!) };
  });
  const control = { onProgress: line.show };
  const likelihoods = await answerLikelihoods(pair.tuned!, tunedHash, asked, cache, control);
  await cache.save();
  const scored = candidates.reduce((sum, own) => sum + own.length, 0);
  line.finish(`${scored} passages`);
  const targets = likelihoods.map((own) => supervisedShares(own, temperature));
  const queries = await embedding.questions(rows.map(({ question }) => question));
  const retrieverData: RetrieverData = { queries, passages: vectors, candidates, targets };
  const tuned = await trained(job, backend, retrieverData);
  return { tuned, scored, seconds: (performance.now() - started) / 1000 };
}

async function trained(job: LabJob, backend: Backend, data: RetrieverData): Promise<TunedRetriever> {
  const { retrieverTemperature, epochs, learningRate } = job.retrieval ?? {};
  const settings = {
    seed: job.seed,
    ...(retrieverTemperature === undefined ? {} : { temperature: retrieverTemperature }),
    ...(epochs === undefined ? {} : { epochs }),
    ...(learningRate === undefined ? {} : { learningRate }),
  };
  const line = new ProgressLine("tuning the retriever");
  const tuned = await tuneRetriever(backend, data, settings, { onProgress: line.show });
  const { before, after } = tuned.divergence;
  line.finish(`KL ${before.toFixed(4)} → ${after.toFixed(4)}`);
  return tuned;
}

/** The table of both retrievers and both models, and what became of the retriever. */
async function report(
  job: LabJob,
  embedding: Embedding,
  { passages, vectors }: Search,
  { data, pair, arms, task }: Asked,
  { tuned, seconds, scored }: Learnt,
): Promise<{ readonly record: object; readonly summary: string }> {
  const base = data.test as readonly RaditExample[];
  const adapted = vectorRetriever("tuned", passages, vectors, async (questions) => {
    return adaptedQueries(tuned, await embedding.questions(questions));
  });
  const rows = { base, tuned: await withRetrieved(base, adapted, job.topK ?? TOP_K) };
  const { maxNewTokens } = job;
  const settings = { seed: job.seed, ...(maxNewTokens === undefined ? {} : { maxNewTokens }) };
  const known = (["base", "tuned"] as const).map((model) => ({
    ...{ retriever: "base" as const, model, answers: arms[model]! },
  }));
  const models = { base: pair.base, tuned: pair.tuned! };
  const line = new ProgressLine("asking over the tuned retriever");
  const table = await raditTable(task as LabTask<RaditExample>, rows, models, settings, known);
  line.finish(`${base.length} rows`);
  const { divergence, heldOut, epoch, losses } = tuned;
  const retrieval = {
    ...{ retriever: embedding.name, passages: passages.length, scored, seconds },
    ...{ divergence, heldOut, epoch, losses },
  };
  return { record: { retrieval, table: table.cells, hits: table.hits }, summary: tableText(table) };
}

function tableText({ cells, hits }: RaditTable): string {
  const number = (value: number | undefined): string => (value === undefined ? "–" : value.toFixed(4));
  const lines = cells.map(({ retriever, model, figures }) => {
    const { exactMatch, tokenF1 } = figures;
    const hit = hits[retriever]?.hitAt1;
    return `${retriever.padEnd(10)} ${model.padEnd(7)} ${number(exactMatch)}  ${number(tokenF1)}  ${number(hit)}`;
  });
  return ["retriever  model   exact   F1      hit@1", ...lines].map((line) => `${line}\n`).join("");
}
