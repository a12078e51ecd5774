import { passageIndex } from "../../domain/data/dataset.ts";
import { LexicalIndex } from "../../domain/eval/bm25.ts";
import { cosineScores } from "../../domain/eval/dense.ts";
import { evaluate, positivesOf } from "../../domain/eval/evaluate.ts";
import type { EvaluationSettings } from "../../domain/eval/evaluate.ts";
import { EQUAL_WEIGHTS, fitFusion, fusionOf, zScores } from "../../domain/eval/fusion.ts";
import type { Fusion } from "../../domain/eval/report.ts";
import { rowOf } from "../../domain/matrix.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import type { RungRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import { cachedVectors } from "./embed.ts";
import type { JudgedSide } from "./evaluate.ts";
import { ladderParts, reciprocalRanks, rungKey } from "./ladder.ts";
import { projectData } from "./project-data.ts";

const RESAMPLES = 10; // only ranks are wanted here, not intervals

export interface LadderGround {
  readonly learn: JudgedSide;
  readonly judge: JudgedSide;
  readonly encoderId: string;
}

/** The ladder's two parts with the base's vectors, from the cache. */
export async function ladderGround(workspace: Workspace, projectId: string): Promise<LadderGround> {
  const project = await workspace.projects.get(projectId);
  const { train } = projectData(await workspace.projects.contents(projectId), project.split);
  const encoder = await encoderById(workspace, project.encoderId);
  const parts = ladderParts(train);
  const side = async (dataset: JudgedSide["dataset"]): Promise<JudgedSide> => ({
    dataset,
    vectors: await cachedVectors(workspace.vectors, encoder, dataset, encoder.queryInstruction),
  });
  return { learn: await side(parts.learn), judge: await side(parts.judge), encoderId: project.encoderId };
}

/** Judges base, instruction or fusion on the ladder's held-out questions; the base is kept along with each. */
export async function judgeRung(
  workspace: Workspace,
  projectId: string,
  rung: "base" | "instruction" | "fusion",
  dataHash: string,
): Promise<void> {
  const ground = await ladderGround(workspace, projectId);
  const known = await workspace.parts.rungs(projectId);
  const instructed = known.some((record) => record.rung === "instruction") && rung === "fusion";
  const equal = fusionOf(EQUAL_WEIGHTS);
  const fusion = rung === "fusion" ? fusionOf(fitted(ground.learn)) : equal;
  const place = { projectId, dataHash, encoderId: ground.encoderId };
  await keepRung(workspace, "base", ranksBy(ground.judge, { instruction: false, fusion: equal }), place);
  if (rung === "base") return;
  const judged = ranksBy(ground.judge, { instruction: rung === "instruction" || instructed, fusion });
  await keepRung(workspace, rung, judged, place);
}

function ranksBy(
  { dataset, vectors }: JudgedSide,
  { instruction, fusion }: { readonly instruction: boolean; readonly fusion: Fusion },
): Pick<RungRecord, "reciprocalRanks" | "groups"> {
  const settings: EvaluationSettings = {
    instruction: instruction && vectors.queriesInstruction !== undefined,
    fusion: { base: fusion, tuned: fusion },
    seed: 0,
    resamples: RESAMPLES,
  };
  return reciprocalRanks(evaluate(dataset, vectors, settings).rows, "hybridBase", dataset);
}

export async function keepRung(
  workspace: Workspace,
  rung: RungRecord["rung"],
  ranks: Pick<RungRecord, "reciprocalRanks" | "groups">,
  place: Pick<RungRecord, "projectId" | "dataHash" | "encoderId" | "runId">,
): Promise<void> {
  await workspace.parts.saveRung({ ...place, ...ranks, rung, key: rungKey(place.projectId, rung) });
}

/** Fusion weights fitted on what the ladder learns from. */
function fitted({ dataset, vectors }: JudgedSide): ReturnType<typeof fitFusion> {
  const places = passageIndex(dataset);
  const lexical = new LexicalIndex(dataset.passages.map(({ text }) => text)).scores(
    dataset.queries.map(({ text }) => text),
  );
  const dense = cosineScores(vectors.queries, vectors.corpus);
  const samples = dataset.queries.flatMap((query, row) => {
    const positives = positivesOf(query, places).map(({ passage }) => passage);
    if (positives.length === 0) return [];
    return [
      {
        dense: zScores(rowOf(dense, row)),
        lexical: zScores(rowOf(lexical, row)),
        positives,
        fold: 0,
      },
    ];
  });
  return fitFusion(samples);
}
