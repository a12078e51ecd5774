import { leakNotes } from "../../domain/data/leaks.ts";
import { EQUAL_WEIGHTS, fusionOf } from "../../domain/eval/fusion.ts";
import type { EvaluationReport } from "../../domain/eval/report.ts";
import { openEncoderRun } from "../../domain/recipes/encoder/encoder.ts";
import type { EncoderStep } from "../../domain/recipes/encoder/encoder-job.ts";
import type { EncoderRun, TrainedEncoder } from "../../domain/recipes/encoder/encoder-run.ts";
import type { EncoderState } from "../../domain/recipes/encoder/encoder-state.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Recipe } from "../studio-training.ts";
import { requiredEncoderData } from "./encoder-data.ts";
import { embedTuned, tunedFacts } from "./embed-tuned.ts";
import type { TunedVectors } from "./embed-tuned.ts";
import { firstSearch, judgeEncoder } from "./judge-tuned.ts";
import { keepRung, ladderGround } from "./judge-rung.ts";
import { reciprocalRanks } from "./ladder.ts";
import { LiveRun } from "./live-run.ts";
import { runInputs } from "./run-adapter.ts";
import type { RunInputs } from "./run-adapter.ts";
import { checkpointBytes } from "./worker-plan.ts";
import { finishRun, trainLive } from "./run-ports.ts";
import type { RunPorts } from "./run-ports.ts";
import { findTrained, keepTrained, withoutBase } from "./trained-store.ts";
import type { KeptEncoder } from "./trained-store.ts";

export type EncoderRecipe = Extract<Recipe, { readonly task: "encoder" | "lora" }>;

interface EncoderTypes {
  readonly state: EncoderState;
  readonly step: EncoderStep;
  readonly trained: TrainedEncoder;
  readonly run: EncoderRun;
}

/**
 * A fine-tune of an encoder from where it stands to its end: trains, keeps the model, embeds the test side with it,
 * judges it beside its base, and puts it on the shelf. A stage that is done is not done again after a break.
 */
export async function runEncoder(ports: RunPorts, run: RunRecord, recipe: EncoderRecipe): Promise<RunRecord> {
  const { workspace } = ports;
  const inputs = await runInputs(workspace, run, recipe.queryInstruction);
  const live = new LiveRun(run, ports);
  const leaks = leakNotes(inputs.train.dataset, inputs.test.dataset);
  for (const note of leaks.filter((each) => !run.notes.includes(each))) live.note(note);
  const kept =
    (await findTrained(workspace.checkpoints, run.id, recipe.task)) ??
    (await trained(ports, inputs, live, recipe));
  const tuned = kept && (await embedTuned(ports, live, inputs.test.dataset));
  if (!kept || !tuned) return workspace.runs.update(run.id, { ...live.current, state: "paused" });
  live.change({ stage: "evaluating" });
  const settings = { instruction: (recipe.queryInstruction ?? "") !== "", seed: recipe.settings.seed };
  const report = judgeEncoder(inputs.test, tuned, kept.fusion, settings);
  if (run.rung !== undefined) await judgeOnLadder(ports, live, settings.instruction);
  return finishRun(ports, live, { kind: "retrieval", report }, finalRecord(kept, report));
}

async function trained(
  ports: RunPorts,
  { train }: RunInputs,
  live: LiveRun,
  recipe: EncoderRecipe,
): Promise<KeptEncoder | null> {
  const { workspace, models } = ports;
  const model = await models.baseOf(live.current);
  const { settings, anchors } = recipe;
  const pairs = (await workspace.parts.pairs(live.current.projectId))?.rows ?? [];
  const first = () => firstSearch(train.dataset, train.vectors);
  const { data, notes } = requiredEncoderData(train.dataset, first, pairs, settings);
  for (const note of notes.filter((each) => !live.current.notes.includes(each))) live.note(note);
  const job = { model, data: { ...data, ...(anchors ? { anchors } : {}) }, settings };
  const outcome = await trainLive<EncoderTypes>(ports, live, {
    open: (backend, state) => openEncoderRun(backend, job, state),
    bytes: ({ plan }) => 2 * checkpointBytes(plan.trainedParameters) + 4 * plan.trainedParameters,
    totals: ({ plan }) => ({ searchSteps: 0, finalSteps: plan.totalSteps, peakBytes: plan.peakBytes }),
  });
  if (outcome.kind === "paused") return null;
  for (const note of outcome.trained.notes) live.note(note);
  for (const { text } of outcome.trained.guards) live.note(text);
  const kept = withoutBase(outcome.trained);
  await keepTrained(workspace.checkpoints, live.current.id, recipe.task, kept, outcome.device);
  await tunedFacts(ports, live.current);
  return kept;
}

/** The ladder's held-out questions inside the hybrid search with equal weights, as every rung is judged. */
async function judgeOnLadder(ports: RunPorts, live: LiveRun, instruction: boolean): Promise<void> {
  const { workspace } = ports;
  const { id, projectId, dataHash, encoderId, rung } = live.current;
  const { judge } = await ladderGround(workspace, projectId);
  const tuned: TunedVectors | null = await embedTuned(ports, live, judge.dataset);
  if (!tuned) return;
  const equal = fusionOf(EQUAL_WEIGHTS);
  const report = judgeEncoder(judge, tuned, { base: equal, tuned: equal }, { instruction, seed: 0 });
  const ranks = reciprocalRanks(report.rows, "hybridTuned", judge.dataset);
  await keepRung(workspace, rung!, ranks, { projectId, dataHash, encoderId, runId: id });
}

function finalRecord({ losses }: KeptEncoder, report: EvaluationReport): Partial<RunRecord> {
  const delta = report.delta?.["mrr@10"].value;
  return { losses, verdict: report.verdict, ...(delta === undefined ? {} : { mrrDelta: delta }) };
}
