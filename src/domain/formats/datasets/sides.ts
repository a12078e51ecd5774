import type { Dataset, Query } from "../../data/dataset.ts";
import type { DatasetSplit, RetrievalData } from "./dataset-format.ts";

export type Side = "train" | "test";

/** What became of one split that a dataset's files name. */
export interface SplitUse {
  readonly name: string; // as its file is called: "train", "dev", "test"
  readonly questions: number; // of this split on its side; those of no side count as they are in the file
  readonly side: Side | null; // null: left out
  readonly elsewhere?: number; // questions that a test split holds too; they stay with the test
}

/** The questions of one split with the passages they need. */
export interface SplitPart {
  readonly name: string;
  readonly side: Side;
  readonly dataset: Dataset;
}

export interface Sides {
  readonly parts: readonly SplitPart[]; // those for training first
  readonly uses: readonly SplitUse[]; // in the order of the dataset
}

type Kind = "train" | "dev" | "test" | "other";

/**
 * A dataset by its own splits, one part a split. The test is judged over the whole corpus, as it is where the set was
 * published; a training part brings the passages that its questions name. Without a test split the dev split is the test;
 * beside one it joins the training, from which recipes hold validation questions back. Undefined where the set names no
 * split, or only some that leave one side without questions: then it has to be divided anew. A set of one split is one side.
 */
export function sidesOf({ dataset, splits = [] }: RetrievalData): Sides | undefined {
  const [only] = splits;
  if (!only) return undefined;
  if (splits.length === 1) {
    const side = kindOf(only.name) === "train" ? "train" : "test";
    const { name, queries } = only;
    return { parts: [{ name, side, dataset }], uses: [{ name, side, questions: queries.length }] };
  }
  const kinds = splits.map(({ name }) => kindOf(name));
  const testKind: Kind = kinds.includes("test") ? "test" : "dev";
  const sideOf = (kind: Kind): Side | null =>
    kind === "other" ? null : kind === testKind ? "test" : "train";
  const sides = kinds.map(sideOf);
  const judged = new Set(splits.flatMap(({ queries }, index) => (sides[index] === "test" ? queries : [])));
  const taken = splits.map(({ queries }, index) =>
    sides[index] === "train" ? queries.filter((id) => !judged.has(id)) : queries,
  );
  const filled = (side: Side): boolean =>
    sides.some((own, index) => own === side && taken[index]!.length > 0);
  if (!filled("train") || !filled("test")) return undefined;
  const parts = splits.flatMap(({ name }, index): SplitPart[] => {
    const side = sides[index]!;
    if (side === null || taken[index]!.length === 0) return [];
    return [{ name, side, dataset: partOf(dataset, taken[index]!, side) }];
  });
  const order = (part: SplitPart): number => (part.side === "train" ? 0 : 1);
  return {
    parts: parts.sort((one, other) => order(one) - order(other)),
    uses: splits.map((split, index) => useOf(split, sides[index]!, taken[index]!)),
  };
}

function useOf({ name, queries }: DatasetSplit, side: Side | null, taken: readonly string[]): SplitUse {
  const elsewhere = queries.length - taken.length;
  return { name, side, questions: taken.length, ...(elsewhere > 0 ? { elsewhere } : {}) };
}

function partOf({ queries, passages }: Dataset, ids: readonly string[], side: Side): Dataset {
  const members = new Set(ids);
  const own = queries.filter(({ id }) => members.has(id));
  if (side === "test") return { queries: own, passages };
  const named = new Set(own.flatMap(namedPassages));
  return { queries: own, passages: passages.filter(({ id }) => named.has(id)) };
}

function namedPassages({ relevant, negatives = [] }: Query): readonly string[] {
  return [...relevant.map(({ passage }) => passage), ...negatives];
}

function kindOf(name: string): Kind {
  if (/^train/i.test(name)) return "train";
  if (/^(?:dev|val)/i.test(name)) return "dev";
  return /^(?:test|eval)/i.test(name) ? "test" : "other";
}
