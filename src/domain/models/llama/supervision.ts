// What a decoder learns from: cross-entropy of the next token, only where a token is supervised (the response, by default):
//   L = (1/n) Σ over supervised tokens t of −log p(id[t] | id[0 … t − 1])
// A token is predicted by the row before it, so the first of a sequence never counts. Rows that predict nothing never meet the
// head: with a quarter of the tokens supervised that saves three quarters of its work.
//
// Logits never stand all at once: rows go through the head by CHUNK, each checkpointed, so that forward and backward hold
// [CHUNK, vocabulary] and the next chunk takes the same memory. Composed of a product, the softmax loss and checkpointing: exact,
// for one more product with the head (6·V·D instead of 4·V·D operations a row) than a gradient made in the forward pass.
import { checkpointed } from "../../../engine/checkpointed.ts";
import { RetuneError } from "../../../engine/errors.ts";
import type { Feeds } from "../../../engine/backend.ts";
import type { Tensor } from "../../../engine/graph.ts";
import { add, scaleBy } from "../../../engine/ops/elementwise.ts";
import { rows } from "../../../engine/ops/slices.ts";
import { softmaxCrossEntropy } from "../../../engine/ops/softmax-cross-entropy.ts";
import { NO_COLUMN } from "../../../engine/plan.ts";
import { packBatch, roundedUp, type Bucket, type TokenSequence } from "../../text/pack.ts";
import type { LlamaConfig } from "./config.ts";
import type { DecoderInputs } from "./inputs.ts";
import { gather } from "../../../engine/ops/rows.ts";
import { llama, type LlamaOptions } from "./llama.ts";
import type { DecoderWeights } from "./weights.ts";

/** A tokenised example; supervised[t] says whether token t is learnt. */
export interface SupervisedSequence extends TokenSequence {
  readonly supervised: readonly boolean[];
}

const PREDICTING = { step: 32, ratio: 1.25 };

/** Places for rows that predict a supervised token, rounded up so that few executables are compiled. */
export function predictingRows(sequences: readonly SupervisedSequence[]): number {
  return roundedUp(supervisedTokens(sequences), PREDICTING.step, PREDICTING.ratio);
}

/** Tokens that count in the loss: supervised ones with a token before them. */
export function supervisedTokens(sequences: readonly SupervisedSequence[]): number {
  return sequences.reduce((sum, { supervised }) => sum + supervised.slice(1).filter(Boolean).length, 0);
}

const CHUNK = 64; // rows of logits at a time

/**
 * The loss of a batch, a scalar: Σ over its supervised tokens · `share`. Its inputs are fed by `supervisedFeeds`; `places` is
 * `predictingRows` of every batch that runs here. Where the head trains, too, every chunk has a gradient of its size while it runs.
 */
export function supervisedLoss(
  config: LlamaConfig,
  weights: DecoderWeights,
  inputs: DecoderInputs,
  places: number,
  options: LlamaOptions = {},
): Tensor {
  const { graph } = inputs;
  const hidden = llama(config, weights, inputs, options);
  const seen = gather(hidden, graph.input("predicting", "u32", [places]));
  weights.makeHead();
  const losses = chunksOf(places).map(({ from, count }) => {
    const targets = graph.input(targetsName(from), "u32", [count, 1]);
    const loss = checkpointed([rows(seen, from, count)], ([part]) =>
      softmaxCrossEntropy(weights.logits(part!), { positives: targets }),
    );
    return scaleBy(loss, count); // from the mean of its rows to their sum
  });
  return scaleBy(losses.reduce(add), graph.scalar("share"));
}

function chunksOf(places: number): { readonly from: number; readonly count: number }[] {
  return Array.from({ length: Math.ceil(places / CHUNK) }, (_, index) => {
    const from = index * CHUNK;
    return { from, count: Math.min(CHUNK, places - from) };
  });
}

function targetsName(from: number): string {
  return `targets ${from}`;
}

/**
 * Feeds of a packed batch with its loss. The loss is divided by `tokens`: the supervised tokens of the batch, or of all batches
 * whose gradients are added up, so that accumulation gives the mean over all of them. Throws "shape" where something does not fit.
 */
export function supervisedFeeds(
  sequences: readonly SupervisedSequence[],
  bucket: Bucket,
  places: number,
  tokens: number = supervisedTokens(sequences),
): Feeds {
  const { ids, positions, ranges } = packBatch(sequences, bucket);
  const [predicting, targets] = [new Uint32Array(places), new Uint32Array(places).fill(NO_COLUMN)];
  const count = supervisedTokens(sequences);
  if (count > places || tokens < 1) {
    const text = `${count} supervised tokens for ${places} places, divided by ${tokens}`;
    throw new RetuneError(
      "shape",
      `supervised batch: ${text}; use predictingRows, leave out what teaches nothing`,
    );
  }
  let [place, start] = [0, 0];
  for (const { ids: own, supervised } of sequences) {
    for (let token = 1; token < own.length; token++) {
      if (!supervised[token]) continue;
      predicting[place] = start + token - 1;
      targets[place++] = own[token]!;
    }
    start += own.length;
  }
  const chunks = chunksOf(places).map(({ from, count: size }): [string, Uint32Array] => [
    targetsName(from),
    targets.subarray(from, from + size),
  ]);
  return { ids, positions, ranges, predicting, ...Object.fromEntries(chunks), share: 1 / tokens };
}
