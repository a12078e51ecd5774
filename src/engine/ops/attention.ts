// Self-attention of packed sequences (Vaswani et al. 2017), for each head and each row i of a sequence:
//   p[i, j] = softmax over the rows j of the same sequence of q[i]·k[j]/√Dh;   out[i] = Σ_j dropped(p[i, j])·v[j]
// Decoders: causal, a row attends to itself and what comes before it; grouped queries (Ainslie et al. 2023), several heads of q
// read one of k and v, whose gradient is the sum over them.
// No matrix of rows × rows is kept: the forward pass saves log Σ_j exp(…) of each row and the gradient computes p again
// from it (Dao 2023, FlashAttention-2).
import { RetuneError } from "../errors.ts";
import { elementCount, showShape, type Tensor } from "../graph.ts";
import type { DropoutOptions } from "./dropout.ts";

export interface AttentionOptions {
  readonly heads: number; // divides the width of q
  readonly keyHeads?: number; // of k and v, a divisor of heads; default: heads
  readonly causal?: boolean; // row i attends to no row after i; default: false
  readonly longest: number; // no sequence has more rows
  readonly dropout?: DropoutOptions; // of the probabilities, after the softmax
}

/**
 * q [R, H·Dh], k and v [R, G·Dh], ranges u32 [R, 2] → [R, H·Dh]. A row attends the rows ranges[row] (first, end), which must be equal
 * for all rows of a sequence; an empty range gives zeros. Throws "shape" unless everything fits.
 */
export function attention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  ranges: Tensor,
  { heads, keyHeads = heads, causal = false, longest, dropout }: AttentionOptions,
): Tensor {
  checkAttention([queries, keys, values], ranges, { heads, keyHeads, longest });
  if (dropout) checkDropout(dropout);
  const drops = dropout !== undefined && dropout.rate > 0;
  const dropped = { rate: drops ? dropout.rate : 0, seed: drops ? dropout.seed >>> 0 : 0 };
  const settings = { heads, keyHeads, causal, longest, ...dropped };
  const reads = [queries, keys, values, ranges, ...(drops ? [dropout.counter] : [])];
  const { graph } = queries;
  const { shape } = queries;
  const rows = shape[0]!;
  const out: Tensor = graph.add({ kind: "attention", ...settings }, reads, shape, (upstream) => {
    const sums = graph.add({ kind: "pick", output: "logSumExp" }, [out], [heads, rows], undefined);
    const dQueries = graph.add(
      { kind: "attentionGradient", ...settings },
      [upstream, out, sums, ...reads],
      shape,
      undefined,
    );
    const [dKeys, dValues] = (["dKeys", "dValues"] as const).map((output) =>
      graph.add({ kind: "pick", output }, [dQueries], keys.shape, undefined),
    );
    return [dQueries, dKeys, dValues];
  });
  return out;
}

interface Sizes {
  readonly heads: number;
  readonly keyHeads: number;
  readonly longest: number;
}

function checkAttention(parts: readonly Tensor[], ranges: Tensor, { heads, keyHeads, longest }: Sizes): void {
  const [rows, width] = parts[0]!.shape;
  const grouped = heads >= 1 && width! % heads === 0 && keyHeads >= 1 && heads % keyHeads === 0;
  const shapes = [width!, (width! / heads) * keyHeads, (width! / heads) * keyHeads].map((size) => [
    rows!,
    size,
  ]);
  const fits = parts.every(({ shape, dtype }, index) => {
    return dtype === "f32" && shape.length === 2 && showShape(shape) === showShape(shapes[index]!);
  });
  const ranged = ranges.dtype === "u32" && showShape(ranges.shape) === showShape([rows!, 2]);
  if (grouped && fits && ranged && longest >= 1) return;
  const got = [...parts, ranges].map(({ dtype, shape }) => `${dtype} ${showShape(shape)}`).join(", ");
  const rule = "expected q [R, H·Dh], k and v [R, G·Dh] with G a divisor of H, and ranges u32 [R, 2]";
  const counts = `${heads} and ${keyHeads} heads and at most ${longest} rows a sequence`;
  throw new RetuneError("shape", `attention: ${rule}, got ${got} with ${counts}`);
}

function checkDropout({ rate, counter }: DropoutOptions): void {
  if (rate >= 0 && rate < 1 && counter.dtype === "u32" && elementCount(counter.shape) === 1) return;
  const got = `${rate} and ${counter.dtype} ${showShape(counter.shape)}`;
  throw new RetuneError(
    "shape",
    `attention: expected a dropout rate below 1 and a counter u32 [1], got ${got}`,
  );
}
