//   L = ½ · [ MNRL(q → d) + MNRL(d⁺ → q) ]          q [B, W], d [N, W] whose first B rows d⁺ are the positives
//
// sentence-transformers' MultipleNegativesRankingLoss with directions q → d and d → q, each with a softmax of its own (CLIP,
// Radford et al. 2021; GTE). Hard negatives are columns of the first direction only. L starts near ½ (ln N + ln B). The
// classic mistake: two questions about one passage are each other's negatives in the second direction; `backward.mask` with
// one group for both leaves them out.
import type { Tensor } from "../../engine/graph.ts";
import { add, scaleBy } from "../../engine/ops/elementwise.ts";
import { rows } from "../../engine/ops/slices.ts";
import { rankingLoss, type RankingOptions } from "./ranking.ts";

export interface SymmetricOptions extends RankingOptions {
  /** Of the direction d → q: positives u32 [B, P] are questions, groups those of questions. */
  readonly backward?: Pick<RankingOptions, "positives" | "mask">;
}

/** queries [B, W], documents [N, W] → scalar. */
export function symmetricLoss(queries: Tensor, documents: Tensor, options: SymmetricOptions): Tensor {
  const { backward = {}, ...forward } = options;
  const { scale, correction } = forward;
  const positives = rows(documents, 0, queries.shape[0]!);
  const back = rankingLoss(positives, queries, { ...backward, scale, ...(correction ? { correction } : {}) });
  return scaleBy(add(rankingLoss(queries, documents, forward), back), 0.5);
}
