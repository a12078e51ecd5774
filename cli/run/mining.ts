import { dirname } from "node:path";
import {
  denseSearch,
  hybridSearch,
  lexicalSearch,
  type PassageSearch,
} from "../../src/domain/data/mining/passage-search.ts";
import { mineInBlocks, type MinedPreview, type PairScores } from "../../src/domain/data/negatives.ts";
import { usesThresholds, type MiningSettings } from "../../src/domain/data/mining/settings.ts";
import type { Dataset } from "../../src/domain/data/dataset.ts";
import type { JudgedVectors } from "../../src/domain/eval/evaluate.ts";
import { EQUAL_WEIGHTS, fusionOf } from "../../src/domain/eval/fusion.ts";
import { openPairScorer, shownScore } from "../../src/domain/models/score-pairs.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import { inJob } from "../job.ts";
import type { LoadedDataset } from "../job-data.ts";
import { chooseBackend } from "../ports/backend.ts";
import { openEncoder } from "../ports/encoder.ts";
import { ProgressLine } from "../ports/progress.ts";
import { startModel } from "../tasks/models.ts";
import { embedSet } from "./inputs.ts";

/** What of a job mining needs. */
export interface MiningGroundJob {
  readonly file: string;
  readonly backend?: "webgpu" | "cpu";
  readonly threads?: number;
}

export type SearchKind = "hybrid" | "dense" | "bm25";

/** Vectors of a dataset by a job's model, through the cache. */
export async function vectorsBy(
  job: MiningGroundJob,
  field: string,
  root: string,
  loaded: LoadedDataset,
  {
    model,
    instruction,
    label,
  }: { readonly model: string; readonly instruction: string; readonly label: string },
): Promise<JudgedVectors> {
  const encoder = await inJob(job, field, () => openEncoder(root, model, dirname(job.file)));
  try {
    return await embedSet(root, encoder, loaded, { instruction, label });
  } finally {
    await encoder.close();
  }
}

/** The first search of a dataset; `vectors` only where it is not by words alone. */
export function searchBy(dataset: Dataset, kind: SearchKind, vectors: JudgedVectors | null): PassageSearch {
  if (kind === "bm25" || !vectors) return lexicalSearch(dataset);
  const dense = denseSearch(vectors);
  return kind === "dense" ? dense : hybridSearch(dense, lexicalSearch(dataset), fusionOf(EQUAL_WEIGHTS));
}

/** Mines with one line of progress; a cross-encoder is opened only where thresholds ask for its scores. */
export async function mineForJob(
  job: MiningGroundJob,
  root: string,
  dataset: Dataset,
  search: PassageSearch,
  {
    settings,
    crossEncoder,
  }: { readonly settings: MiningSettings; readonly crossEncoder?: string | undefined },
): Promise<MinedPreview> {
  const line = new ProgressLine("mining");
  const scored = crossEncoder !== undefined && usesThresholds(settings);
  const rescorer = scored ? await rescorerOf(job, root, dataset, crossEncoder) : null;
  try {
    const found = await inJob(job, "mining", () =>
      mineInBlocks(dataset, search, settings, rescorer?.score ?? null, { onProgress: line.show }),
    );
    const { mined, random, questions } = found.report;
    line.finish(`${mined} near misses and ${random} random ones for ${questions} questions`);
    return found;
  } finally {
    rescorer?.dispose();
  }
}

async function rescorerOf(
  job: MiningGroundJob,
  root: string,
  { queries, passages }: Dataset,
  crossEncoder: string,
): Promise<{ readonly score: PairScores; dispose(): void }> {
  const model = await startModel(root, { file: job.file, model: crossEncoder });
  if ("pooling" in model) {
    const text = `${job.file}: field "crossEncoder" names ${model.name}, which is no cross-encoder`;
    throw new RetuneError("usage", text, { file: job.file });
  }
  const { backend } = await chooseBackend(job.backend, root, job.threads);
  const scorer = await openPairScorer(backend, model);
  return {
    score: async (pairs, control) => {
      const texts = pairs.map(([q, p]) => [queries[q]!.text, passages[p]!.text] as const);
      return (await scorer.score(texts, control)).map((logit) => shownScore(model, logit));
    },
    dispose: () => {
      scorer.dispose();
      backend.dispose();
    },
  };
}
