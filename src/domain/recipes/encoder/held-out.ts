// Looks at questions held out of training, judged inside the search a person would run: BM25 and cosine, z-scored per question,
// equal weights (eval/fusion.ts). Embedding the passages is what a look costs, so they are as many as keep all looks
// together below a quarter of the training: the right ones first, then others of the file at random.
import { passageIndex, type Dataset, type Passage } from "../../data/dataset.ts";
import { LexicalIndex } from "../../eval/bm25.ts";
import { cosineScores } from "../../eval/dense.ts";
import { EQUAL_WEIGHTS, fuse, fusionOf } from "../../eval/fusion.ts";
import { idOrder, meanReciprocalRank, rankOf } from "../../eval/metrics.ts";
import { rowOf, type Matrix } from "../../matrix.ts";
import { CounterRandom } from "../../random.ts";
import type { TokenSequence } from "../../text/pack.ts";
import type { EncoderSet, ValidationSet } from "./encoder-set.ts";
import { judgementsOf } from "../judgements.ts";

const MOST_QUESTIONS = 500;
const LOOKS_SHARE = 0.25; // of what the training computes
const TRAINING_FACTOR = 3; // forward and backward against forward alone

/** Turns texts into vectors by the weights under training. */
export type EmbedSequences = (sequences: readonly TokenSequence[]) => Promise<Float32Array>;

/** Tokens that each of `looks` looks may embed. */
export function lookBudget(trainingTokens: number, looks: number): number {
  return (LOOKS_SHARE * TRAINING_FACTOR * trainingTokens) / Math.max(1, looks);
}

/** Reciprocal ranks at 10 of every held-out question, which a ladder compares in pairs. */
export interface HeldOutRanks {
  readonly dense: Float64Array;
  readonly hybrid: Float64Array;
}

/** The held-out questions and the passages they are ranked among. */
export class HeldOutQuestions {
  readonly questions: number;
  readonly tokens: number; // of a look
  readonly #queries: readonly TokenSequence[];
  readonly #passages: readonly TokenSequence[];
  readonly #positives: readonly (readonly number[])[];
  readonly #lexical: Matrix; // [Q, N]
  readonly #order: Uint32Array;

  constructor(held: ValidationSet, among: EncoderSet | null, tokensALook: number, seed: number) {
    const { queries, positives } = chosenQuestions(held, seed);
    this.questions = queries.length;
    this.#queries = queries.map((index) => held.tokens.queries[index]!);
    const pool = choosePassages(held, among, new Set(queries.flatMap((query) => positives[query]!)), {
      tokens: tokensALook - this.#queries.reduce((sum, { ids }) => sum + ids.length, 0),
      seed,
    });
    this.#passages = pool.map(({ tokens }) => tokens);
    const places = new Map(pool.map(({ passage }, place) => [passage.id, place]));
    const ids = held.dataset.passages.map(({ id }) => id);
    this.#positives = queries.map((query) => positives[query]!.map((passage) => places.get(ids[passage]!)!));
    const lexical = new LexicalIndex(pool.map(({ passage }) => passage.text));
    this.#lexical = lexical.scores(queries.map((query) => held.dataset.queries[query]!.text));
    this.#order = idOrder(pool.map(({ passage }) => passage.id));
    this.tokens = [...this.#queries, ...this.#passages].reduce((sum, { ids: own }) => sum + own.length, 0);
  }

  /** How the held-out questions are answered by the weights as they are now. */
  async look(embed: EmbedSequences): Promise<HeldOutRanks & { dense10: number; hybrid10: number }> {
    const queries = matrixOf(await embed(this.#queries), this.#queries.length);
    const passages = matrixOf(await embed(this.#passages), this.#passages.length);
    const dense = cosineScores(queries, passages);
    const hybrid = fuse(dense, this.#lexical, fusionOf(EQUAL_WEIGHTS));
    const [denseRanks, hybridRanks] = [this.#ranks(dense), this.#ranks(hybrid)];
    return {
      dense: denseRanks.map(reciprocal),
      hybrid: hybridRanks.map(reciprocal),
      dense10: meanReciprocalRank(denseRanks),
      hybrid10: meanReciprocalRank(hybridRanks),
    };
  }

  #ranks(scores: Matrix): Float64Array {
    return Float64Array.from(this.#positives, (wanted, query) =>
      Math.min(...wanted.map((passage) => rankOf(rowOf(scores, query), passage, this.#order))),
    );
  }
}

function reciprocal(rank: number): number {
  return rank <= 10 ? 1 / rank : 0;
}

function matrixOf(values: Float32Array, rows: number): Matrix {
  return { rows, columns: values.length / rows, values };
}

function chosenQuestions(held: ValidationSet, seed: number) {
  const { usable, positives } = judgementsOf(held.dataset);
  const order = CounterRandom.stream(seed, 31).permutation(usable.length);
  const queries = Array.from(order.subarray(0, MOST_QUESTIONS), (place) => usable[place]!).sort(
    (a, b) => a - b,
  );
  return { queries, positives };
}

interface Pooled {
  readonly passage: Passage;
  readonly tokens: TokenSequence;
}

/** The right passages, then others of the held-out set and of the training file at random, within the budget. */
function choosePassages(
  held: ValidationSet,
  among: EncoderSet | null,
  right: ReadonlySet<number>,
  { tokens, seed }: { readonly tokens: number; readonly seed: number },
): Pooled[] {
  const own = pooledOf(held.dataset, held.tokens.passages);
  const known = passageIndex(held.dataset);
  const others = among
    ? pooledOf(among.dataset, among.tokens.passages).filter(({ passage }) => !known.has(passage.id))
    : [];
  const rest = [...own.filter((_, index) => !right.has(index)), ...others];
  const pool = own.filter((_, index) => right.has(index));
  let used = pool.reduce((sum, each) => sum + each.tokens.ids.length, 0);
  for (const index of CounterRandom.stream(seed, 32).permutation(rest.length)) {
    used += rest[index]!.tokens.ids.length;
    if (used > tokens) break;
    pool.push(rest[index]!);
  }
  return pool;
}

function pooledOf({ passages }: Dataset, tokens: readonly TokenSequence[]): Pooled[] {
  return passages.map((passage, index) => ({ passage, tokens: tokens[index]! }));
}
