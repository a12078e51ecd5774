// Negatives for re-rankers and encoders: passages that a first search puts high and that do not answer the question, and
// some at random, since hard ones alone hurt the easy cases (sentence-transformers' training tips). How they are chosen:
// mining/choose-negatives.ts.
import { RetuneError } from "../../engine/errors.ts";
import type { Matrix } from "../matrix.ts";
import type { RunControl } from "../ports.ts";
import { chooseNegatives, type MinedNegative, type SkippedCounts } from "./mining/choose-negatives.ts";
import { miningCandidates, type QuestionCandidates } from "./mining/mining-candidates.ts";
import { MiningGround } from "./mining/mining-ground.ts";
import { miningReport, type MiningReport } from "./mining/mining-report.ts";
import { searchOfScores, type PassageSearch } from "./mining/passage-search.ts";
import { checkMining, usesThresholds, type MiningSettings } from "./mining/settings.ts";
import { groupsOf, passageIndex, rightPassages, type Dataset, type Query } from "./dataset.ts";
import type { RerankCandidate, RerankDataset } from "./rerank-dataset.ts";

export interface MinedNegatives {
  readonly queries: readonly (readonly MinedNegative[])[]; // one list a question, mined ones first
  readonly report: MiningReport;
}

/** What answers each question, beside the score that mining gave it. */
export interface ScoredPositive {
  readonly passage: number;
  readonly score: number;
}

/** Mining at work: negatives, and the positives they were compared with, one list a question each. */
export interface MinedPreview extends MinedNegatives {
  readonly positives: readonly (readonly ScoredPositive[])[];
}

/** A cross-encoder's scores of (question, passage) pairs, given by position. */
export type PairScores = (
  pairs: readonly (readonly [question: number, passage: number])[],
  control: RunControl,
) => Promise<Float32Array>;

/** Mines by scores [Q, N] that are there (BM25, cosines, a hybrid). Errors: E_MISMATCH, "usage" (settings). */
export function mineNegatives(dataset: Dataset, scores: Matrix, settings: MiningSettings): MinedNegatives {
  const search = searchOfScores(scores);
  const ground = groundOf(dataset, search, settings);
  const steps = miningCandidates(ground, search, settings, false);
  for (;;) {
    const step = steps.next();
    if (step.done) return previewOf(ground, step.value, settings, false);
  }
}

/**
 * The same in blocks of questions, for 10⁵ passages: between blocks others have their turn. With `rescore` its scores
 * stand in for the search's wherever thresholds are compared, and order what is left; without thresholds it is not
 * asked, as in sentence-transformers. Errors: those of mineNegatives, and "cancelled".
 */
export async function mineInBlocks(
  dataset: Dataset,
  search: PassageSearch,
  settings: MiningSettings,
  rescore: PairScores | null,
  control: RunControl = {},
): Promise<MinedPreview> {
  const ground = groundOf(dataset, search, settings);
  const rescored = rescore !== null && usesThresholds(settings);
  const steps = miningCandidates(ground, search, settings, rescored);
  const total = ground.asked.length;
  for (;;) {
    const step = steps.next();
    if (!step.done) {
      control.onProgress?.({ done: step.value, total, label: "Looking for near misses" });
      await new Promise((resolve) => setTimeout(resolve)); // so that a cancel gets through
      if (control.signal?.aborted) throw new RetuneError("cancelled", "Cancelled.");
      continue;
    }
    const found = rescored ? await rescoredCandidates(ground, step.value, rescore, control) : step.value;
    return previewOf(ground, found, settings, rescored);
  }
}

async function rescoredCandidates(
  { asked }: MiningGround,
  candidates: readonly QuestionCandidates[],
  rescore: PairScores,
  control: RunControl,
): Promise<QuestionCandidates[]> {
  const pairs = candidates.flatMap(({ passages }, place) => {
    const { question, positives } = asked[place]!;
    return [...passages, ...positives].map((passage) => [question, passage] as const);
  });
  const scores = await rescore(pairs, control);
  let at = 0;
  const take = (count: number): Float32Array => scores.slice(at, (at += count));
  return candidates.map((own) => ({
    ...own,
    scores: take(own.passages.length),
    positiveScores: take(own.positiveScores.length),
  }));
}

