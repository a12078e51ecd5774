import { topColumns } from "../../eval/ranking.ts";
import { CounterRandom } from "../../random.ts";
import type { MiningGround } from "./mining-ground.ts";
import { rowsInBlocks, type PassageSearch } from "./passage-search.ts";
import { rangeMaxOf, type MiningSettings } from "./settings.ts";

/** Positions of passages with their scores. */
interface RankedPassages {
  readonly passages: Uint32Array;
  readonly scores: Float32Array;
}

/** What a search puts high for one question, its positives among it. */
export interface QuestionCandidates extends RankedPassages {
  readonly positiveScores: Float32Array; // [positives]
  readonly drawn: RankedPassages; // at random, no positive among them, in the order drawn
}

/**
 * The candidates of every asked question: the best rangeMax + most positives passages, copies left out, and enough drawn
 * at random. Yields the number of questions done after every block.
 */
export function* miningCandidates(
  ground: MiningGround,
  search: PassageSearch,
  settings: MiningSettings,
  rescored: boolean,
): Generator<number, QuestionCandidates[]> {
  const { asked, firstOf, order, mostPositives } = ground;
  const depth = rangeMaxOf(settings, mostPositives, rescored) + mostPositives;
  const found: QuestionCandidates[] = [];
  const questions = asked.map(({ question }) => question);
  const visit = (place: number, row: Float32Array): void => {
    const { positives } = asked[place]!;
    const best = topColumns(row, order, depth, (column) => firstOf[column] === column);
    const drawn = drawnPassages(ground, place, settings);
    found.push({
      passages: best,
      scores: scoresOf(row, best),
      positiveScores: scoresOf(row, positives),
      drawn: { passages: drawn, scores: scoresOf(row, drawn) },
    });
  };
  yield* rowsInBlocks(search, questions, visit);
  return found;
}

function scoresOf(row: Float32Array, passages: Iterable<number>): Float32Array {
  return Float32Array.from(passages, (passage) => row[passage]!);
}

/** Enough for `random`, should all mined ones be among them. */
function drawnPassages(
  { asked, firstOf }: MiningGround,
  place: number,
  { random, negatives, seed }: MiningSettings,
): Uint32Array {
  if (random === 0) return new Uint32Array(0);
  const { question, positives } = asked[place]!;
  const taken = new Set(positives.map((passage) => firstOf[passage]!));
  const count = random + negatives;
  const draw = CounterRandom.stream(seed, 1000 + question);
  const chosen: number[] = [];
  // Drawing with repeats is cheap as long as few are wanted; a small set is put in order instead.
  const few = firstOf.length > 8 * (count + positives.length);
  const order = few ? undefined : draw.permutation(firstOf.length);
  for (let turn = 0; chosen.length < count && turn < (order?.length ?? 64 * count); turn++) {
    const passage = firstOf[order ? order[turn]! : draw.below(firstOf.length)]!;
    if (taken.has(passage)) continue;
    taken.add(passage);
    chosen.push(passage);
  }
  return Uint32Array.from(chosen);
}
