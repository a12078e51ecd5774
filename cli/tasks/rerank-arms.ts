import { join } from "node:path";
import { cohereRows, writeCohereRows, type CohereMethod } from "../../src/domain/data/mining/cohere-rows.ts";
import { withInBatchNegatives } from "../../src/domain/data/mining/in-batch.ts";
import { candidatesOf, type CandidateScores } from "../../src/domain/eval/candidates.ts";
import type { JudgedVectors } from "../../src/domain/eval/evaluate.ts";
import { armFigures, keptRanks, type ArmFigures } from "../../src/domain/eval/rerank-arms.ts";
import { readRerankPairs } from "../../src/domain/formats/rerank-pairs.ts";
import type { CrossEncoderModel } from "../../src/domain/models/encoder-model.ts";
import { openCrossEncoderRun } from "../../src/domain/recipes/cross-encoder/cross-encoder.ts";
import { scoreCandidates } from "../../src/domain/recipes/cross-encoder/rerank.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { inJob } from "../job.ts";
import { loadDataset, type LoadedDataset } from "../job-data.ts";
import { armsTraining, type RerankArmsJob } from "../job-mining.ts";
import { chooseBackend } from "../ports/backend.ts";
import { readBytes, sha256, writeWhole } from "../ports/files.ts";
import { ProgressLine } from "../ports/progress.ts";
import { searchBy, vectorsBy } from "../run/mining.ts";
import type { RunFolder } from "../run/output.ts";
import { pull } from "../run/pull.ts";
import { backendFacts } from "../run/record.ts";
import { versionsOf } from "../run/versions.ts";
import { startModel } from "./models.ts";

/** Wrong texts for each right one where the file has none: a re-ranker cannot learn from right texts alone. */
const IN_BATCH = 1;

const TRAINED: readonly (readonly [name: string, method: CohereMethod])[] = [
  ["no negatives", "none"],
  ["random", "random"],
  ["mined", "cosine"],
];

type Ranks = readonly (number | null)[];

interface Arm extends ArmFigures {
  readonly name: string;
  readonly file?: string; // what it was trained on
  readonly pairs?: number;
  readonly seconds?: number; // of training
}

/** What all arms share. */
interface Ground {
  readonly job: RerankArmsJob;
  readonly root: string;
  readonly out: string;
  readonly train: LoadedDataset;
  readonly trainVectors: JudgedVectors;
  readonly test: LoadedDataset;
  readonly candidates: readonly Uint32Array[];
  readonly none: Ranks;
  readonly backend: Backend;
}

/**
 * The five arms of LlamaIndex's experiment with Cohere's service, by a re-ranker of our own on the same files: no re-ranker,
 * the base one, and it trained with no, random and mined negatives. DIR/run.json has MRR and hit rate with intervals.
 */
export async function runRerankArmsJob(
  job: RerankArmsJob,
  folder: RunFolder,
  root: string,
): Promise<{ record: object; summary: string }> {
  const train = await loadDataset(job.train, "train");
  const test = await loadDataset(job.validation, "validation");
  const { backend, reason } = await chooseBackend(job.backend, root, job.threads);
  try {
    const ground = await layGround(job, root, folder, { train, test, backend });
    const { arms, notes } = await runArms(ground);
    const hashes = {
      job: sha256(await readBytes(job.file)),
      train: train.hash,
      validation: test.hash,
    };
    const { retrieve, keep, negatives, mode } = job;
    const questions = { train: train.dataset.queries.length, validation: test.dataset.queries.length };
    const record = {
      ...{ task: job.task, retrieve, keep, negatives, mode, questions, arms, notes },
      ...backendFacts(backend, reason),
      versions: versionsOf(root, true),
      hashes,
    };
    return { record, summary: summaryOf(arms, job.keep, notes) };
  } finally {
    backend.dispose();
  }
}

async function layGround(
  job: RerankArmsJob,
  root: string,
  folder: RunFolder,
  { train, test, backend }: Pick<Ground, "train" | "test" | "backend">,
): Promise<Ground> {
  const by = (loaded: LoadedDataset, label: string): Promise<JudgedVectors> =>
    vectorsBy(job, "retriever", root, loaded, { model: job.retriever, instruction: "", label });
  const trainVectors = await by(train, "train");
  const search = searchBy(test.dataset, job.search, await by(test, "validation"));
  const { queries, passages } = test.dataset;
  const retrieved = search.score(queries.map((_, index) => index));
  const depth = Math.min(job.retrieve, passages.length);
  const candidates = candidatesOf(test.dataset, retrieved, { depth, forceGold: false });
  const none = keptRanks(test.dataset, candidates, null, job.keep);
  await folder.begin();
  return { job, root, out: folder.path, train, trainVectors, test, candidates, none, backend };
}

