// What the language model says about passages, which supervises the retriever (Lin et al. 2023, arXiv 2310.01352):
//
//   p_LSR(c | x, y) = exp(ℓ(c)/τ) / Σ_{c'} exp(ℓ(c')/τ)        over a question's candidates
//   ℓ(c)            = (1/|y|) Σ_t ln p_LM(y_t | c ∘ x, y_<t)
//
// The paper takes the likelihood of the whole answer; divided by its length, τ means the same for short and long answers. That is
// our variant. Each (model, question, passage, answer) is scored once: scoring costs a forward pass a candidate.
import { renderedRows } from "../../chat/rendered-row.ts";
import { sha256 } from "../../data/hash.ts";
import type { LanguageModel } from "../../generate/language-model.ts";
import type { RunControl } from "../../ports.ts";
import { fittingQuestion } from "../answered.ts";
import type { RaditExample } from "./radit-example.ts";

/** Where scores are kept between runs, by SHA-256 of what they depend on. */
export interface LikelihoodCache {
  get(key: string): number | undefined;
  set(key: string, value: number): void;
}

interface ScoredPair {
  readonly example: Pick<RaditExample, "question" | "answer">;
  readonly passage: string;
}

/**
 * ℓ of every candidate of every row, in nats a token: [rows][candidates]. `modelHash` identifies the model's weights. A passage that
 * is too long for the model's positions counts as none.
 */
export async function answerLikelihoods(
  model: LanguageModel,
  modelHash: string,
  rows: readonly { readonly example: RaditExample; readonly passages: readonly string[] }[],
  cache: LikelihoodCache = new Map<string, number>(),
  control?: RunControl,
): Promise<readonly Float64Array[]> {
  const pairs = rows.flatMap(({ example, passages }) => passages.map((passage) => ({ example, passage })));
  const keys = await Promise.all(pairs.map((pair) => keyOf(modelHash, pair)));
  const open = [...new Map(keys.map((key, at) => [key, pairs[at]!]))].filter(
    ([key]) => cache.get(key) === undefined,
  );
  const sequences = open.map(([, pair]) => {
    const { question, answer: content } = pair.example;
    const room = model.format.promptIds({ messages: [{ role: "user", content }] }).length;
    const { messages } = fittingQuestion(model, [pair.passage], question, room);
    const answer = { role: "assistant", content } as const;
    return renderedRows(model.format, { messages: [...messages, answer] }, { learn: "last-answer" })[0]!;
  });
  const scores = await model.score(sequences, control);
  for (const [at, [key]] of open.entries()) {
    const { loss, tokens } = scores[at]!;
    cache.set(key, -loss / Math.max(1, tokens));
  }
  let at = 0;
  return rows.map(({ passages }) => Float64Array.from(passages, () => cache.get(keys[at++]!)!));
}

function keyOf(modelHash: string, { example, passage }: ScoredPair): Promise<string> {
  return sha256(JSON.stringify([modelHash, example.question, passage, example.answer]));
}

/** p_LSR of one question's candidates; sums to 1. */
export function supervisedShares(likelihoods: Float64Array, temperature: number): Float64Array {
  return softmax(likelihoods.map((value) => value / temperature));
}

/** KL(p ‖ q) in nats. */
export function divergence(p: Float64Array, q: Float64Array): number {
  return p.reduce(
    (sum, own, at) => (own > 0 ? sum + own * (Math.log(own) - Math.log(Math.max(q[at]!, FLOOR))) : sum),
    0,
  );
}

/** The smallest share that a target has: ln of it bounds the gradient of what the model rules out. */
export const FLOOR = 1e-9;

export function softmax(scores: Float64Array): Float64Array {
  const largest = scores.reduce((most, value) => Math.max(most, value), -Infinity);
  const powers = scores.map((value) => Math.exp(value - largest));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}
