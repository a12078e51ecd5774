import { join } from "node:path";
import type { LabExample, LabTask } from "../../src/domain/lab/lab-task.ts";
import type { PassageRetriever } from "../../src/domain/lab/passage-retriever.ts";
import { raditTask, withRetrieved } from "../../src/domain/lab/radit/radit.ts";
import type { RaditExample } from "../../src/domain/lab/radit/radit-example.ts";
import type { RaditTable } from "../../src/domain/lab/radit/radit-table.ts";
import {
  openSearch,
  passagesOfRows,
  RETRIEVAL_DEFAULTS,
  retrievalFigures,
  retrievalTable,
  scoredCandidates,
  type PassageSearch,
} from "../../src/domain/lab/radit/retrieval-tuning.ts";
import {
  tuneRetriever,
  type RetrieverData,
  type TunedRetriever,
} from "../../src/domain/lab/radit/tune-retriever.ts";
import type { Backend } from "../../src/engine/backend.ts";
import type { LabJob } from "../job-lab.ts";
import { saveAdapterFolder } from "../ports/adapters.ts";
import { LikelihoodFile } from "../ports/likelihoods.ts";
import { ProgressLine } from "../ports/progress.ts";
import { openEmbedding, passagesOf } from "../ports/retriever.ts";
import type { LabData } from "../run/lab-data.ts";
import { plainSystem, type Asked, type LabSystem } from "./lab-system.ts";

/** RA-DIT: the model learns over what the retriever brings, then the retriever by what the model says of it. */
export async function retrievalTuning(job: LabJob, root: string): Promise<LabSystem> {
  const embedding = await openEmbedding(job, root);
  const further = await passagesOf(job.passages);
  const topK = job.topK ?? RETRIEVAL_DEFAULTS.topK;
  let search: PassageSearch | undefined;
  let tuned: TunedRetriever | undefined;
  return {
    ...plainSystem(raditTask()),
    async prepared(data) {
      const rows = [data.train, data.look, data.test].flat() as readonly LabExample[];
      search = await openSearch(embedding, passagesOfRows(rows as readonly RaditExample[], further));
      return withPassages(data, search.retriever, topK);
    },
    async further(asked) {
      const learnt = await tuneBy(job, root, search!, asked);
      tuned = learnt.tuned;
      return report(job, search!, asked, learnt, topK);
    },
    async write(out) {
      if (tuned) await saveAdapterFolder(join(out, "llamaindex"), tuned);
    },
    close: () => embedding.close(),
  };
}

async function withPassages(data: LabData, retriever: PassageRetriever, count: number): Promise<LabData> {
  const over = (rows: readonly LabExample[]): Promise<readonly LabExample[]> =>
    withRetrieved(rows as readonly RaditExample[], retriever, count);
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

async function tuneBy(
  job: LabJob,
  root: string,
  search: PassageSearch,
  { data, pair, backend, tunedHash }: Asked,
): Promise<Learnt> {
  const started = performance.now();
  const cache = await LikelihoodFile.open(root, tunedHash);
  const line = new ProgressLine("scoring passages");
  const rows = data.train as readonly RaditExample[];
  const control = { onProgress: line.show };
  const found = await scoredCandidates(pair.tuned!, tunedHash, search, rows, job.retrieval, cache, control);
  await cache.save();
  line.finish(`${found.scored} passages`);
  const tuned = await trained(job, backend, found.data);
  return { tuned, scored: found.scored, seconds: (performance.now() - started) / 1000 };
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
  { seed, maxNewTokens }: LabJob,
  search: PassageSearch,
  { data, pair, arms, task }: Asked,
  { tuned, seconds, scored }: Learnt,
  topK: number,
): Promise<{ readonly record: object; readonly summary: string }> {
  const examples = data.test as readonly RaditExample[];
  const line = new ProgressLine("asking over the tuned retriever");
  const table = await retrievalTable(search, tuned, {
    ...{ task: task as LabTask<RaditExample>, examples, topK },
    models: { base: pair.base, tuned: pair.tuned! },
    answers: { base: arms["base"]!, tuned: arms["tuned"]! },
    settings: { seed, ...(maxNewTokens === undefined ? {} : { maxNewTokens }) },
  });
  line.finish(`${examples.length} rows`);
  const retrieval = retrievalFigures(search, tuned, { scored, seconds });
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
