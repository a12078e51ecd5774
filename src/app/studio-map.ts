import type { MapMethod } from "../domain/eval/map/embedding-map.ts";

// Passages and questions as points of a plane, as the page sees them.

export const MAP_POINTS = 50_000; // more passages than this are thinned out evenly

export type MapKind = "passage" | "train" | "test";
export const MAP_KINDS: readonly MapKind[] = ["passage", "train", "test"];

export interface MapRequest {
  readonly runId?: string; // absent: base vectors alone
  readonly method: MapMethod;
}

/** Points in parallel columns, passages first. */
export interface MapView {
  readonly method: MapMethod;
  readonly runId: string | null;
  readonly kinds: Uint8Array; // positions in MAP_KINDS
  readonly ids: readonly string[]; // of passages and questions
  readonly labels: readonly string[]; // their texts, cut
  readonly documents: readonly (string | null)[];
  readonly right: Int32Array; // of a question: the point of its first right passage; −1 where there is none
  readonly before: Float32Array; // [n, 2], by the base vectors
  readonly after: Float32Array | null; // [n, 2], by the run's, on the same axes
  readonly explained: readonly [number, number] | null; // share of variance along x and y; null for UMAP
  readonly leftOut: number; // texts that are not drawn: too many, or without vectors
}

export interface MapStudio {
  /** Job: works the map out and keeps it until the data change. */
  drawMap(projectId: string, request: MapRequest): Promise<string>;
  /** The map as it was drawn for these data, or null. */
  map(projectId: string, request: MapRequest): Promise<MapView | null>;
}
