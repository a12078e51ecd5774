// The experiment of LlamaIndex's notebook on Cohere's custom re-ranker: the first search hands over `retrieve` passages (10),
// a re-ranker keeps `keep` of them (5); without one the first 5 are kept. Of each question, with r the place of the first
// right passage among those kept:
//   mrr = 1/r, or 0 where none is kept        hit rate = 1 where one is kept
// Means with 95 % intervals over resampled clusters (statistics.ts), and differences from no re-ranker, question by question.
import { groupsOf, passageIndex, type Dataset } from "../data/dataset.ts";
import type { CandidateScores } from "./candidates.ts";
import { positivesOf } from "./evaluate.ts";
import { idOrder } from "./metrics.ts";
import type { Delta, Verdict } from "./report.ts";
import { clusterDifferences, pairedDeltas, verdictOf } from "./statistics.ts";

export interface ArmFigures {
  readonly mrr: Interval;
  readonly hitRate: Interval;
  /** Minus no re-ranker; null of that arm itself. */
  readonly gain: { readonly mrr: Delta; readonly hitRate: Delta; readonly verdict: Verdict } | null;
}

export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Place from 1 of the first right passage among the `keep` best candidates by score (null: as retrieved), or null. */
export function keptRanks(
  dataset: Dataset,
  candidates: readonly Uint32Array[],
  scores: CandidateScores | null,
  keep: number,
): (number | null)[] {
  const places = passageIndex(dataset);
  const order = idOrder(dataset.passages.map(({ id }) => id));
  return candidates.map((columns, query) => {
    const right = new Set(positivesOf(dataset.queries[query]!, places).map(({ passage }) => passage));
    const own = scores?.[query];
    const sorted = own
      ? Array.from(columns.keys())
          .sort((a, b) => own[b]! - own[a]! || order[columns[a]!]! - order[columns[b]!]!)
          .map((place) => columns[place]!)
      : Array.from(columns);
    const found = sorted.slice(0, keep).findIndex((column) => right.has(column));
    return found < 0 ? null : found + 1;
  });
}

/** Figures of one arm; `none` [questions] are the places without a re-ranker, absent for that arm itself. */
export function armFigures(
  dataset: Dataset,
  ranks: readonly (number | null)[],
  none: readonly (number | null)[] | null,
  seed: number,
): ArmFigures {
  const groups = groupsOf(dataset);
  const rows = rowsOf(ranks);
  const zeros = rows.map(() => new Float64Array(2));
  const [mrr, hitRate] = pairedDeltas(clusterDifferences(rows, zeros, groups), { seed });
  const gains = none && pairedDeltas(clusterDifferences(rows, rowsOf(none), groups), { seed });
  return {
    mrr: intervalOf(mrr!),
    hitRate: intervalOf(hitRate!),
    gain: gains && { mrr: gains[0]!, hitRate: gains[1]!, verdict: verdictOf(gains[0]!) },
  };
}

/** [reciprocal rank, hit] of every question. */
function rowsOf(ranks: readonly (number | null)[]): Float64Array[] {
  return ranks.map((rank) => (rank === null ? new Float64Array(2) : Float64Array.of(1 / rank, 1)));
}

function intervalOf({ value, low, high }: Delta): Interval {
  return { value, low, high };
}
