import { RetuneError } from "../errors.ts";
import { showShape, type Tensor } from "../graph.ts";

/** x [M, N] → its rows from … from + count − 1, [count, N]. The gradient has zeros elsewhere. */
export function rows(x: Tensor, from: number, count: number): Tensor {
  return slice("rows", x, from, count, 0);
}

/** x [M, N] → its columns from … from + count − 1, [M, count]. The gradient has zeros elsewhere. */
export function columns(x: Tensor, from: number, count: number): Tensor {
  return slice("columns", x, from, count, 1);
}

/** x [M, N] at columns from … of a matrix of `width` columns, zeros elsewhere; what would stand past its end is left out. */
export function placedColumns(x: Tensor, width: number, from: number): Tensor {
  const inside = Number.isInteger(from) && Number.isInteger(width) && from >= 0 && from < width;
  if (x.shape.length !== 2 || x.dtype !== "f32" || !inside) {
    const got = `${x.dtype} ${showShape(x.shape)} at ${from} of ${width}`;
    throw new RetuneError("shape", `placedColumns: expected x [M, N] and a column of the result, got ${got}`);
  }
  return block(x, [x.shape[0]!, width], 0, -from);
}

function slice(name: string, x: Tensor, from: number, count: number, axis: 0 | 1): Tensor {
  const size = x.shape[axis]!;
  const inside = Number.isInteger(from) && Number.isInteger(count) && from >= 0 && count >= 1;
  if (x.shape.length !== 2 || x.dtype !== "f32" || !inside || from + count > size) {
    const got = `${x.dtype} ${showShape(x.shape)}, ${from} and ${count}`;
    throw new RetuneError("shape", `${name}: expected x [M, N] and a part inside it, got ${got}`);
  }
  if (count === size) return x;
  return axis === 0 ? block(x, [count, x.shape[1]!], from, 0) : block(x, [x.shape[0]!, count], 0, from);
}

/** out[r, c] = x[r + rowOffset, c + columnOffset], zero outside x; its gradient is the same with the offsets turned. */
function block(x: Tensor, shape: readonly number[], rowOffset: number, columnOffset: number): Tensor {
  const derivative = (upstream: Tensor) => [block(upstream, x.shape, -rowOffset, -columnOffset)];
  return x.graph.add({ kind: "block", rowOffset, columnOffset }, [x], shape, derivative);
}
