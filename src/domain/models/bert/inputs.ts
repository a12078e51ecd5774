import type { Graph, Tensor } from "../../../engine/graph.ts";
import type { Bucket } from "../../text/pack.ts";
import type { Pooling } from "../encoder-model.ts";

/** A packed batch as inputs of a graph (fed by `packedFeeds`), all u32. */
export interface BatchTensors {
  readonly graph: Graph;
  readonly bucket: Bucket;
  readonly pooling: Pooling;
  readonly ids: Tensor; // [R]
  readonly positions: Tensor; // [R]
  readonly types: Tensor; // [R]
  readonly ranges: Tensor; // [R, 2]
  readonly pooled: Tensor; // "firsts" [S] for CLS pooling, "spans" [S, 2] for the mean
}

export function batchInputs(graph: Graph, bucket: Bucket, pooling: Pooling): BatchTensors {
  const { rows, segments } = bucket;
  return {
    graph,
    bucket,
    pooling,
    ids: graph.input("ids", "u32", [rows]),
    positions: graph.input("positions", "u32", [rows]),
    types: graph.input("types", "u32", [rows]),
    ranges: graph.input("ranges", "u32", [rows, 2]),
    pooled:
      pooling === "cls"
        ? graph.input("firsts", "u32", [segments])
        : graph.input("spans", "u32", [segments, 2]),
  };
}
