//   L = (1/A) Σᵢ ‖f(x[i]) − f₀(x[i])‖²          f₀: the encoder before training, x: general questions
//
// Distillation from the model's own past (Li & Hoiem 2016, LwF; sentence-transformers' EmbedDistillLoss "mse" · width): added
// to a loss as λ · L it holds what the training data does not speak of where it was. L starts at 0 (dropout: slightly above).
// The classic mistake: questions of the training domain as anchors, which forbids what is to be learnt.
import type { Tensor } from "../../engine/graph.ts";
import { multiply, subtract } from "../../engine/ops/elementwise.ts";
import { rowSums } from "../../engine/ops/reductions.ts";
import { rowMean } from "./row-mean.ts";

/** embeddings and the base's [A, W] → scalar; `shares` [A, 1] as in row-mean.ts. */
export function anchorLoss(embeddings: Tensor, base: Tensor, shares?: Tensor): Tensor {
  const moved = subtract(embeddings, base);
  return rowMean(rowSums(multiply(moved, moved)), shares);
}
