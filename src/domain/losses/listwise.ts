//   L = −(1/B) Σᵢ Σⱼ t[i, j] · log softmax(x[i, ·])[j]          x logits of a question's candidates, t targets with sum 1
//
// Listwise cross-entropy (Cao et al. 2007, ListNet; torch's cross_entropy with probabilities): the candidates of one question
// compete, so only their order matters, not an absolute score. L starts near ln(candidates). With one right candidate t is
// 1 there. The classic mistake: candidates of other questions in one softmax, whose logits are not comparable.
//
// Logits come packed, one a pair, [P, 1]: every row of [B, P] repeats them all and a mask leaves each row its own.
import type { Tensor } from "../../engine/graph.ts";
import { add, multiply, scaleBy } from "../../engine/ops/elementwise.ts";
import { columnSums, repeat } from "../../engine/ops/reductions.ts";
import { softmaxCrossEntropy } from "../../engine/ops/softmax-cross-entropy.ts";

export interface ListwiseOptions {
  readonly targets: Tensor; // f32 [B, N], rows with sum 1, or 0 for a row that takes no part
  readonly correction?: Tensor; // []: B / rows with targets
}

/** logits [B, N], one row a question → scalar. */
export function listwiseLoss(logits: Tensor, { targets, correction }: ListwiseOptions): Tensor {
  const loss = softmaxCrossEntropy(logits, { targets });
  return correction ? scaleBy(loss, correction) : loss;
}

export interface PackedListwiseOptions extends ListwiseOptions {
  readonly mask: Tensor; // f32 [B, P]: 0 where pair p belongs to question i, else −1e9
  readonly identity: Tensor; // f32 [P, P]: 1 on the diagonal
}

/** logits [P, 1], one a pair, → scalar; `targets` is [B, P]. */
export function packedListwiseLoss(logits: Tensor, options: PackedListwiseOptions): Tensor {
  const { mask, identity } = options;
  const pairs = logits.shape[0]!;
  const across = columnSums(multiply(repeat(logits, [pairs, pairs]), identity)); // [P]
  return listwiseLoss(add(mask, across), options);
}
