import { RetuneError } from "../errors.ts";
import { elementCount, matrixShape, showShape, type BinaryOperator, type Tensor } from "../graph.ts";
import { reduceTo } from "./reductions.ts";

/** a + b. Like all four, b may be of a's shape, a row [N], a column [M, 1] or a single value. */
export function add(a: Tensor, b: Tensor): Tensor {
  return binary("add", a, b, (upstream) => [upstream, reduceTo(upstream, b)]);
}

/** a − b */
export function subtract(a: Tensor, b: Tensor): Tensor {
  return binary("subtract", a, b, (upstream) => [upstream, reduceTo(scaleBy(upstream, -1), b)]);
}

/** a · b, element by element */
export function multiply(a: Tensor, b: Tensor): Tensor {
  const { operation } = a.graph.node(a);
  if (operation.kind === "constant" && showShape(a.shape) === showShape(b.shape))
    return scaleBy(b, operation.value);
  return binary("multiply", a, b, (upstream) => [multiply(upstream, b), reduceTo(multiply(upstream, a), b)]);
}

/** a / b, element by element; d(a/b)/db = −(a/b)/b */
export function divide(a: Tensor, b: Tensor): Tensor {
  return binary("divide", a, b, (upstream) => [
    divide(upstream, b),
    reduceTo(scaleBy(divide(divide(multiply(upstream, a), b), b), -1), b),
  ]);
}

/** x [M, N] + bias [N] in every row */
export function addBias(x: Tensor, bias: Tensor): Tensor {
  if (bias.shape.length !== 1 || bias.shape[0] !== matrixShape(x.shape).columns) {
    const got = `${showShape(x.shape)} and ${showShape(bias.shape)}`;
    throw new RetuneError("shape", `addBias: expected x [M, N] and bias [N], got ${got}`);
  }
  return add(x, bias);
}

/** x · factor; a factor that is a tensor holds one value (a learnt scalar, or a constant fed at every run). */
export function scaleBy(x: Tensor, factor: number | Tensor): Tensor {
  if (typeof factor !== "number") {
    if (elementCount(factor.shape) !== 1) {
      throw new RetuneError(
        "shape",
        `scaleBy: expected a factor of one value, got ${showShape(factor.shape)}`,
      );
    }
    return multiply(x, factor);
  }
  if (factor === 1) return x;
  const derivative = (upstream: Tensor) => [scaleBy(upstream, factor)];
  return x.graph.add({ kind: "scale", factor }, [x], x.shape, derivative);
}

/** x · dL, where dL is the gradient of a scalar: nothing at all for the loss itself, whose gradient is 1. */
export function timesUpstream(x: Tensor, upstream: Tensor): Tensor {
  const { operation } = upstream.graph.node(upstream);
  return operation.kind === "constant" ? scaleBy(x, operation.value) : multiply(x, upstream);
}

function binary(
  operator: BinaryOperator,
  a: Tensor,
  b: Tensor,
  derivative: (upstream: Tensor) => readonly Tensor[],
): Tensor {
  if (!fits(a, b)) {
    const got = `${showShape(a.shape)} and ${showShape(b.shape)}`;
    const rule = "expected b of a's shape [M, N], or [N], [M, 1] or one value, all f32";
    throw new RetuneError("shape", `${operator}: ${rule}, got ${got}`);
  }
  return a.graph.add({ kind: "binary", operator }, [a, b], a.shape, derivative);
}

function fits(a: Tensor, b: Tensor): boolean {
  if (a.dtype !== "f32" || b.dtype !== "f32") return false;
  if (elementCount(b.shape) === 1 || showShape(a.shape) === showShape(b.shape)) return true;
  const { rows, columns } = matrixShape(a.shape);
  if (b.shape.length === 1) return b.shape[0] === columns;
  return b.shape.length === 2 && b.shape[0] === rows && b.shape[1] === 1;
}
