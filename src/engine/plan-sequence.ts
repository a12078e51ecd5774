/**
 * Launches of sequence models. Sequences lie one after the other in the rows of one matrix ("packed"); only attention
 * and pooling know where each begins. Letters: R rows of all sequences together, H heads, Dh the width of a head.
 */
import type { BufferId } from "./buffer-id.ts";

/**
 * y = (x − mean) / √(variance + ε) · γ + β for each row; the variance is the biased one (torch.nn.LayerNorm). Where not
 * centred (RMSNorm), the mean counts as 0, the variance is the mean of squares and there is no β.
 */
export interface LayerNormLaunch {
  readonly kind: "layerNorm";
  readonly rows: number;
  readonly columns: number;
  readonly epsilon: number;
  readonly source: BufferId;
  readonly centred: boolean;
  readonly gamma: BufferId; // [columns]
  readonly beta: BufferId | undefined; // [columns]; there where centred
  readonly out: BufferId;
}

/** dX = (g − mean(g) − x̂ · mean(g · x̂)) / √(variance + ε) for each row, with g = dY · γ; without mean(g) where not centred. */
export interface LayerNormGradientLaunch {
  readonly kind: "layerNormGradient";
  readonly rows: number;
  readonly columns: number;
  readonly epsilon: number;
  readonly centred: boolean;
  readonly source: BufferId; // x
  readonly gamma: BufferId;
  readonly upstream: BufferId; // dY
  readonly out: BufferId;
}

/** dγ[c] = Σ_r dY[r, c] · x̂[r, c] */
export interface LayerNormGammaLaunch {
  readonly kind: "layerNormGamma";
  readonly rows: number;
  readonly columns: number;
  readonly epsilon: number;
  readonly centred: boolean;
  readonly source: BufferId; // x
  readonly upstream: BufferId; // dY
  readonly out: BufferId; // [columns]
}

/**
 * Rotary positions (Su et al. 2021), rotate-half convention: for each row r and head, with h = Dh/2 and t = table[positions[r]],
 *   out[i] = x[i]·t[i] − turn·x[i + h]·t[h + i];  out[i + h] = x[i + h]·t[i] + turn·x[i]·t[h + i]     for i < h
 * A row of the table holds h cosines, then h sines; turn −1 turns back, which is the gradient. A position past the table reads
 * its last row.
 */
export interface RotaryLaunch {
  readonly kind: "rotary";
  readonly rows: number;
  readonly heads: number;
  readonly headSize: number; // even
  readonly turn: 1 | -1;
  readonly source: BufferId; // [R, H·Dh]
  readonly positions: BufferId; // u32 [R]
  readonly table: BufferId; // [tableRows, Dh]
  readonly tableRows: number;
  readonly out: BufferId;
}

/** Drops what random.ts drops for element (h·R + i)·R + j (mod 2³²), counter[0] and seed; what stays is divided by 1 − rate. */
export interface AttentionDropout {
  readonly rate: number;
  readonly seed: number;
  readonly counter: BufferId; // u32 [1]
}

/**
 * What attention and its gradient read. ranges: u32 [R, 2], half open, equal for all rows of a sequence; [0, 0): none. Where
 * causal, row i attends to j ≤ i of its range. Queries have H heads, keys and values G, a divisor of H: head h reads key head
 * ⌊h·G/H⌋ (grouped queries, Ainslie et al. 2023).
 */
export interface AttentionReads {
  readonly rows: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headSize: number;
  readonly causal: boolean;
  readonly longest: number; // no range is longer
  readonly scale: number; // 1/√Dh
  readonly queries: BufferId; // [R, H·Dh]
  readonly keys: BufferId; // [R, G·Dh], as are values
  readonly values: BufferId;
  readonly ranges: BufferId;
  readonly dropout: AttentionDropout | undefined;
}

/**
 * For each head and row i: p = softmax over j in ranges[i] of scale · q[i]·k[j];  out[i] = Σ_j dropped(p[j]) · v[j].
 * logSumExp[h, i] = log Σ_j exp(scale · q[i]·k[j]). Rows of an empty range get out 0 and logSumExp 0.
 */
