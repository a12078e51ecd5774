import { RetuneError } from "../errors.ts";
import { showShape, type Tensor } from "../graph.ts";

/**
 * Rows of a table: table [T, D], indices u32 [B] → [B, D] (or a u32 table [T], → [B]; an f16, q8 or q4 table gives f32 rows).
 * dTable[t] = Σ of dY's rows that came from t. An index past the table reads its last row.
 */
export function gather(table: Tensor, indices: Tensor): Tensor {
  if (
    table.shape.length > 2 ||
    table.shape.length < 1 ||
    indices.shape.length !== 1 ||
    indices.dtype !== "u32"
  ) {
    const got = `${showShape(table.shape)} and ${indices.dtype} ${showShape(indices.shape)}`;
    throw new RetuneError("shape", `gather: expected a table [T, D] or [T] and indices u32 [B], got ${got}`);
  }
  const shape = [indices.shape[0]!, ...table.shape.slice(1)];
  const derivative = (upstream: Tensor) => [scatter(upstream, indices, table.shape), undefined];
  const dtype = table.dtype === "u32" ? "u32" : "f32";
  return table.graph.add({ kind: "gather" }, [table, indices], shape, derivative, dtype);
}

function scatter(rows: Tensor, indices: Tensor, shape: readonly number[]): Tensor {
  const derivative = (upstream: Tensor) => [gather(upstream, indices), undefined];
  return rows.graph.add({ kind: "scatter" }, [rows, indices], shape, derivative);
}

/** x [M, N] → each row divided by its length, y = x / max(‖x‖, 1e-12) (torch.nn.functional.normalize). */
export function l2Normalize(x: Tensor): Tensor {
  if (x.shape.length !== 2 || x.dtype !== "f32") {
    throw new RetuneError("shape", `l2Normalize: expected x [M, N], got ${x.dtype} ${showShape(x.shape)}`);
  }
  // dX = (dY − ŷ·(ŷ·dY)) / ‖x‖
  const derivative = (upstream: Tensor) => [
    x.graph.add({ kind: "l2NormalizeGradient" }, [upstream, x], x.shape, undefined),
  ];
  return x.graph.add({ kind: "l2Normalize" }, [x], x.shape, derivative);
}
