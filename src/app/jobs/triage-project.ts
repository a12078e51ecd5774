import { groupsOf } from "../../domain/data/dataset.ts";
import type { TriageReport } from "../../domain/eval/advice-types.ts";
import { layTriage, type TriageGround } from "../../domain/eval/triage-ground.ts";
import { rerankSample, triageReport } from "../../domain/eval/triage.ts";
import type { TriageSettings } from "../../domain/eval/triage.ts";
import { scoreCandidates } from "../../domain/recipes/cross-encoder/rerank.ts";
import { requireGoing } from "../../domain/recipes/adapter-trials.ts";
import { withTrialAdapter } from "../../domain/recipes/triage-trial.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { TriageOptions } from "../studio-verdicts.ts";
import { projectGround, requireQuestions, sideVectors } from "./verdict-ground.ts";
import type { AdviceControl, AdvicePorts } from "./verdict-ground.ts";

const SEED = 0;
const RERANK_QUESTIONS = 40;
const RERANK_DEPTH = 30;

/** Searches without training side by side on the training questions; kept with the project. Vectors must be cached. */
export async function triageProject(
  ports: AdvicePorts,
  projectId: string,
  options: TriageOptions,
  control: AdviceControl,
): Promise<TriageReport> {
  const { workspace } = ports;
  const { signal, onProgress } = control;
  const ground = await projectGround(workspace, projectId);
  const { train, test } = ground.data;
  requireQuestions(train);
  onProgress?.({ done: 0, total: 3, label: "Putting searches side by side" });
  const searched = layTriage(train, await sideVectors(workspace, ground, train), SEED);
  requireGoing(signal);
  const laid = await withTrial(ports, searched, signal ? { signal } : {});
  onProgress?.({ done: 1, total: 3 });
  const { rerankQuestions = RERANK_QUESTIONS, rerankDepth = RERANK_DEPTH, reranker } = options;
  const sample = rerankSample(laid, rerankQuestions, rerankDepth);
  const scores = reranker === undefined ? null : await rerankScores(ports, reranker, sample, control);
  onProgress?.({ done: 2, total: 3, label: "Weighing what was found" });
  const size =
    test.queries.length === 0
      ? null
      : { questions: test.queries.length, clusters: new Set(groupsOf(test)).size };
  const settings: TriageSettings = { test: size, ...(scores ? { reranked: { sample, scores } } : {}) };
  const value = triageReport(laid, settings);
  await workspace.parts.saveFinding({ projectId, kind: "triage", dataHash: ground.dataHash, value });
  return value;
}

async function withTrial(
  { openBackend }: AdvicePorts,
  searched: TriageGround,
  control: AdviceControl,
): Promise<TriageGround> {
  const backend = await openBackend(undefined);
  try {
    return await withTrialAdapter(searched, backend, SEED, control);
  } finally {
    backend.dispose();
  }
}

async function rerankScores(
  { models, openBackend }: AdvicePorts,
  modelId: string,
  { dataset, candidates }: ReturnType<typeof rerankSample>,
  control: AdviceControl,
) {
  const model = await models.either(modelId);
  if ("pooling" in model) {
    throw new RetuneError("usage", `${model.name} is an encoder; choose a cross-encoder to re-rank with.`);
  }
  const backend = await openBackend(undefined);
  try {
    return await scoreCandidates(backend, model, dataset, candidates, control);
  } finally {
    backend.dispose();
  }
}
