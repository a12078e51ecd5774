import type { MergeCurve, MergePoint } from "../../domain/eval/advice-types.ts";
import { generalDelta, judgeGeneral, judgeGeneralScores, meanNdcg } from "../../domain/eval/drift.ts";
import { generalSet } from "../../domain/eval/general/general-set.ts";
import type { Judged } from "../../domain/eval/judge.ts";
import { mergeCurveOf, mergePointOf, STRENGTHS, type JudgedStrength } from "../../domain/eval/merge-curve.ts";
import type { Matrix } from "../../domain/matrix.ts";
import { requireGoing } from "../../domain/recipes/adapter-trials.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { RunRecord } from "../storage/records.ts";
import { adviceGround, judged, mixedScores, reciprocalRanksOf, withModel } from "./advice-ground.ts";
import type { AdviceGround } from "./advice-ground.ts";
import { keepForRun } from "./guard-drift.ts";
import { vectorsBy } from "./model-at.ts";
import { projectGround } from "./verdict-ground.ts";
import type { AdviceControl, AdvicePorts } from "./verdict-ground.ts";

const SEED = 0;

/** What a strength is judged on, once it is laid: kept in memory while a person moves the slider. */
export interface MergeGround {
  readonly run: RunRecord;
  readonly ground: AdviceGround;
  readonly generalBefore: readonly Judged[];
  /** General questions at a strength, at once, where the run is an adapter. */
  readonly generalAt?: (strength: number) => readonly Judged[];
}

export async function layMerge(
  ports: AdvicePorts,
  runId: string,
  control: AdviceControl = {},
): Promise<MergeGround> {
  const run = await ports.workspace.runs.get(runId);
  const { task } = run.recipe;
  if (task === "cross-encoder" || task === "router") {
    throw new RetuneError("unsupported", `A ${task} has no merge curve; adapters and encoders have.`);
  }
  const base = await withModel(ports, run, 0, (model) => vectorsBy(model, generalSet(), control));
  const ground = await adviceGround(ports, run, "merge-curve", control);
  const laid = { run, ground, generalBefore: judgeGeneral(generalSet(), base) };
  if (!ground.mixed) return laid;
  const tuned = await withModel(ports, run, 1, (model) => vectorsBy(model, generalSet(), control));
  const scores = mixedScores(base.queries, tuned.queries, base.corpus);
  return { ...laid, generalAt: (strength) => judgeGeneralScores(generalSet(), scores(strength)) };
}

async function judgeAt(
  ports: AdvicePorts,
  { run, ground, generalBefore, generalAt }: MergeGround,
  strength: number,
  control: AdviceControl = {},
): Promise<JudgedStrength> {
  if (ground.mixed && generalAt) {
    return judgedStrength(strength, generalBefore, generalAt(strength), ground, ground.mixed(strength));
  }
  return withModel(ports, run, strength, async (model) => {
    const general = judgeGeneral(generalSet(), await vectorsBy(model, generalSet(), control));
    const scores = await ground.scores(strength, model, control);
    return judgedStrength(strength, generalBefore, general, ground, scores);
  });
}

function judgedStrength(
  strength: number,
  before: readonly Judged[],
  general: readonly Judged[],
  ground: AdviceGround,
  scores: Matrix,
): JudgedStrength {
  return {
    strength,
    reciprocalRanks: reciprocalRanksOf(judged(ground, scores)),
    general: meanNdcg(general),
    generalDelta: generalDelta(generalSet(), general, before, SEED),
  };
}

/** Target and general figures at every strength; kept with the run. */
export async function mergeRun(
  ports: AdvicePorts,
  runId: string,
  control: AdviceControl,
): Promise<{ readonly curve: MergeCurve; readonly laid: MergeGround }> {
  const run = await ports.workspace.runs.get(runId);
  const { dataHash } = await projectGround(ports.workspace, run.projectId);
  const laid = await layMerge(ports, runId, control);
  const points: JudgedStrength[] = [];
  for (const [index, strength] of STRENGTHS.entries()) {
    requireGoing(control.signal);
    control.onProgress?.({ done: index, total: STRENGTHS.length, label: `Judging strength ${strength}` });
    const { signal } = control;
    points.push(await judgeAt(ports, laid, strength, signal ? { signal } : {}));
  }
  const { basis, clusters } = laid.ground;
  const curve = mergeCurveOf(points, { basis, clusters, seed: SEED });
  await keepForRun(ports, run, "merge curve", dataHash, curve);
  return { curve, laid };
}

/** One strength of an adapter, at once. */
export async function mergePointAt(
  ports: AdvicePorts,
  laid: MergeGround,
  strength: number,
): Promise<MergePoint> {
  if (!(strength >= 0 && strength <= 2)) {
    throw new RetuneError("usage", `A strength lies between 0 (base) and 2, not at ${strength}.`);
  }
  return mergePointOf(await judgeAt(ports, laid, strength));
}
