// The next token from its logits z: greedy, argmax z (the smaller id where two are equal); or drawn from
//   p = softmax(z / temperature), cut to the topK likeliest, then to the fewest likeliest whose sum reaches topP, made to sum to 1
// in this order, as transformers' generate. Probabilities are float64; equal ones are ordered by id.
import { RetuneError } from "../../engine/errors.ts";
import type { CounterRandom } from "../random.ts";

export interface SamplingSettings {
  readonly temperature: number; // 0: greedy
  readonly topK: number; // Infinity: all
  readonly topP: number; // 1: all
}

/** Which ids may come next: bit id % 32 of word ⌊id / 32⌋. */
export type TokenMask = Int32Array;

export function allows(mask: TokenMask | undefined, id: number): boolean {
  return mask === undefined || ((mask[id >>> 5]! >>> (id & 31)) & 1) === 1;
}

/** An id of [0, logits.length) that the mask allows. Throws "not-finite" where no logit that may be taken is a number. */
export function nextToken(
  logits: Float32Array,
  settings: SamplingSettings,
  random: CounterRandom,
  mask?: TokenMask,
): number {
  const best = likeliest(logits, mask);
  if (settings.temperature === 0) return best;
  return drawn(logits, logits[best]!, settings, random, mask);
}

function likeliest(logits: Float32Array, mask: TokenMask | undefined): number {
  let best = -1;
  for (let id = 0; id < logits.length; id++) {
    if (allows(mask, id) && (best < 0 ? logits[id]! > -Infinity : logits[id]! > logits[best]!)) best = id;
  }
  if (best >= 0) return best;
  const text = `none of the ${logits.length} logits that may be taken is a finite number`;
  throw new RetuneError("not-finite", `generation: ${text}; the model's weights are broken`);
}

function drawn(
  logits: Float32Array,
  largest: number,
  { temperature, topK, topP }: SamplingSettings,
  random: CounterRandom,
  mask: TokenMask | undefined,
): number {
  let ids: number[] = [];
  const shares = new Float64Array(logits.length);
  for (let id = 0; id < logits.length; id++) {
    if (!allows(mask, id)) continue;
    shares[id] = Math.exp((logits[id]! - largest) / temperature);
    if (shares[id]! > 0) ids.push(id);
  }
  if (topK < ids.length || topP < 1) {
    ids.sort((a, b) => shares[b]! - shares[a]! || a - b);
    ids = nucleus(ids.slice(0, Math.min(topK, ids.length)), shares, topP);
  }
  const total = ids.reduce((sum, id) => sum + shares[id]!, 0);
  let left = random.uniform() * total;
  for (const id of ids) {
    left -= shares[id]!;
    if (left < 0) return id;
  }
  return ids.at(-1)!; // rounding
}

/** The fewest of `ids`, likeliest first, whose part of the whole is `topP`; never none. */
function nucleus(ids: number[], shares: Float64Array, topP: number): number[] {
  const wanted = topP * ids.reduce((sum, id) => sum + shares[id]!, 0);
  let sum = 0;
  const end = ids.findIndex((id) => (sum += shares[id]!) >= wanted);
  return end < 0 ? ids : ids.slice(0, end + 1);
}
