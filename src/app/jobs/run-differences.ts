import type { DifferenceReport } from "../../domain/eval/advice-types.ts";
import { rightPassages, type Dataset } from "../../domain/data/dataset.ts";
import { differenceReport, type RankedQuestion } from "../../domain/eval/differences.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { RunRecord } from "../storage/records.ts";
import type { RunResults } from "../studio-training.ts";
import { adviceGround, judged, withModel, type AdviceGround } from "./advice-ground.ts";
import { candidateLogits, spread } from "./calibrate-run.ts";
import { keepForRun } from "./guard-drift.ts";
import { trainingPart } from "./ladder.ts";
import { queryInstructionOf } from "./recipe-facts.ts";
import { projectGround, requireQuestions } from "./verdict-ground.ts";
import type { AdviceControl, AdvicePorts } from "./verdict-ground.ts";

const RERANK_QUESTIONS = 200;

/** Every question of one side before and after a run, with clusters of what got worse; kept with the run. */
export async function findRunDifferences(
  ports: AdvicePorts,
  runId: string,
  side: DifferenceReport["side"],
  control: AdviceControl,
): Promise<DifferenceReport> {
  const run = await ports.workspace.runs.get(runId);
  const { data, dataHash } = await projectGround(ports.workspace, run.projectId);
  const dataset = side === "test" ? data.test : trainingPart(data.train, run);
  const ranked =
    side === "test"
      ? judgedQuestions(await ports.workspace.runs.results(runId), run)
      : await trainingQuestions(ports, run, dataset, control);
  const value = differenceReport(dataset, ranked, side);
  await keepForRun(ports, run, `differences ${side}`, dataHash, value);
  return value;
}

/** The test side as the run was judged on it: its report is read, nothing is opened anew. */
export function judgedQuestions(results: RunResults, run: RunRecord): readonly RankedQuestion[] {
  switch (results.kind) {
    case "retrieval": {
      const before = queryInstructionOf(run.recipe) === "" ? "base" : "baseInstruction";
      return results.report.rows.map(({ query, ranks, top }) => ({
        query,
        before: ranks[before] ?? null,
        after: ranks.tuned ?? null,
        first: top.tuned ?? null,
      }));
    }
    case "rerank":
      return results.report.rows.map(({ query, ranks, top }) => ({
        query,
        before: ranks.retrieved ?? null,
        after: ranks.rerankedTuned ?? null,
        first: top.rerankedTuned ?? null,
      }));
    case "router":
      throw new RetuneError("unsupported", "A router has choices instead of ranks: see its confusions.");
  }
}

/** The training side; an adapter's by adapters that have not seen the question, others' as they were trained. */
async function trainingQuestions(
  ports: AdvicePorts,
  run: RunRecord,
  dataset: Dataset,
  control: AdviceControl,
): Promise<readonly RankedQuestion[]> {
  requireQuestions(dataset);
  if (run.recipe.task === "cross-encoder") return rerankedQuestions(ports, run, dataset, control);
  const ground = await adviceGround(ports, run, "judged", control, dataset);
  const before = await withModel(ports, run, 0, (model) => ground.scores(0, model, control));
  const after = await withModel(ports, run, 1, (model) => ground.scores(1, model, control));
  return rankedQuestions(ground, judged(ground, before), judged(ground, after));
}

function rankedQuestions(
  { dataset }: AdviceGround,
  before: ReturnType<typeof judged>,
  after: ReturnType<typeof judged>,
): readonly RankedQuestion[] {
  return dataset.queries.map(({ id }, row) => ({
    query: id,
    before: before[row]!.rank,
    after: after[row]!.rank,
    first: dataset.passages[after[row]!.first]!.id,
  }));
}

/** Ranks among the candidates; a right passage that the first search missed has none. */
async function rerankedQuestions(
  ports: AdvicePorts,
  run: RunRecord,
  whole: Dataset,
  control: AdviceControl,
): Promise<readonly RankedQuestion[]> {
  const dataset = { ...whole, queries: spread(whole.queries, RERANK_QUESTIONS) };
  const scored = await candidateLogits(ports, run, dataset, control);
  return dataset.queries.map((query, row) => {
    const right = rightPassages(query);
    const rankIn = (list: readonly { readonly passage: string }[]): number | null => {
      const place = list.findIndex(({ passage }) => right.has(passage));
      return place < 0 ? null : place + 1;
    };
    const after = [...scored[row]!].sort((a, b) => b.score - a.score);
    return {
      query: query.id,
      before: rankIn(scored[row]!),
      after: rankIn(after),
      first: after[0]?.passage ?? null,
    };
  });
}