function groundOf(dataset: Dataset, search: PassageSearch, settings: MiningSettings): MiningGround {
  const [questions, passages] = [dataset.queries.length, dataset.passages.length];
  if (search.questions !== questions || search.passages !== passages) {
    throw new RetuneError(
      "E_MISMATCH",
      `negatives: scores [${search.questions}, ${search.passages}] for ${questions} questions and ${passages} passages`,
    );
  }
  checkMining(settings);
  return new MiningGround(dataset);
}

function previewOf(
  ground: MiningGround,
  candidates: readonly QuestionCandidates[],
  settings: MiningSettings,
  rescored: boolean,
): MinedPreview {
  const skipped: SkippedCounts = {
    ...{ candidates: 0, absoluteMargin: 0, relativeMargin: 0, maxScore: 0, minScore: 0 },
  };
  const chosen = chooseNegatives(ground, candidates, settings, rescored, skipped);
  const positives = ground.asked.map((asked, place) =>
    asked.positives.map((passage, index) => ({
      passage,
      score: candidates[place]!.positiveScores[index]!,
    })),
  );
  const ofQuestions = <Row>(lists: readonly (readonly Row[])[]): (readonly Row[])[] =>
    Array.from(ground.askedOf, (place) => (place < 0 ? [] : lists[place]!));
  return {
    queries: ofQuestions(chosen),
    positives: ofQuestions(positives),
    report: miningReport(ground, candidates, chosen, settings, { skipped, rescored }),
  };
}

/** A wrong passage of a question, and where it comes from: "given" ones stand in the data. */
export interface Negative {
  readonly passage: number;
  readonly kind: "mined" | "random" | "given";
}

/** Whether a person or a file said which passages are wrong for some question. */
export function hasOwnNegatives({ queries }: Dataset): boolean {
  return queries.some(({ negatives }) => negatives !== undefined);
}

/**
 * The negatives of every question: its own where it has a list (an empty one says that none is wanted), else what `mine`
 * finds; it is asked only where a question with a positive lacks a list.
 */
export function negativesOf(
  dataset: Dataset,
  mine: (() => MinedNegatives) | null,
): readonly (readonly Negative[])[] {
  const places = passageIndex(dataset);
  const open = (query: Query): boolean => query.negatives === undefined && rightPassages(query).size > 0;
  const mined = mine && dataset.queries.some(open) ? mine().queries : null;
  return dataset.queries.map(({ negatives }, question) => {
    if (negatives === undefined) return (mined?.[question] ?? []).flatMap(asNegative);
    return negatives.flatMap((id): Negative[] => {
      const passage = places.get(id);
      return passage === undefined ? [] : [{ passage, kind: "given" }];
    });
  });
}

function asNegative({ passage, kind }: MinedNegative): Negative[] {
  return kind === "positive" ? [] : [{ passage, kind }];
}

/** Passage ids by question id: the form in which an encoder's training takes negatives. */
export function negativesById(
  dataset: Dataset,
  negatives: readonly (readonly Negative[])[],
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    dataset.queries.map(({ id }, index) => [
      id,
      negatives[index]!.map(({ passage }) => dataset.passages[passage]!.id),
    ]),
  );
}

/**
 * Each question with its positives (score: grade over the highest grade of the set) and its negatives (0), for a
 * re-ranker. Questions without a positive are left out.
 */
export function rerankDatasetFrom(
  dataset: Dataset,
  negatives: readonly (readonly Negative[])[],
): RerankDataset {
  const texts = new Map(dataset.passages.map(({ id, text }) => [id, text]));
  const groups = groupsOf(dataset);
  const grades = dataset.queries.flatMap(({ relevant }) => relevant.map(({ grade }) => grade));
  const highest = grades.reduce((most, grade) => Math.max(most, grade), 1);
  const rows = dataset.queries.map(({ id, text, relevant }, index) => {
    const positives = relevant
      .filter(({ grade }) => grade > 0)
      .map(({ passage, grade }): RerankCandidate => ({
        text: texts.get(passage)!,
        score: grade / highest,
        kind: "positive",
        passage,
      }));
    const wrong = negatives[index]!.map(({ passage, kind }): RerankCandidate => {
      const own = dataset.passages[passage]!;
      return { text: own.text, score: 0, kind, passage: own.id };
    });
    return { id, text, group: groups[index]!, candidates: [...positives, ...wrong] };
  });
  const kept = rows.filter(({ candidates }) => candidates.some(({ kind }) => kind === "positive"));
  return { scores: "labels", queries: kept };
}
