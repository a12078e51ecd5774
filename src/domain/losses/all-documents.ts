//   L = −(1/B) Σᵢ (1/Pᵢ) Σ_{p positive of i} log softmax(scale · cos(q[i], D[·]))[p]        q [B, W], D [N, W]
//
// The softmax runs over all training documents instead of a batch's: with frozen documents it is one matmul, exact and
// without sampling noise. L starts near ln N for vectors that cannot tell documents apart. The classic mistake: taking
// the whole corpus as negatives. A document without a training question is then only ever pushed away, which on the
// guide's data costs up to 5.8 points of MRR (trainers.md §8); so columns are only documents with a training question,
// and those of held-out questions are EXCLUDED while a fold trains.
import type { Tensor } from "../../engine/graph.ts";
import { mnrl } from "../../engine/ops/mnrl.ts";

export interface AllDocumentsOptions {
  readonly scale: number; // 1 / temperature
  readonly positives: Tensor; // u32 [B, P]: columns, ended early by NO_COLUMN
  readonly rowGroups: Tensor; // u32 [B]: group of the row's first positive; a copy of it is no negative
  readonly columnGroups: Tensor; // u32 [N]: documents of equal text have one number; EXCLUDED takes no part
}

/** queries [B, W], documents [N, W] → scalar. */
export function allDocumentsLoss(queries: Tensor, documents: Tensor, options: AllDocumentsOptions): Tensor {
  const { scale, positives, rowGroups, columnGroups } = options;
  return mnrl(queries, documents, { scale, positives, mask: { rows: rowGroups, columns: columnGroups } });
}
