// Rotary positions (Su et al. 2021), rotate-half convention of transformers: in each head, with h = Dh/2, the pair
// (x[i], x[i + h]) is turned by the angle of its position and frequency:
//   y[i] = x[i]·cos − x[i + h]·sin,   y[i + h] = x[i + h]·cos + x[i]·sin
// A rotation's inverse is its transpose, so dX is dY turned back. Cosines and sines come as a table from the host, which knows
// the frequencies and their scaling.
import { RetuneError } from "../errors.ts";
import { showShape, type Tensor } from "../graph.ts";

export interface RotaryOptions {
  readonly heads: number; // in x
}

/**
 * x [R, H·Dh], positions u32 [R], table [P, Dh] (Dh/2 cosines, then Dh/2 sines of each position) → [R, H·Dh]. A position past
 * the table reads its last row. Throws "shape" unless everything fits.
 */
export function rotary(x: Tensor, positions: Tensor, table: Tensor, { heads }: RotaryOptions): Tensor {
  const [rows, width] = x.shape;
  const size = width! / heads;
  const matrices =
    x.shape.length === 2 && x.dtype === "f32" && table.shape.length === 2 && table.dtype === "f32";
  const placed = positions.dtype === "u32" && showShape(positions.shape) === showShape([rows!]);
  if (!matrices || !placed || size % 2 !== 0 || table.shape[1] !== size) {
    const got = [x, positions, table].map(({ dtype, shape }) => `${dtype} ${showShape(shape)}`).join(", ");
    const rule = "expected x [R, H·Dh] with an even Dh, positions u32 [R] and a table [P, Dh]";
    throw new RetuneError("shape", `rotary: ${rule}, got ${got} with ${heads} heads`);
  }
  return turned(x, positions, table, heads, 1);
}

function turned(x: Tensor, positions: Tensor, table: Tensor, heads: number, turn: 1 | -1): Tensor {
  return x.graph.add({ kind: "rotary", heads, turn }, [x, positions, table], x.shape, (upstream) => [
    turned(upstream, positions, table, heads, turn === 1 ? -1 : 1),
    undefined,
    undefined,
  ]);
}
