import * as v from "valibot";
import { hasOwnNegatives, negativesById, negativesOf } from "../../src/domain/data/negatives.ts";
import type { MiningSettings } from "../../src/domain/data/mining/settings.ts";
import { rightPassages, type Dataset } from "../../src/domain/data/dataset.ts";
import type { EncoderData } from "../../src/domain/recipes/encoder/encoder-job.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import type { LoadedDataset } from "../job-data.ts";
import { miningSettings } from "../job-mining.ts";
import type { CrossEncoderTuningJob, EncoderTuningJob } from "../job-tuned.ts";
import { readText } from "../ports/files.ts";
import { mineForJob, searchBy, vectorsBy } from "../run/mining.ts";

const row = v.union([
  v.string(),
  v.strictObject({ passage: v.string(), score: v.pipe(v.number(), v.finite()) }),
]);
const schema = v.record(v.string(), v.array(row));

type GivenNegatives = Pick<EncoderData, "negatives" | "teacher">;

/** The negatives of an encoder's job: those of its file, else the dataset's own, and mined ones where it asks for them. */
export async function encoderNegatives(
  job: EncoderTuningJob,
  root: string,
  loaded: LoadedDataset,
): Promise<GivenNegatives> {
  requireOneSource(job);
  const { dataset } = loaded;
  if (job.negatives !== undefined) return readNegatives(job.negatives, dataset);
  if (job.mining === undefined) {
    return hasOwnNegatives(dataset) ? { negatives: negativesById(dataset, negativesOf(dataset, null)) } : {};
  }
  const instruction = job.queryInstruction ?? "";
  const vectors = await vectorsBy(job, "model", root, loaded, {
    model: job.model,
    instruction,
    label: "train",
  });
  const settings = miningSettings(job.mining, job.seed);
  const mined = await mineForJob(job, root, dataset, searchBy(dataset, "hybrid", vectors), { settings });
  return {
    negatives: negativesById(
      dataset,
      negativesOf(dataset, () => mined),
    ),
  };
}

/** A re-ranker's dataset with the negatives of its job's file as the questions' own. */
export async function withFileNegatives(job: CrossEncoderTuningJob, dataset: Dataset): Promise<Dataset> {
  requireOneSource(job);
  if (job.negatives === undefined) return dataset;
  const { negatives = {} } = await readNegatives(job.negatives, dataset);
  const queries = dataset.queries.map((query) => {
    const own = negatives[query.id];
    return own ? { ...query, negatives: own } : query;
  });
  return { ...dataset, queries };
}

/** How a re-ranker's job mines where a question has no negatives of its own; undefined: as by default. */
export function jobMining(job: CrossEncoderTuningJob): MiningSettings | undefined {
  return job.mining && miningSettings(job.mining, job.seed);
}

function requireOneSource({ file, negatives, mining }: CrossEncoderTuningJob | EncoderTuningJob): void {
  if (negatives === undefined || mining === undefined) return;
  const text = `${file}: fields "negatives" and "mining" exclude each other; name a file or how to mine`;
  throw new RetuneError("usage", text, { file });
}

/**
 * Negatives and a re-ranker's scores of a training file: {question id: [passage id | {"passage", "score"}]}. A passage that
 * answers the question gives only its score. Throws "usage" for another form, E_REFERENCE for an unknown id.
 */
async function readNegatives(file: string, { queries, passages }: Dataset): Promise<GivenNegatives> {
  const parsed = v.safeParse(schema, parse(file, await readText(file, "negatives")));
  if (!parsed.success) {
    const text = `${file} (field "negatives") must be {"question id": ["passage id" or {"passage", "score"}, …], …}`;
    throw new RetuneError("usage", text, { file });
  }
  const known = new Set(passages.map(({ id }) => id));
  const right = new Map(queries.map((query) => [query.id, rightPassages(query)]));
  const negatives: Record<string, string[]> = {};
  const teacher: Record<string, Record<string, number>> = {};
  for (const [query, rows] of Object.entries(parsed.output)) {
    const positives = right.get(query);
    if (!positives) throw unknownId(file, `question ${query}`);
    for (const given of rows) {
      const passage = typeof given === "string" ? given : given.passage;
      if (!known.has(passage)) throw unknownId(file, `passage ${passage} of question ${query}`);
      if (!positives.has(passage)) (negatives[query] ??= []).push(passage);
      if (typeof given !== "string") (teacher[query] ??= {})[passage] = given.score;
    }
  }
  return { negatives, ...(Object.keys(teacher).length > 0 ? { teacher } : {}) };
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RetuneError("usage", `${file} (field "negatives") is no JSON: ${String(error)}`, { file });
  }
}

function unknownId(file: string, what: string): RetuneError {
  return new RetuneError("E_REFERENCE", `${file}: ${what} is not in the training file`, { file });
}
