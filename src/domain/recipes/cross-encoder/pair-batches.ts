// Which pairs train together. BCE looks at single pairs; listwise cross-entropy and MarginMSE need all candidates of a
// question in one batch. A batch is a pure function of (data, epoch, seed), so a resumed run sees the same ones.
import type { Feeds } from "../../../engine/backend.ts";
import type { RerankDataset } from "../../data/rerank-dataset.ts";
import { CounterRandom } from "../../random.ts";
import type { TokenSequence } from "../../text/pack.ts";
import type { SequenceTokenizer } from "../../text/wordpiece.ts";
import type { CrossEncoderLoss } from "./cross-encoder-job.ts";

/** What is never torn apart: one pair, or all pairs of a question. */
export interface PairUnit {
  readonly sequences: readonly TokenSequence[];
  readonly scores: readonly number[];
}

/** Tokenised once; a text that many questions share is tokenised with each, as pairs are cut together. */
export function unitsOf(
  { queries }: RerankDataset,
  tokenizer: SequenceTokenizer,
  maxTokens: number,
  loss: CrossEncoderLoss,
): readonly PairUnit[] {
  const whole = queries.map(({ text, candidates }): PairUnit => ({
    sequences: candidates.map((candidate) => tokenizer.encodePair(text, candidate.text, maxTokens)),
    scores: candidates.map(({ score }) => score),
  }));
  if (loss !== "bce") return whole.filter(({ scores }) => new Set(scores).size > 1); // equal scores teach no order
  return whole.flatMap(({ sequences, scores }) =>
    sequences.map((sequence, index) => ({ sequences: [sequence], scores: [scores[index]!] })),
  );
}

/** Units of each batch of an epoch: shuffled, or in file order; the last batch may be short. */
export function epochOf(
  units: number,
  batchSize: number,
  epoch: number,
  seed: number,
  shuffled: boolean,
): readonly (readonly number[])[] {
  const order = shuffled
    ? CounterRandom.stream(seed, 4000 + epoch).permutation(units)
    : Uint32Array.from({ length: units }, (_, index) => index);
  return Array.from({ length: Math.ceil(units / batchSize) }, (_, batch) =>
    Array.from(order.subarray(batch * batchSize, (batch + 1) * batchSize)),
  );
}

/** Right pairs and wrong ones, a label between 0 and 1 counting in part. */
export function balanceOf({ queries }: RerankDataset): { readonly right: number; readonly wrong: number } {
  const scores = queries.flatMap(({ candidates }) => candidates.map(({ score }) => score));
  const right = scores.reduce((sum, score) => sum + score, 0);
  return { right, wrong: scores.length - right };
}

/** What the loss reads beside the logits, for `segments` rows of which the first belong to the units. */
export function lossFeeds(
  loss: CrossEncoderLoss,
  units: readonly PairUnit[],
  segments: number,
  batchSize: number,
): Feeds {
  if (loss === "bce") return bceFeeds(units, segments);
  return loss === "listwise" ? listwiseFeeds(units, segments, batchSize) : marginFeeds(units, segments);
}

function bceFeeds(units: readonly PairUnit[], segments: number): Feeds {
  const scores = units.flatMap((unit) => unit.scores);
  const labels = new Float32Array(segments);
  labels.set(scores);
  const shares = new Float32Array(segments).fill(1 / scores.length, 0, scores.length);
  return { labels, shares };
}

const OTHER_QUESTION = -1e9; // added to a logit it leaves nothing of its share

/** Targets are the scores of a question over their sum. */
function listwiseFeeds(units: readonly PairUnit[], segments: number, batchSize: number): Feeds {
  const mask = new Float32Array(batchSize * segments).fill(OTHER_QUESTION);
  const targets = new Float32Array(batchSize * segments);
  const identity = new Float32Array(segments * segments);
  for (let index = 0; index < segments; index++) identity[index * segments + index] = 1;
  let start = 0;
  for (const [row, { scores }] of units.entries()) {
    const lowest = Math.min(0, ...scores); // a teacher's logits may be negative; only shares are needed
    const total = scores.reduce((sum, score) => sum + score - lowest, 0);
    for (const [index, score] of scores.entries()) {
      const at = row * segments + start + index;
      mask[at] = 0;
      targets[at] = (score - lowest) / total;
    }
    start += scores.length;
  }
  return { mask, targets, identity, correction: batchSize / units.length };
}

/** The best candidate of each question against each other one. */
function marginFeeds(units: readonly PairUnit[], segments: number): Feeds {
  const differences = new Float32Array(segments * segments);
  const margins = new Float32Array(segments);
  const shares = new Float32Array(segments);
  const count = units.reduce((sum, { scores }) => sum + scores.length - 1, 0);
  let start = 0;
  for (const { scores } of units) {
    const best = scores.indexOf(Math.max(...scores));
    for (const [index, score] of scores.entries()) {
      if (index === best) continue;
      const row = start + index;
      differences[row * segments + start + best] = 1;
      differences[row * segments + row] = -1;
      margins[row] = scores[best]! - score;
      shares[row] = 1 / count;
    }
    start += scores.length;
  }
  return { differences, margins, shares };
}
