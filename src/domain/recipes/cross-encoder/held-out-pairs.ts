import type { RerankDataset, RerankQuery } from "../../data/rerank-dataset.ts";
import { averagePrecision } from "../../eval/rerank.ts";
import { CounterRandom } from "../../random.ts";
import type { TokenSequence } from "../../text/pack.ts";
import type { SequenceTokenizer } from "../../text/wordpiece.ts";
import type { CrossEncoderLook, CrossEncoderLoss } from "./cross-encoder-job.ts";

/** Questions to train on and questions to look at, whole groups on one side; with fewer than 5 groups nothing is held out. */
export function holdOut(
  dataset: RerankDataset,
  share: number,
  seed: number,
): { readonly train: RerankDataset; readonly held: RerankDataset | undefined } {
  const groups = [...new Set(dataset.queries.map(({ group }) => group))];
  if (groups.length < 5) return { train: dataset, held: undefined };
  const wanted = share * dataset.queries.length;
  const sizes = new Map<string, number>();
  for (const { group } of dataset.queries) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const out = new Set<string>();
  let taken = 0;
  for (const index of CounterRandom.stream(seed, 32).permutation(groups.length)) {
    if (taken >= wanted && out.size > 0) break;
    out.add(groups[index]!);
    taken += sizes.get(groups[index]!)!;
  }
  const part = (held: boolean): readonly RerankQuery[] =>
    dataset.queries.filter(({ group }) => out.has(group) === held);
  return { train: { ...dataset, queries: part(false) }, held: { ...dataset, queries: part(true) } };
}

/** Held-out questions with their pairs as token ids, and which of them are right. */
export class HeldOutPairs {
  readonly sequences: readonly TokenSequence[];
  readonly questions: number;
  readonly #starts: readonly number[];
  readonly #right: readonly boolean[];

  constructor(dataset: RerankDataset, tokenizer: SequenceTokenizer, maxTokens: number) {
    const judged = dataset.queries.map((query) => ({ query, right: rightOf(query, dataset.scores) }));
    const kept = judged.filter(({ right }) => right.includes(true) && right.includes(false));
    let start = 0;
    this.#starts = kept.map(({ right }) => (start += right.length) - right.length);
    this.#right = kept.flatMap(({ right }) => right);
    this.questions = kept.length;
    this.sequences = kept.flatMap(({ query }) =>
      query.candidates.map(({ text }) => tokenizer.encodePair(query.text, text, maxTokens)),
    );
  }

  /** Judges logits of `sequences`: each question's candidates against each other, and all pairs together. */
  look(step: number, logits: Float32Array): CrossEncoderLook {
    let sum = 0;
    for (const [index, start] of this.#starts.entries()) {
      const end = this.#starts[index + 1] ?? logits.length;
      sum += reciprocalRank(logits.subarray(start, end), this.#right.slice(start, end));
    }
    const pairs = Array.from(logits, (score, index) => ({ score, right: this.#right[index]! }));
    return { step, mrr: sum / Math.max(1, this.questions), averagePrecision: averagePrecision(pairs) };
  }
}

/** Right: a label of at least 0.5; of a teacher's scores the best one. */
function rightOf({ candidates }: RerankQuery, scores: RerankDataset["scores"]): boolean[] {
  const best = Math.max(...candidates.map(({ score }) => score));
  return candidates.map(({ score }) => (scores === "labels" ? score >= 0.5 : score === best));
}

/** Equal scores count as worse, so that a model that says the same of everything earns nothing. */
function reciprocalRank(scores: Float32Array, right: readonly boolean[]): number {
  let best = Infinity;
  for (const [index, own] of scores.entries()) {
    if (!right[index]) continue;
    let rank = 1;
    for (const [other, score] of scores.entries()) if (!right[other] && score >= own) rank++;
    best = Math.min(best, rank);
  }
  return best <= 10 ? 1 / best : 0;
}

/** By what looks are compared: listwise and margin losses promise an order within a question only. */
export function merit(look: CrossEncoderLook, loss: CrossEncoderLoss): number {
  return loss === "bce" ? look.averagePrecision : look.mrr;
}
