import { RetuneError } from "../../engine/errors.ts";
import { groupsOf, passageIndex, type Dataset } from "../data/dataset.ts";
import type { Matrix } from "../matrix.ts";
import { CounterRandom } from "../random.ts";
import { Fingerprint } from "./fingerprint.ts";
import { judgementsOf } from "./judgements.ts";

/** A training file with its vectors; `queries` are those trained on: after the instruction where one is set. */
export interface TrainingData {
  readonly dataset: Dataset;
  readonly queries: Matrix; // [Q, D]
  readonly corpus: Matrix; // [N, D]
}

/** The same as numbers: everything by position in the file. */
export interface PreparedData extends TrainingData {
  readonly usable: Uint32Array; // questions with a positive, ascending
  readonly first: Uint32Array; // [Q]: passage of the first judgement, LlamaIndex's only one
  readonly positives: readonly (readonly number[])[]; // [Q]: passages with a grade above 0, each once
  readonly copyOf: Uint32Array; // [N]: the first passage of equal text
  readonly groups: readonly string[]; // [Q]
}

/** Checks a training file against its vectors. Errors: E_MISMATCH for sizes, "too-little-data" without a usable question. */
export function prepareData(data: TrainingData): PreparedData {
  const { dataset, queries, corpus } = data;
  const [asked, written] = [dataset.queries.length, dataset.passages.length];
  if (queries.rows !== asked || corpus.rows !== written || queries.columns !== corpus.columns) {
    throw new RetuneError(
      "E_MISMATCH",
      `training: ${asked} questions and ${written} passages came with vectors [${queries.rows}, ${queries.columns}] and ` +
        `[${corpus.rows}, ${corpus.columns}]; one row a text, one model for both`,
    );
  }
  const { positives, usable, copyOf } = judgementsOf(dataset);
  if (usable.length < 2) {
    throw new RetuneError(
      "too-little-data",
      `training: ${usable.length} of ${asked} questions name a relevant passage; at least 2 are needed, 100 to learn from`,
    );
  }
  const places = passageIndex(dataset);
  const first = Uint32Array.from(dataset.queries, ({ relevant }) => places.get(relevant[0]!.passage)!);
  return { ...data, usable, first, positives, copyOf, groups: groupsOf(dataset) };
}

/**
 * Fold of every usable question, by position in `usable`: whole groups, in random order, each to the fold with the
 * fewest questions. Fewer groups than folds give that many folds.
 */
export function foldsOf({ usable, groups }: PreparedData, count: number, seed: number): Uint32Array {
  const own = Array.from(usable, (query) => groups[query]!);
  const names = [...new Set(own)];
  const sizes = new Map<string, number>();
  for (const name of own) sizes.set(name, (sizes.get(name) ?? 0) + 1);
  const filled = new Array<number>(Math.min(count, names.length)).fill(0);
  const foldOf = new Map<string, number>();
  for (const index of CounterRandom.stream(seed, 21).permutation(names.length)) {
    const fold = filled.indexOf(Math.min(...filled));
    foldOf.set(names[index]!, fold);
    filled[fold]! += sizes.get(names[index]!)!;
  }
  return Uint32Array.from(own, (name) => foldOf.get(name)!);
}

/** A short hash of settings, judgements and vectors, to refuse the saved state of another run (not for security). */
export function fingerprintOf(data: PreparedData, settings: object): string {
  const fingerprint = new Fingerprint().floats(data.queries.values).floats(data.corpus.values);
  for (const found of data.positives) for (const word of [found.length, ...found]) fingerprint.word(word);
  return fingerprint.text(JSON.stringify(settings)).hash;
}
