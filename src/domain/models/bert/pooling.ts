import type { Tensor } from "../../../engine/graph.ts";
import { l2Normalize, gather } from "../../../engine/ops/rows.ts";
import { segmentMean } from "../../../engine/ops/segment-mean.ts";
import type { BatchTensors } from "./inputs.ts";

/**
 * One vector a sequence, not normalised: hidden [R, D] → [S, D], the state of its first token or the mean of all its
 * tokens, special ones included. Segments without a sequence give the state of row 0 (CLS) or zeros (mean).
 */
export function pooled(hidden: Tensor, batch: BatchTensors): Tensor {
  return batch.pooling === "cls" ? gather(hidden, batch.pooled) : segmentMean(hidden, batch.pooled);
}

/** The same, of length 1. Losses over cosines normalise by themselves and take `pooled`. */
export function pooledUnit(hidden: Tensor, batch: BatchTensors): Tensor {
  return l2Normalize(pooled(hidden, batch));
}
