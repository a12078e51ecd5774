// Mean pooling of packed sequences: out[s] = (1/(end − first)) · Σ_{first ≤ r < end} x[r].
// dX[r] = dOut[s] / (end − first) for the span s that holds row r, 0 for a row in none.
import { RetuneError } from "../errors.ts";
import { showShape, type Tensor } from "../graph.ts";

/**
 * x [R, C], spans u32 [S, 2] (first row, end) → [S, C]: the mean of each span's rows, zeros for an empty span. Spans must
 * not overlap. Throws "shape" unless both fit.
 */
export function segmentMean(x: Tensor, spans: Tensor): Tensor {
  const fits = spans.dtype === "u32" && spans.shape.length === 2 && spans.shape[1] === 2;
  if (x.shape.length !== 2 || x.dtype !== "f32" || !fits) {
    const got = `${showShape(x.shape)} and ${spans.dtype} ${showShape(spans.shape)}`;
    throw new RetuneError("shape", `segmentMean: expected x [R, C] and spans u32 [S, 2], got ${got}`);
  }
  const { graph } = x;
  const shape = [spans.shape[0]!, x.shape[1]!];
  return graph.add({ kind: "segmentMean" }, [x, spans], shape, (upstream) => [
    graph.add({ kind: "segmentMeanGradient" }, [upstream, spans], x.shape, undefined),
    undefined,
  ]);
}
