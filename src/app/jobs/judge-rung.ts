import { passageIndex } from "../../domain/data/dataset.ts";
import { LexicalIndex } from "../../domain/eval/bm25.ts";
import { cosineScores } from "../../domain/eval/dense.ts";
import { evaluate, positivesOf } from "../../domain/eval/evaluate.ts";
import type { EvaluationSettings } from "../../domain/eval/evaluate.ts";
import { EQUAL_WEIGHTS, fitFusion, fuse, fusionOf, zScores } from "../../domain/eval/fusion.ts";
import type { Fusion } from "../../domain/eval/report.ts";
import { rowOf } from "../../domain/matrix.ts";
import type { Matrix } from "../../domain/matrix.ts";
import { applyAdapter } from "../../domain/models/apply-adapter.ts";
import { climbed, rungGain } from "../../domain/recipes/ladder.ts";
import type { RungName } from "../../domain/recipes/ladder.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import type { RungRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import { cachedVectors } from "./embed.ts";
import type { JudgedSide } from "./evaluate.ts";
import { ladderParts, reciprocalRanks, rungKey } from "./ladder.ts";
import { loadResult } from "./result-store.ts";
import type { KeptAdapter } from "./result-store.ts";
import { queryInstructionOf } from "./recipe-facts.ts";
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
  const place = { projectId, dataHash, encoderId: ground.encoderId };
  const equal = fusionOf(EQUAL_WEIGHTS);
  await keepRung(workspace, "base", ranksBy(ground.judge, { instruction: false, fusion: equal }), place);
  if (rung === "base") return;
  const instruction =
    rung === "instruction" || instructionGained(await workspace.parts.rungs(projectId), place);
  const fusion = rung === "fusion" ? fusionOf(fitted(ground.learn, instruction)) : equal;
  await keepRung(workspace, rung, ranksBy(ground.judge, { instruction, fusion }), place);
}

type Place = Pick<RungRecord, "dataHash" | "encoderId">;

function recordsOf(records: readonly RungRecord[], { dataHash, encoderId }: Place) {
  const valid = records.filter((each) => each.dataHash === dataHash && each.encoderId === encoderId);
  return new Map(valid.map((record) => [record.rung, record]));
}

/** Whether the instruction rung was tried on these data and beat the plain hybrid search. */
export function instructionGained(records: readonly RungRecord[], place: Place): boolean {
  const known = recordsOf(records, place);
  const [base, tried] = [known.get("base"), known.get("instruction")];
  return base !== undefined && tried !== undefined && rungGain(tried, base).better;
}

/** The search that the rungs below the re-ranker have led to. */
export interface PresentSearch {
  readonly instruction: boolean; // before questions
  readonly fitted: boolean; // fusion weights fitted on what the ladder learns from; else equal
  readonly adapter?: Pick<KeptAdapter, "config" | "weights">;
}

/** Scores of the present search on the ladder's held-out questions, [questions, passages]. */
export function presentScores(
  { learn, judge }: Pick<LadderGround, "learn" | "judge">,
  { instruction, fitted: weighted, adapter }: PresentSearch,
): Matrix {
  const { dataset, vectors } = judge;
  const own = (instruction ? vectors.queriesInstruction : undefined) ?? vectors.queries;
  const queries = adapter ? applyAdapter(adapter.config, adapter.weights, own) : own;
  const texts = (rows: readonly { readonly text: string }[]): string[] => rows.map(({ text }) => text);
  const lexical = new LexicalIndex(texts(dataset.passages)).scores(texts(dataset.queries));
  const fusion = fusionOf(weighted ? fitted(learn, instruction) : EQUAL_WEIGHTS);
  return fuse(cosineScores(queries, vectors.corpus), lexical, fusion);
}

/** What a re-ranker of the ladder re-orders: the best of the rungs below it, judged on these data. */
export async function presentSearch(
  workspace: Workspace,
  projectId: string,
  place: Place,
): Promise<PresentSearch> {
  const records = await workspace.parts.rungs(projectId);
  const known = recordsOf(records, place);
  const base = known.get("base");
  const instruction = instructionGained(records, place);
  if (!base) return { instruction, fitted: false };
  const below = ["instruction", "fusion", "adapter"] as const;
  const tried = below.flatMap((name): [RungName, RungRecord][] =>
    known.has(name) ? [[name, known.get(name)!]] : [],
  );
  const { present } = climbed(base, new Map(tried));
  const runId = known.get("adapter")?.runId;
  if (present !== "adapter" || runId === undefined) return { instruction, fitted: present === "fusion" };
  const { recipe } = await workspace.runs.get(runId);
  const adapter = await loadResult(workspace.checkpoints, runId);
  return { instruction: queryInstructionOf(recipe) !== "", fitted: false, adapter };
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
function fitted({ dataset, vectors }: JudgedSide, instruction: boolean): ReturnType<typeof fitFusion> {
  const places = passageIndex(dataset);
  const lexical = new LexicalIndex(dataset.passages.map(({ text }) => text)).scores(
    dataset.queries.map(({ text }) => text),
  );
  const own = (instruction ? vectors.queriesInstruction : undefined) ?? vectors.queries;
  const dense = cosineScores(own, vectors.corpus);
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
