// Attention over keys and values that earlier steps have stored, for decoders that generate (Shazeer 2019, §2.4):
//   store[places[r]] = x[r], in place;   p[i, j] = softmax over the rows j of ranges[i] of q[i]·k[j]/√Dh;   out[i] = Σ_j p[i, j]·v[j]
// What a row may see is its range alone: a token that comes after it in its sequence lies outside. Steps share stores by their
// names, so that one reads what another one wrote. There is no derivative: `grad` refuses what lies behind these operations.
import { RetuneError } from "../errors.ts";
import { showShape, type Tensor } from "../graph.ts";

/**
 * Writes rows of x [R, C] into a state [P, C]: row r to row places[r], u32 [R]; a place past the end is left out. Places must
 * differ. Gives the state as it is afterwards: what reads that comes after the writing. Throws "shape" unless everything fits.
 */
export function storedRows(store: Tensor, x: Tensor, places: Tensor): Tensor {
  const { operation } = store.graph.node(store);
  const matrices = [store, x].every(({ shape, dtype }) => shape.length === 2 && dtype === "f32");
  const placed = places.dtype === "u32" && showShape(places.shape) === showShape([x.shape[0]!]);
  const kept = operation.kind === "state" || operation.kind === "storeRows";
  if (!kept || !matrices || !placed || store.shape[1] !== x.shape[1]) {
    const got = [store, x, places].map(({ dtype, shape }) => `${dtype} ${showShape(shape)}`).join(", ");
    const text = `expected a state [P, C], rows [R, C] and places u32 [R], got a ${operation.kind}: ${got}`;
    throw new RetuneError("shape", `storedRows: ${text}`);
  }
  return store.graph.add({ kind: "storeRows" }, [store, x, places], store.shape, undefined);
}

export interface CachedAttentionOptions {
  readonly heads: number; // divides the width of q
  readonly keyHeads?: number; // of keys and values, a divisor of heads; default: heads
}

/** Workgroup memory of the WGSL kernel holds one head of a row. */
export const WIDEST_CACHED_HEAD = 512;

/**
 * q [R, H·Dh], keys and values [P, G·Dh], ranges u32 [R, 2], half open rows of keys → [R, H·Dh]; an empty range gives zeros, and no
 * range may pass P. Throws "shape" unless everything fits.
 */
export function cachedAttention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  ranges: Tensor,
  { heads, keyHeads = heads }: CachedAttentionOptions,
): Tensor {
  const [rows, width] = queries.shape;
  const size = width! / heads;
  const grouped = Number.isInteger(size) && size <= WIDEST_CACHED_HEAD && heads % keyHeads === 0;
  const shared = showShape([keys.shape[0]!, size * keyHeads]);
  const fits = [keys, values].every(({ shape, dtype }) => dtype === "f32" && showShape(shape) === shared);
  const ranged = ranges.dtype === "u32" && showShape(ranges.shape) === showShape([rows!, 2]);
  if (!grouped || !fits || !ranged || queries.shape.length !== 2 || queries.dtype !== "f32") {
    const all = [queries, keys, values, ranges];
    const got = all.map(({ dtype, shape }) => `${dtype} ${showShape(shape)}`).join(", ");
    const rule = `expected q [R, H·Dh] with Dh at most ${WIDEST_CACHED_HEAD}, keys and values [P, G·Dh] and ranges u32 [R, 2]`;
    throw new RetuneError(
      "shape",
      `cachedAttention: ${rule}, got ${got} with ${heads} and ${keyHeads} heads`,
    );
  }
  const operation = { kind: "cachedAttention", heads, keyHeads } as const;
  return queries.graph.add(operation, [queries, keys, values, ranges], queries.shape, undefined);
}
