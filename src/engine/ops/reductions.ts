import { RetuneError } from "../errors.ts";
import { elementCount, matrixShape, showShape, type ReduceAxis, type Tensor } from "../graph.ts";

/** Σ x → [] */
export function sum(x: Tensor): Tensor {
  return reduce(x, "all", 1, []);
}

/** Σ x / (number of elements) → [] */
export function mean(x: Tensor): Tensor {
  return reduce(x, "all", 1 / elementCount(x.shape), []);
}

/** x [M, N] → [M, 1], the sum of each row */
export function rowSums(x: Tensor): Tensor {
  return reduce(x, "rows", 1, [matrixShape(x.shape).rows, 1]);
}

/** x [M, N] → [N], the sum of each column */
export function columnSums(x: Tensor): Tensor {
  return reduce(x, "columns", 1, [matrixShape(x.shape).columns]);
}

/** Sums what broadcasting `target` to x's shape had repeated: the gradient of a broadcast operand. */
export function reduceTo(x: Tensor, target: Tensor): Tensor {
  if (showShape(x.shape) === showShape(target.shape)) return x;
  if (elementCount(target.shape) === 1) return reduce(x, "all", 1, target.shape);
  return reduce(x, target.shape.length === 1 ? "columns" : "rows", 1, target.shape);
}

function reduce(x: Tensor, axis: ReduceAxis, scale: number, shape: readonly number[]): Tensor {
  const { operation } = x.graph.node(x);
  if (operation.kind === "constant") {
    const terms = elementCount(x.shape) / elementCount(shape);
    return x.graph.constant(operation.value * scale * terms, shape);
  }
  const derivative = (upstream: Tensor) => [broadcast(upstream, scale, x.shape)];
  return x.graph.add({ kind: "reduce", axis, scale }, [x], shape, derivative);
}

/** x, one value, a row [N] or a column [M, 1], repeated to `shape` [M, N]. Throws "shape" unless it fits. */
export function repeat(x: Tensor, shape: readonly number[]): Tensor {
  const { rows, columns } = matrixShape(shape);
  const row = x.shape.length === 1 && x.shape[0] === columns;
  const column = x.shape.length === 2 && x.shape[0] === rows && x.shape[1] === 1;
  if (x.dtype !== "f32" || !(row || column || elementCount(x.shape) === 1)) {
    const got = `${x.dtype} ${showShape(x.shape)} for ${showShape(shape)}`;
    throw new RetuneError("shape", `repeat: expected one value, a row [N] or a column [M, 1], got ${got}`);
  }
  return showShape(x.shape) === showShape(shape) ? x : broadcast(x, 1, shape);
}

/** scale · x repeated to `shape`; x is one value, a row [N] or a column [M, 1]. */
function broadcast(x: Tensor, scale: number, shape: readonly number[]): Tensor {
  const { operation } = x.graph.node(x);
  if (operation.kind === "constant") return x.graph.constant(scale * operation.value, shape);
  const repeated = x.graph.add({ kind: "broadcast" }, [x], shape, (upstream) => [reduceTo(upstream, x)]);
  if (scale === 1) return repeated;
  const derivative = (upstream: Tensor) => [
    upstream.graph.add({ kind: "scale", factor: scale }, [upstream], shape, undefined),
  ];
  return x.graph.add({ kind: "scale", factor: scale }, [repeated], shape, derivative);
}
