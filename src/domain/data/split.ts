import { RetuneError } from "../../engine/errors.ts";
import { groupsOf, type Dataset } from "./dataset.ts";
import { joinedSets } from "./groups.ts";
import { CounterRandom } from "../random.ts";

export interface Split {
  readonly parts: readonly Dataset[]; // one a share, in the order of the shares
  readonly groups: readonly number[]; // how many groups (documents or passages) each part got
}

/**
 * Splits a dataset by group, so that no document (see groupsOf) has questions on both sides. A part holds its queries,
 * in file order, and the passages of its groups; a passage without questions goes with its document, or, where the
 * document has none either, to the part that is furthest below its share. Same seed, same split. A passage of another
 * part that a query of this one also names comes along.
 * `shares` are positive and need not sum to 1. Groups named in one set of `together` end up in one part: that which holds
 * most of the set's queries, unless this would leave another part empty; all other groups stay where the seed put them.
 * Error "too-little-data" when there are fewer groups than shares.
 */
export function splitByGroup(
  dataset: Dataset,
  shares: readonly number[],
  seed = 0,
  together: readonly (readonly string[])[] = [],
): Split {
  const groups = groupsOf(dataset);
  const names = [...new Set(groups)];
  if (names.length < shares.length) {
    throw new RetuneError(
      "too-little-data",
      `split: ${names.length} documents with questions cannot fill ${shares.length} parts; add documents`,
    );
  }
  const sizes = countBy(groups);
  const order = [...new CounterRandom(seed).permutation(names.length)];
  const part = assign(
    order.map((index) => names[index]!),
    sizes,
    shares,
  );
  for (const set of joinedSets(together)) gather(set, part, sizes, shares.length);
  const partOfPassage = placePassages(dataset, groups, part, shares);
  const parts = shares.map((_, index): Dataset => ({
    queries: dataset.queries.filter((_query, row) => part.get(groups[row]!) === index),
    passages: dataset.passages.filter((passage) => partOfPassage.get(passage.id) === index),
  }));
  const counts = shares.map((_, index) => names.filter((name) => part.get(name) === index).length);
  return { parts: parts.map((own) => withReferences(own, dataset)), groups: counts };
}

/** Largest groups are not sorted first: order is the shuffle's, each group goes where the share lacks most. */
function assign(
  names: readonly string[],
  sizes: ReadonlyMap<string, number>,
  shares: readonly number[],
): Map<string, number> {
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const whole = shares.reduce((sum, share) => sum + share, 0);
  const missing = shares.map((share) => (share / whole) * total);
  const filled = shares.map(() => 0);
  const part = new Map<string, number>();
  for (const [position, name] of names.entries()) {
    const empty = filled.filter((count) => count === 0).length;
    const forced = names.length - position <= empty; // every part gets at least one group
    const candidates = shares.map((_, index) => index).filter((index) => !forced || filled[index] === 0);
    const choice = candidates.reduce((best, index) => (missing[index]! > missing[best]! ? index : best));
    part.set(name, choice);
    missing[choice]! -= sizes.get(name)!;
    filled[choice]!++;
  }
  return part;
}

/** Brings the groups of a set into the part that holds most of their queries; the first of equals. */
function gather(
  set: readonly string[],
  part: Map<string, number>,
  sizes: ReadonlyMap<string, number>,
  parts: number,
): void {
  const known = set.filter((name) => part.has(name));
  const held = Array.from({ length: parts }, () => 0);
  for (const name of known) held[part.get(name)!]! += sizes.get(name)!;
  const target = held.indexOf(Math.max(...held));
  const moving = new Set(known.filter((name) => part.get(name) !== target));
  const left = new Set([...part].flatMap(([name, index]) => (moving.has(name) ? [] : [index])));
  if (left.size < parts) return;
  for (const name of moving) part.set(name, target);
}

function placePassages(
  dataset: Dataset,
  groups: readonly string[],
  part: ReadonlyMap<string, number>,
  shares: readonly number[],
): Map<string, number> {
  const result = new Map<string, number>();
  for (const [row, query] of dataset.queries.entries()) {
    const index = part.get(groups[row]!)!;
    for (const { passage } of query.relevant) if (!result.has(passage)) result.set(passage, index);
  }
  const ofDocument = new Map<string, number>();
  for (const [name, index] of part) {
    if (name.startsWith("document:")) ofDocument.set(name.slice("document:".length), index);
  }
  const counts = shares.map((_, index) => [...result.values()].filter((value) => value === index).length);
  for (const { id, document } of dataset.passages) {
    if (result.has(id)) continue;
    let index = document === undefined ? undefined : ofDocument.get(document);
    if (index === undefined) {
      index = shares.reduce(
        (best, share, own) => (counts[own]! / share < counts[best]! / shares[best]! ? own : best),
        0,
      );
      if (document !== undefined) ofDocument.set(document, index);
    }
    result.set(id, index);
    counts[index]!++;
  }
  return result;
}

/** A query may name passages of a second document: they come along, or its judgements would point nowhere. */
function withReferences(own: Dataset, whole: Dataset): Dataset {
  const needed = new Set(own.queries.flatMap((query) => query.relevant.map(({ passage }) => passage)));
  const present = new Set(own.passages.map((passage) => passage.id));
  const passages = whole.passages.filter(({ id }) => present.has(id) || needed.has(id));
  return { queries: own.queries, passages };
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
