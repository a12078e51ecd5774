import { RetuneError } from "../../../engine/errors.ts";
import { selectRows, type Matrix } from "../../matrix.ts";
import type { RunControl } from "../../ports.ts";
import { onAxes, principalAxes } from "./principal-axes.ts";
import { evenly, inLayout, umapLayout } from "./umap-layout.ts";

/** "pca": the two directions of most variance, at once. "umap": neighbourhoods, on request. */
export type MapMethod = "pca" | "umap";

/** Points of one picture: base vectors, and the same texts after tuning on the very same axes. */
export interface MapPlaces {
  readonly before: Float32Array; // [n, 2]
  readonly after: Float32Array | null; // [n, 2]
  readonly explained: readonly [number, number] | null; // share of variance along x and y; null for UMAP
}

const AXES_SAMPLE = 4000; // rows that axes are found on: more change no picture
const UMAP_DIMENSIONS = 24; // UMAP works on as many principal coordinates

/**
 * Places of vectors [n, D] before and, where given, after tuning. Axes and layout come from the vectors before tuning
 * alone, so a point that did not move stays where it was.
 */
export async function mapPlaces(
  method: MapMethod,
  before: Matrix,
  after: Matrix | null,
  control: RunControl = {},
): Promise<MapPlaces> {
  const sample = selectRows(before, evenly(before.rows, AXES_SAMPLE));
  if (method === "pca") {
    const axes = principalAxes(sample, 2);
    const places = (rows: Matrix): Float32Array => twoColumns(onAxes(axes, rows));
    const explained = [axes.explained[0]!, axes.explained[1] ?? 0] as const;
    return { before: places(before), after: after && places(after), explained };
  }
  const axes = principalAxes(sample, Math.min(UMAP_DIMENSIONS, before.columns));
  const layout = await umapLayout(onAxes(axes, before), 0, control);
  const places = (rows: Matrix): Float32Array => inLayout(layout, onAxes(axes, rows));
  if (control.signal?.aborted) throw new RetuneError("cancelled", "The map was cancelled.");
  return { before: places(before), after: after && places(after), explained: null };
}

function twoColumns(matrix: Matrix): Float32Array {
  if (matrix.columns === 2) return matrix.values;
  const out = new Float32Array(matrix.rows * 2);
  for (let row = 0; row < matrix.rows; row++) out[row * 2] = matrix.values[row * matrix.columns]!;
  return out;
}