export interface AttentionLaunch extends AttentionReads {
  readonly kind: "attention";
  readonly out: BufferId; // [R, H·Dh]
  readonly logSumExp: BufferId | undefined; // [H, R]; absent where no gradient is asked for
}

/**
 * p is recomputed from logSumExp (Dao 2023, FlashAttention-2); sums for a key run over the rows that attend to it and over the
 * heads that read its head. δ[i] = dO[i]·O[i];  with m = the dropout factor (0 or 1/(1−rate), 1 without):
 *   dV[j] = Σ_i m·p[i, j]·dO[i];  dS = p·(m·dO[i]·v[j] − δ[i]);  dQ[i] = scale · Σ_j dS·k[j];  dK[j] = scale · Σ_i dS·q[i]
 */
export interface AttentionGradientLaunch extends AttentionReads {
  readonly kind: "attentionGradient";
  readonly out: BufferId; // O of the forward launch
  readonly logSumExp: BufferId;
  readonly upstream: BufferId; // dO
  readonly dQueries: BufferId;
  readonly dKeys: BufferId; // [R, G·Dh], as are dValues
  readonly dValues: BufferId;
}

/** store[places[r], :] = source[r, :] for every row r whose place is below P; places differ. In place. */
export interface StoreRowsLaunch {
  readonly kind: "storeRows";
  readonly rows: number;
  readonly columns: number;
  readonly storeRows: number; // P
  readonly source: BufferId; // [R, columns]
  readonly places: BufferId; // u32 [R]
  readonly store: BufferId; // [P, columns]
}

/**
 * For each head and row i: p = softmax over j in ranges[i] of scale · q[i]·k[j];  out[i] = Σ_j p[j] · v[j]; 0 for an empty range.
 * Keys and values are rows that earlier launches stored; ranges are half open rows of them, one for each row of queries.
 */
export interface CachedAttentionLaunch {
  readonly kind: "cachedAttention";
  readonly rows: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headSize: number;
  readonly cached: number; // P: no range is longer
  readonly scale: number; // 1/√Dh
  readonly queries: BufferId; // [R, H·Dh]
  readonly keys: BufferId; // [P, G·Dh], as are values
  readonly values: BufferId;
  readonly ranges: BufferId; // u32 [R, 2]
  readonly out: BufferId; // [R, H·Dh]
}

/** out[s, :] = the mean of source rows spans[s, 0] ≤ r < spans[s, 1]; 0 for an empty span. Spans do not overlap. */
export interface SegmentMeanLaunch {
  readonly kind: "segmentMean";
  readonly segments: number;
  readonly columns: number;
  readonly source: BufferId; // [R, columns]
  readonly spans: BufferId; // u32 [segments, 2]
  readonly out: BufferId; // [segments, columns]
}

/** out[r, :] = upstream[s, :] / length of s, for the span s that holds row r; 0 for a row in none. */
export interface SegmentMeanGradientLaunch {
  readonly kind: "segmentMeanGradient";
  readonly rows: number;
  readonly segments: number;
  readonly columns: number;
  readonly upstream: BufferId; // [segments, columns]
  readonly spans: BufferId;
  readonly out: BufferId; // [rows, columns]
}

/** out[r, c] = source[r + rowOffset, c + columnOffset] where that lies inside the source, else 0. Offsets may be negative. */
export interface BlockLaunch {
  readonly kind: "block";
  readonly rows: number; // of out
  readonly columns: number;
  readonly source: BufferId;
  readonly sourceRows: number;
  readonly sourceColumns: number;
  readonly rowOffset: number;
  readonly columnOffset: number;
  readonly out: BufferId;
}

export type SequenceLaunch =
  | LayerNormLaunch
  | LayerNormGradientLaunch
  | LayerNormGammaLaunch
  | RotaryLaunch
  | AttentionLaunch
  | AttentionGradientLaunch
  | StoreRowsLaunch
  | CachedAttentionLaunch
  | SegmentMeanLaunch
  | SegmentMeanGradientLaunch
  | BlockLaunch;
