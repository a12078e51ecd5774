import { RetuneError } from "../../engine/errors.ts";
import { splitByGroup } from "../data/split.ts";
import type { LabExample, LabSides, LabTask } from "./lab-task.ts";

/** The share of rows that is held out where no file for it is given. */
export const HELD_OUT_SHARE = 0.2;

interface SplitSettings<Example> {
  readonly share?: number; // of rows held out
  readonly seed?: number;
  readonly test?: readonly Example[]; // rows of a second file: then nothing of the first is held out
}

/**
 * Holds out about `share` of the rows by whole groups, in file order on both sides; as the task says where it has its own
 * way. Same seed, same split. Throws "too-little-data" where all rows are of one group.
 */
export function splitRows<Example extends LabExample>(
  task: Pick<LabTask<Example>, "sides">,
  examples: readonly Example[],
  { share = HELD_OUT_SHARE, seed = 0, test }: SplitSettings<Example> = {},
): LabSides<Example> {
  if (task.sides) return task.sides(examples, share, seed, test);
  return test ? { train: examples, test } : byGroups(examples, share, seed);
}

/** Two sides without a common group. */
export function byGroups<Example extends LabExample>(
  examples: readonly Example[],
  share: number,
  seed: number,
): LabSides<Example> {
  const groups = [...new Set(examples.map(({ group }) => group))];
  if (groups.length < 2) {
    const what = `${examples.length} rows of one group (${groups[0] ?? "none"}) cannot be parted into rows to learn`;
    const next = "give a second file with rows of other groups";
    throw new RetuneError("too-little-data", `${what} and rows to judge by; ${next}`);
  }
  const passages = groups.map((group) => ({ id: group, text: "" }));
  const queries = examples.map(({ group }, row) => {
    return { id: String(row), text: "", group, relevant: [{ passage: group, grade: 1 }] };
  });
  const { parts } = splitByGroup({ queries, passages }, [1 - share, share], seed);
  const [train, test] = parts.map((part) => part.queries.map(({ id }) => examples[Number(id)]!));
  return { train: train!, test: test! };
}

const LOOKED_AT = 10; // of so many learnt groups one is looked at instead

/**
 * Learnt rows, and those whose loss chooses the best step: every tenth group. Where groups are few, or the task asks about what was
 * learnt, all is learnt and the last step is kept.
 */
export function partedForLooking<Example extends LabExample>(
  task: Pick<LabTask<Example>, "sides">,
  examples: readonly Example[],
): { readonly train: readonly Example[]; readonly look: readonly Example[] } {
  const groups = [...new Set(examples.map(({ group }) => group))];
  if (task.sides || groups.length < LOOKED_AT) return { train: examples, look: [] };
  const held = new Set(groups.filter((_, index) => index % LOOKED_AT === LOOKED_AT - 1));
  return {
    train: examples.filter(({ group }) => !held.has(group)),
    look: examples.filter(({ group }) => held.has(group)),
  };
}

/** At most `count` rows, spread evenly over all, in their order. */
export function evenly<Example>(examples: readonly Example[], count: number): readonly Example[] {
  if (examples.length <= count) return examples;
  return Array.from(
    { length: count },
    (_, index) => examples[Math.floor((index * examples.length) / count)]!,
  );
}

/** Groups with rows on both sides: where two files are given, nothing else keeps them apart. */
export function sharedGroups({ train, test }: LabSides): readonly string[] {
  const learnt = new Set(train.map(({ group }) => group));
  return [...new Set(test.map(({ group }) => group))].filter((group) => learnt.has(group));
}
