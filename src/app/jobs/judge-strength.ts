import { mergeAdapter } from "../../domain/models/merge-adapter.ts";
import type { AdapterSettings } from "../../domain/recipes/adapter-job.ts";
import { RetuneError } from "../../engine/errors.ts";
import { OwnEncoder } from "../encoders/own-encoder.ts";
import type { RunRecord } from "../storage/records.ts";
import type { StrengthView } from "../studio-training.ts";
import { judgeAdapter } from "./evaluate.ts";
import { rerankerAt, tunedAt } from "./export-tuned.ts";
import { judgeRouter } from "./judge-router.ts";
import { firstSearch, judgeEncoder, judgeReranker, RERANK_JUDGING } from "./judge-tuned.ts";
import { openTest } from "./openings.ts";
import { routerAt } from "./router-at.ts";
import { runInputs } from "./run-adapter.ts";
import type { CrossEncoderRecipe } from "./run-cross-encoder.ts";
import type { EncoderRecipe } from "./run-encoder.ts";
import type { RunPorts } from "./run-ports.ts";
import type { RouterRecipe } from "./run-router.ts";
import { loadResult } from "./result-store.ts";
import { loadTrained } from "./trained-store.ts";

type Measures = StrengthView["measures"];

/** Judges the mixture of base (0) and tuned (1) weights on the test questions; the figure joins the run's record. */
export async function judgeStrength(ports: RunPorts, runId: string, strength: number): Promise<RunRecord> {
  if (!(strength >= 0 && strength <= 2)) {
    throw new RetuneError("usage", `A strength lies between 0 (base) and 2, not at ${strength}.`);
  }
  const run = await ports.workspace.runs.get(runId);
  await openTest(ports.workspace, run, "strength");
  const measures = await measuresAt(ports, run, strength);
  const others = (run.strengths ?? []).filter((each) => each.strength !== strength);
  const strengths = [...others, { strength, measures }].sort((a, b) => a.strength - b.strength);
  return ports.workspace.runs.update(runId, { strengths });
}

async function measuresAt(ports: RunPorts, run: RunRecord, strength: number): Promise<Measures> {
  const { recipe } = run;
  if (recipe.task === "adapter") return ofAdapter(ports, run, recipe.settings, strength);
  if (recipe.task === "cross-encoder") return ofReranker(ports, run, recipe, strength);
  if (recipe.task === "router") return ofRouter(ports, run, recipe, strength);
  return ofEncoder(ports, run, recipe, strength);
}

async function ofAdapter(
  { workspace }: RunPorts,
  run: RunRecord,
  { queryInstruction, seed }: AdapterSettings,
  strength: number,
): Promise<Measures> {
  const { test } = await runInputs(workspace, run, queryInstruction);
  const kept = await loadResult(workspace.checkpoints, run.id);
  const weights = mergeAdapter(kept.config, kept.weights, strength);
  const report = judgeAdapter(test, { ...kept, weights }, (queryInstruction ?? "") !== "", seed);
  return chosenMeasures(report.systems.tuned!);
}

/** The test side is embedded anew with the mixed weights; these vectors are not kept. */
async function ofEncoder(
  ports: RunPorts,
  run: RunRecord,
  recipe: EncoderRecipe,
  strength: number,
): Promise<Measures> {
  const { workspace } = ports;
  const { test } = await runInputs(workspace, run, recipe.queryInstruction);
  const { fusion } = await loadTrained(workspace.checkpoints, run.id, recipe.task);
  const encoder = await OwnEncoder.open(
    await ports.openBackend(undefined),
    await tunedAt(ports, run, strength),
  );
  try {
    const instruction = recipe.queryInstruction ?? "";
    const { queries, passages } = test.dataset;
    const tuned = {
      queries: await encoder.encode(queries.map(({ text }) => instruction + text)),
      corpus: await encoder.encode(passages.map(({ text }) => text)),
    };
    const settings = { instruction: instruction !== "", seed: recipe.settings.seed };
    return chosenMeasures(judgeEncoder(test, tuned, fusion, settings).systems.tuned!);
  } finally {
    await encoder.close();
  }
}

/** The first search's candidates read anew by the mixed re-ranker, as the run itself was judged. */
async function ofReranker(
  ports: RunPorts,
  run: RunRecord,
  { base, settings: { seed } }: CrossEncoderRecipe,
  strength: number,
): Promise<Measures> {
  const { dataset, vectors } = (await runInputs(ports.workspace, run, undefined)).test;
  const tuned = await rerankerAt(ports, run, base, strength);
  const judging = { ...RERANK_JUDGING, depth: Math.min(RERANK_JUDGING.depth, dataset.passages.length), seed };
  const backend = await ports.openBackend(undefined);
  try {
    const retrieved = firstSearch(dataset, vectors);
    const report = await judgeReranker(backend, dataset, retrieved, { tuned }, judging);
    return chosenMeasures(report.systems.rerankedTuned!);
  } finally {
    backend.dispose();
  }
}

/** The test questions asked of the mixed router. */
async function ofRouter(
  ports: RunPorts,
  run: RunRecord,
  recipe: RouterRecipe,
  strength: number,
): Promise<Measures> {
  const backend = await ports.openBackend(undefined);
  try {
    const { router, ground } = await routerAt(ports, run, recipe, { strength, backend });
    const { seed } = recipe.settings;
    const { tuned } = await judgeRouter(backend, router, ground.test, ground.base.test, seed);
    return { accuracy: tuned.accuracy, mrr: tuned.mrr };
  } finally {
    backend.dispose();
  }
}

function chosenMeasures(metrics: Readonly<Record<"hit@5" | "mrr@10", number>>): Measures {
  return { "hit@5": metrics["hit@5"], "mrr@10": metrics["mrr@10"] };
}