async function runArms(ground: Ground): Promise<{ readonly arms: Arm[]; readonly notes: readonly string[] }> {
  const { job, root, test, none } = ground;
  const arms: Arm[] = [{ name: "no re-ranker", ...armFigures(test.dataset, none, null, job.seed) }];
  const ranks: Record<string, Ranks> = { "no re-ranker": none };
  const base = await baseModel(ground);
  const add = (name: string, scores: CandidateScores, facts: Partial<Arm>): void => {
    const own = keptRanks(test.dataset, ground.candidates, scores, job.keep);
    ranks[name] = own;
    arms.push({ name, ...facts, ...armFigures(test.dataset, own, none, job.seed) });
  };
  if (base) add("base", await scoresOf(ground, base), {});
  const start = await startModel(root, job);
  for (const [name, method] of TRAINED) {
    const { model, ...facts } = await trainedArm(ground, start, method);
    add(name, await scoresOf(ground, model), facts);
  }
  const rows = test.dataset.queries.map(({ id }, index) =>
    JSON.stringify({
      query: id,
      ranks: Object.fromEntries(arms.map(({ name }) => [name, ranks[name]![index]])),
    }),
  );
  await writeWhole(join(ground.out, "questions.jsonl"), rows.map((row) => `${row}\n`).join(""));
  const missing = `No base arm: ${start.name} is an encoder, which re-ranks nothing before it is trained. Name one in "base".`;
  const batch = `Without negatives in its file an arm learns from ${IN_BATCH} right text of another question beside each right one.`;
  return { arms, notes: [...(base ? [] : [missing]), batch] };
}

async function baseModel({ job, root }: Ground): Promise<CrossEncoderModel | null> {
  const named = job.base === undefined ? job : { file: job.file, model: job.base };
  const model = await startModel(root, named);
  return "pooling" in model ? null : model;
}

/** Writes the file, reads it back and trains on it, as whoever gets the file would. */
async function trainedArm(
  { job, out, train, trainVectors, backend }: Ground,
  model: Awaited<ReturnType<typeof startModel>>,
  method: CohereMethod,
): Promise<{
  readonly model: CrossEncoderModel;
  readonly file: string;
  readonly pairs: number;
  readonly seconds: number;
}> {
  const { mode, seed, negatives } = job;
  const rows = cohereRows(train.dataset, { method, negatives, mode, seed }, trainVectors);
  const file = `arm-${method}.jsonl`;
  const text = writeCohereRows(rows);
  await writeWhole(join(out, file), text);
  const data = withInBatchNegatives(readRerankPairs(text, file), IN_BATCH, seed);
  const started = performance.now();
  const settings = armsTraining(job);
  const run = await inJob(job, undefined, () =>
    openCrossEncoderRun(backend, { model, train: data, settings }),
  );
  try {
    const trained = await pull(run);
    const pairs = data.queries.reduce((sum, { candidates }) => sum + candidates.length, 0);
    return { model: trained.model, file, pairs, seconds: (performance.now() - started) / 1000 };
  } finally {
    run.dispose();
  }
}

async function scoresOf(
  { test, candidates, backend }: Ground,
  model: CrossEncoderModel,
): Promise<CandidateScores> {
  const line = new ProgressLine("re-ranking");
  const scores = await scoreCandidates(backend, model, test.dataset, candidates, { onProgress: line.show });
  line.finish(`${candidates.length} questions`);
  return scores;
}

function summaryOf(arms: readonly Arm[], keep: number, notes: readonly string[]): string {
  const shown = ({ value, low, high }: Arm["mrr"]): string =>
    `${value.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`.padEnd(26);
  const rows = arms.map(({ name, mrr, hitRate, gain }) =>
    `${name.padEnd(14)}${shown(mrr)}${shown(hitRate)}${gain ? gain.verdict : ""}`.trimEnd(),
  );
  const head = `${"".padEnd(14)}${`MRR@${keep}`.padEnd(26)}${`hit@${keep}`.padEnd(26)}against none`;
  return [head, ...rows, ...notes].map((line) => `${line}\n`).join("");
}
