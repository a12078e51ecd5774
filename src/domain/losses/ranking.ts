//   L = −(1/B) Σᵢ (1/Pᵢ) Σ_{p positive of i} log softmax(scale · cos(q[i], d[·]))[p]      q [B, W], d [N, W], N ≥ B
//
// MultipleNegativesRankingLoss with everything an encoder's batch may hold: documents are the B positives, then hard
// negatives as extra columns; a question with several right passages in the batch has several positive columns. L starts
// near ln N for vectors that cannot tell documents apart; a pretrained encoder on neighbour batches of ten starts near
// 0.2–0.6. The classic mistake: a copy of the positive in another row counts as a negative (bounds L from below by ln 2
// where every document occurs twice); give both one group. A batch shorter than what was compiled has rows without positives
// (loss 0), EXCLUDED columns, and `correction` B / b, so that the mean is over its own rows.
import type { Tensor } from "../../engine/graph.ts";
import { scaleBy } from "../../engine/ops/elementwise.ts";
import { mnrl } from "../../engine/ops/mnrl.ts";

export interface RankingOptions {
  readonly scale: number; // 1 / temperature
  readonly positives?: Tensor; // u32 [B, P]: columns, ended early by NO_COLUMN; default: column i for row i
  readonly mask?: { readonly rows: Tensor; readonly columns: Tensor }; // u32 [B], [N]: equal groups are no negatives
  readonly correction?: Tensor; // []: B / b
}

/** queries [B, W], documents [N, W] → scalar. */
export function rankingLoss(queries: Tensor, documents: Tensor, options: RankingOptions): Tensor {
  const { scale, positives, mask, correction } = options;
  const loss = mnrl(queries, documents, {
    scale,
    ...(positives ? { positives } : {}),
    ...(mask ? { mask } : {}),
  });
  return correction ? scaleBy(loss, correction) : loss;
}
