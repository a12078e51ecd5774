import type { Feeds } from "../../../engine/backend.ts";
import type { EncoderGround } from "./encoder-ground.ts";
import { lossFeeds } from "./loss-feeds.ts";
import type { TrainingBatch } from "./training-batch.ts";

const baseVectors = new WeakMap<EncoderGround, Float32Array>(); // [anchors, W], made once a run

/** Feeds of a batch's loss, the base's vectors of its anchors included. */
export async function lossFeedsAt(ground: EncoderGround, batch: TrainingBatch): Promise<Feeds> {
  const { set, settings, shape } = ground;
  const feeds = lossFeeds(set, batch, settings, shape);
  if (shape.anchors === 0) return feeds;
  const base = await anchorVectors(ground);
  const anchorBase = new Float32Array(shape.anchors * shape.width);
  for (const [row, anchor] of batch.anchors.entries()) {
    anchorBase.set(base.subarray(anchor * shape.width, (anchor + 1) * shape.width), row * shape.width);
  }
  return { ...feeds, anchorRows: batch.anchorRows, anchorBase };
}

/** Vectors of all anchors by the encoder before training, whatever the weights are now. */
async function anchorVectors(ground: EncoderGround): Promise<Float32Array> {
  const known = baseVectors.get(ground);
  if (known) return known;
  const { executables, set, initial } = ground;
  const kept = await executables.capture();
  executables.reset(initial);
  const vectors = await executables.embed(set.anchors);
  executables.restore(kept);
  baseVectors.set(ground, vectors);
  return vectors;
}
