//   L = τ² · (1/B) Σᵢ KL( softmax(teacher[i, ·]/τ) ‖ softmax(q[i]·d[·]/τ) )          over the candidates of question i
//
// Hinton et al. 2015, Lin et al. 2020; sentence-transformers' DistillKLDivLoss: the student's order of a question's
// candidates follows a re-ranker's, with its doubts. KL = cross-entropy − entropy of the target, so L falls to 0. It starts
// near ln(candidates) − entropy. The classic mistake: with τ = 1 unit vectors can hardly tell candidates apart
// (scores within ±1), so a confident teacher is never reached; τ 0.05 gives them the range that MNRL's scale 20 does.
import type { Tensor } from "../../engine/graph.ts";
import { log } from "../../engine/ops/activations.ts";
import { add, multiply, scaleBy } from "../../engine/ops/elementwise.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import { sum } from "../../engine/ops/reductions.ts";
import { softmaxCrossEntropy } from "../../engine/ops/softmax-cross-entropy.ts";

/** Added to scores of other questions' documents: e to the power of it is 0. */
export const NOT_A_CANDIDATE = -1e9;

export interface KlOptions {
  readonly temperature: number;
  readonly targets: Tensor; // f32 [B, N]: softmax(teacher/τ) at the candidates of each row, else 0; a row may be empty
  readonly mask: Tensor; // f32 [B, N]: 0 at the candidates of each row, else NOT_A_CANDIDATE
  readonly correction?: Tensor; // []: B / rows with targets
}

/** queries [B, W], documents [N, W] → scalar. */
export function klDistillationLoss(queries: Tensor, documents: Tensor, options: KlOptions): Tensor {
  const { temperature, targets, mask, correction } = options;
  const scores = scaleBy(matmul(queries, documents, { transposeB: true }), 1 / temperature);
  const cross = softmaxCrossEntropy(add(scores, mask), { targets });
  const shifted = add(targets, queries.graph.constant(1e-30)); // 0 · ln 0 is 0
  const minusEntropy = scaleBy(sum(multiply(targets, log(shifted))), 1 / queries.shape[0]!);
  const loss = scaleBy(add(cross, minusEntropy), temperature ** 2);
  return correction ? scaleBy(loss, correction) : loss;
}
