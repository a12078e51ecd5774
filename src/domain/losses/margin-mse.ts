//   L = (1/BK) Σᵢₖ ( q[i]·p[i] − q[i]·n[i, k] − margin[i, k] )²          margin = teacher(q, p) − teacher(q, n)
//
// Hofstätter et al. 2020, sentence-transformers' MarginMSELoss: the student's margin between two passages follows a
// re-ranker's, which needs no judgement of which one is right. L starts near the mean square of the margins. The classic
// mistake: unit vectors cannot have margins beyond ±2, while a re-ranker's logits differ by 10; bring the teacher's scores
// to the student's range (divide them), or L never falls.
import type { Tensor } from "../../engine/graph.ts";
import { multiply, subtract } from "../../engine/ops/elementwise.ts";
import { rowSums } from "../../engine/ops/reductions.ts";
import { columns, rows } from "../../engine/ops/slices.ts";
import { add } from "../../engine/ops/elementwise.ts";
import { rowMean } from "./row-mean.ts";

export interface MarginMseOptions {
  readonly margins: Tensor; // f32 [B, K]
  readonly shares?: Tensor; // f32 [B, K], row-mean.ts; 0 where a question has no k-th negative
}

/** queries [B, W], documents [(1 + K)·B, W]: B positives, then the first negative of every question, then the second … */
export function marginMseLoss(
  queries: Tensor,
  documents: Tensor,
  { margins, shares }: MarginMseOptions,
): Tensor {
  const [count, negatives] = [queries.shape[0]!, margins.shape[1]!];
  const scored = (from: number): Tensor => rowSums(multiply(queries, rows(documents, from, count)));
  const right = scored(0);
  const parts = Array.from({ length: negatives }, (_, k) => {
    const wrong = scored((1 + k) * count);
    const error = subtract(subtract(right, wrong), columns(margins, k, 1));
    return rowMean(multiply(error, error), shares && columns(shares, k, 1));
  });
  const total = parts.reduce((sum, part) => add(sum, part));
  return shares ? total : multiply(total, queries.graph.constant(1 / negatives));
}
