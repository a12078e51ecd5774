// Which questions train together. A batch is questions with one positive passage each; every other passage of the batch is
// a negative, so what stands in a batch is what is learnt.
//   Neighbour batches: ten consecutive passages of a document, one question each, no passage twice; batches in random
//   order. Neighbours speak of one matter, so they are hard negatives for free: +1.5 points of MRR over plain shuffling on
//   the guide's data, both seeds (retrieval.md, point 5).
//   Compatible: sentence-transformers' fit as LlamaIndex calls it: file order, first positive, the short last batch kept.
import { CounterRandom } from "../../random.ts";

/** Questions [b] and the passage each is trained towards [b], by position in the file. */
export interface QuestionBatch {
  readonly questions: readonly number[];
  readonly passages: readonly number[];
}

/** What batches are cut from. */
export interface BatchSource {
  readonly questions: Uint32Array; // trained on, ascending
  readonly positives: readonly (readonly number[])[]; // [Q], at least one for each of `questions`
  readonly copyOf: Uint32Array; // [N]: equal for passages of equal text
  readonly documents: readonly (string | undefined)[]; // [N]
}

/** File order; the same in every epoch. */
export function compatibleEpoch({ questions, positives }: BatchSource, batchSize: number): QuestionBatch[] {
  const batches: QuestionBatch[] = [];
  for (let start = 0; start < questions.length; start += batchSize) {
    const own = Array.from(questions.subarray(start, start + batchSize));
    batches.push({ questions: own, passages: own.map((query) => positives[query]![0]!) });
  }
  return batches;
}

interface Pair {
  readonly question: number;
  readonly passage: number;
  readonly text: number; // copyOf the passage
}

/**
 * Neighbour batches of epoch `epoch`, a pure function of (source, size, epoch, seed). Every question occurs once, with its
 * positive number `epoch` (in turn). A batch has at most `batchSize` questions; sizes differ by one where a round does not
 * divide, rather than leaving a short batch.
 */
export function neighbourEpoch(
  source: BatchSource,
  batchSize: number,
  epoch: number,
  seed: number,
): QuestionBatch[] {
  const random = CounterRandom.stream(seed, 1000 + epoch);
  const rounds = roundsOf(source, epoch, random);
  const batches: Pair[][] = [];
  const leftover: Pair[] = [];
  for (const round of rounds) {
    if (round.length * 2 < batchSize && batches.length > 0) leftover.push(...round);
    else batches.push(...evenRuns(round, batchSize));
  }
  for (const pair of leftover) place(pair, batches, batchSize);
  return Array.from(random.permutation(batches.length), (index) => {
    const own = batches[index]!;
    return { questions: own.map(({ question }) => question), passages: own.map(({ passage }) => passage) };
  });
}

/** Round r holds one question of every passage that has more than r, passages in the order of their documents. */
function roundsOf(source: BatchSource, epoch: number, random: CounterRandom): Pair[][] {
  const { questions, positives, copyOf } = source;
  const ofText = new Map<number, Pair[]>();
  for (const question of questions) {
    const found = positives[question]!;
    const passage = found[epoch % found.length]!;
    const text = copyOf[passage]!;
    ofText.set(text, [...(ofText.get(text) ?? []), { question, passage, text }]);
  }
  const order = documentOrder(source.documents);
  const texts = [...ofText.keys()].sort((a, b) => order[a]! - order[b]!);
  const rounds: Pair[][] = [];
  for (const text of texts) {
    const own = ofText.get(text)!;
    for (const [round, index] of random.permutation(own.length).entries()) {
      (rounds[round] ??= []).push(own[index]!);
    }
  }
  return rounds;
}

/** Place of every passage when documents stand one after the other, by first appearance, each in its own order. */
function documentOrder(documents: readonly (string | undefined)[]): Uint32Array {
  const first = new Map<string | undefined, number>();
  for (const [index, name] of documents.entries()) if (!first.has(name)) first.set(name, index);
  const sorted = documents
    .map((name, index) => ({ index, start: first.get(name)! }))
    .sort((a, b) => a.start - b.start || a.index - b.index);
  const order = new Uint32Array(documents.length);
  for (const [place, { index }] of sorted.entries()) order[index] = place;
  return order;
}

/** ⌈n / size⌉ runs of consecutive pairs, whose lengths differ by at most one. */
function evenRuns(pairs: readonly Pair[], size: number): Pair[][] {
  const count = Math.ceil(pairs.length / size);
  return Array.from({ length: count }, (_, run) =>
    pairs.slice(Math.floor((run * pairs.length) / count), Math.floor(((run + 1) * pairs.length) / count)),
  );
}

/** Into the first batch with room that has no copy of the passage, else beside a pair of a full one: alone it has no negative. */
function place(pair: Pair, batches: Pair[][], batchSize: number): void {
  const lacks = (batch: readonly Pair[]): boolean => batch.every(({ text }) => text !== pair.text);
  const open = batches.find((batch) => batch.length < batchSize && lacks(batch));
  if (open) {
    open.push(pair);
    return;
  }
  const donor = batches.find((batch) => batch.length > 2 && batch.at(-1)!.text !== pair.text);
  batches.push(donor ? [donor.pop()!, pair] : [pair]);
}
