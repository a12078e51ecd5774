import type { Graph, Tensor } from "../../../engine/graph.ts";
import type { Bucket } from "../../text/pack.ts";
import type { LlamaConfig } from "./config.ts";
import { rotaryTable } from "./rope.ts";

/** The resident that holds cosines and sines of positions (`rotaryValues`). */
export const ROTARY = "rotary";

/** A packed batch as inputs of a graph, all u32, and the table that positions look up. */
export interface DecoderInputs {
  readonly graph: Graph;
  readonly bucket: Bucket;
  readonly ids: Tensor; // [R]
  readonly positions: Tensor; // [R], from 0 in every sequence
  readonly ranges: Tensor; // [R, 2]
  readonly rotary: Tensor; // [positions, Dh]
}

/** Executables that share parameters must agree on `positions`: no sequence of a run is longer. */
export function decoderInputs(
  graph: Graph,
  config: LlamaConfig,
  bucket: Bucket,
  positions: number,
): DecoderInputs {
  const { rows } = bucket;
  return {
    graph,
    bucket,
    ids: graph.input("ids", "u32", [rows]),
    positions: graph.input("positions", "u32", [rows]),
    ranges: graph.input("ranges", "u32", [rows, 2]),
    rotary: graph.resident(ROTARY, "f32", [positions, config.headSize]),
  };
}

/** What the resident ROTARY is written with. */
export function rotaryValues({ rope, headSize }: LlamaConfig, positions: number): Float32Array {
  return rotaryTable(rope, headSize, positions);
}
