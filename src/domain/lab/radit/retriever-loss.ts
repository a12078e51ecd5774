//   L = (1/B) Σᵢ KL( p_R(· | xᵢ) ‖ p_LSR(· | xᵢ, yᵢ) ),     p_R = softmax(cos(adapter(xᵢ), c)/τ) over the candidates of question i
//
// RA-DIT's retriever half (arXiv 2310.01352, eq. 5): p_LSR is constant, so with s = cos/τ
//   ∂L/∂s_c = (1/B) · p_R(c) · (ln p_R(c) − ln p_LSR(c) − KL)
// Only questions move: vectors of passages stay as they are, and need not be made again. Not to be mixed up with the other
// direction, KL(p_LSR ‖ p_R), that distils re-rankers (losses/kl-distillation.ts): this one forgives the retriever what it
// does not rank. Cosines are at most 1, so exp((cos − 1)/τ) never overflows.
import type { Tensor } from "../../../engine/graph.ts";
import { exp, log } from "../../../engine/ops/activations.ts";
import { add, divide, multiply, scaleBy, subtract } from "../../../engine/ops/elementwise.ts";
import { matmul } from "../../../engine/ops/matmul.ts";
import { rowSums, sum } from "../../../engine/ops/reductions.ts";

/** Added to scores of passages that are no candidates of a question: e to the power of it is 0. */
export const NO_CANDIDATE = -1e4;

export interface RetrieverTargets {
  readonly temperature: number; // τ
  readonly logTargets: Tensor; // f32 [B, N]: ln p_LSR at candidates, else 0
  readonly mask: Tensor; // f32 [B, N]: 0 at candidates, else NO_CANDIDATE
}

/** Unit rows: queries [B, D], passages [N, D] → scalar. */
export function retrieverLoss(queries: Tensor, passages: Tensor, targets: RetrieverTargets): Tensor {
  const { temperature, logTargets, mask } = targets;
  const { graph } = queries;
  const cosines = matmul(queries, passages, { transposeB: true });
  const scores = add(scaleBy(subtract(cosines, graph.constant(1)), 1 / temperature), mask);
  const powers = exp(scores);
  const totals = rowSums(powers); // [B, 1]
  const shares = divide(powers, totals);
  const difference = subtract(subtract(scores, log(totals)), logTargets);
  return scaleBy(sum(multiply(shares, difference)), 1 / queries.shape[0]!);
}
