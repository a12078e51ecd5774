import { rightPassages, type Dataset } from "./dataset.ts";
import type { Overlap } from "./duplicates.ts";

/**
 * Ambiguous gold: a right passage of which another passage of the same side holds much word for word. Where only the one
 * is judged right, a search that finds the other is called wrong (of the guide's 395 Uber passages 18 have such a near-copy,
 * trainers.md §10.4).
 */
export interface Tie {
  readonly passage: string; // id of a right passage
  readonly other: string; // id of the near-copy
  readonly share: number; // of the passage's 5-grams that stand in the other
  readonly queries: readonly string[]; // ids that name the passage and not the other
}

/** Near-copies of right passages by side; `copies` are positions in `rows`, the passages of both sides in order. */
export function tiesOf(
  train: Dataset,
  test: Dataset,
  rows: readonly { readonly id: string; readonly side: "train" | "test" }[],
  copies: readonly Overlap[],
): { readonly train: readonly Tie[]; readonly test: readonly Tie[] } {
  const of = (side: "train" | "test", { queries }: Dataset): readonly Tie[] => {
    const naming = new Map<string, { readonly id: string; readonly named: ReadonlySet<string> }[]>();
    for (const query of queries) {
      const named = rightPassages(query);
      for (const passage of named)
        naming.set(passage, [...(naming.get(passage) ?? []), { id: query.id, named }]);
    }
    const own = copies.filter(({ from, to }) => rows[from]!.side === side && rows[to]!.side === side);
    return own
      .map(({ from, to, share }) => {
        const [passage, other] = [rows[from]!.id, rows[to]!.id];
        const asking = (naming.get(passage) ?? []).filter(({ named }) => !named.has(other));
        return { passage, other, share, queries: asking.map(({ id }) => id) };
      })
      .filter((tie) => tie.passage !== tie.other && tie.queries.length > 0)
      .sort((a, b) => b.share - a.share);
  };
  return { train: of("train", train), test: of("test", test) };
}

/** A query's judgements with the near-copies of its right passages added; the same array where nothing is added. */
export function tiedJudgements(
  relevant: Dataset["queries"][number]["relevant"],
  ties: readonly Pick<Tie, "passage" | "other">[],
): Dataset["queries"][number]["relevant"] {
  const right = rightPassages({ relevant });
  const named = new Set(relevant.map(({ passage }) => passage));
  const added = ties.filter(
    ({ passage, other }) => right.has(passage) && !named.has(other) && named.add(other),
  );
  return added.length === 0
    ? relevant
    : [...relevant, ...added.map(({ other }) => ({ passage: other, grade: 1 }))];
}
