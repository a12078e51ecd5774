//   L = −(1/B) Σᵢ log softmax(scale · cos(q[i], d[·]))[i]          q, d [B, D], over the documents of the batch
//
// sentence-transformers' MultipleNegativesRankingLoss (van den Oord et al. 2018, Henderson et al. 2017): every other
// document of the batch is a negative. L starts near ln B for vectors that cannot tell documents apart, lower for a
// pretrained encoder. The classic mistake: a document that occurs twice in a batch is the positive of one row and a
// negative of the same question in another, which bounds L from below by ln 2 (LlamaIndex's unshuffled order does this in
// every batch). `groups` leaves copies out: rows with equal numbers are no negatives of each other.
import type { Tensor } from "../../engine/graph.ts";
import { mnrl } from "../../engine/ops/mnrl.ts";

export interface InBatchOptions {
  readonly scale: number; // 1 / temperature
  readonly groups?: Tensor; // u32 [B]: equal where two rows have the same document
}

/** queries [B, D], documents [B, D] → scalar. */
export function inBatchLoss(queries: Tensor, documents: Tensor, { scale, groups }: InBatchOptions): Tensor {
  return mnrl(queries, documents, { scale, ...(groups ? { mask: { rows: groups, columns: groups } } : {}) });
}
