import { expect, test } from "vitest";
import { decoderInMemory } from "../../../../src/domain/models/decoder-model.ts";
import { initialDecoder } from "../../../../src/domain/models/llama/initial.ts";
import { ROTARY, rotaryValues } from "../../../../src/domain/models/llama/inputs.ts";
import { EMBEDDINGS, HEAD } from "../../../../src/domain/models/llama/names.ts";
import { predictingRows, supervisedFeeds } from "../../../../src/domain/models/llama/supervision.ts";
import { bucketFor } from "../../../../src/domain/text/pack.ts";
import { resolveDecoderSettings } from "../../../../src/domain/recipes/decoder/decoder-defaults.ts";
import { TracedDecoder } from "../../../../src/domain/recipes/decoder/traced-decoder.ts";
import { grad } from "../../../../src/engine/autodiff.ts";
import { openReference } from "../../../../src/engine/backends/reference.ts";
import { Graph } from "../../../../src/engine/graph.ts";
import { planGraph } from "../../../../src/engine/lower/plan-graph.ts";
import { expectClose } from "../../../close.ts";
import { reversals, tinyDecoder } from "./tiny-decoder.ts";

const STEP = 1 / 1024;

test.each([
  ["tied: the table is read as embeddings and as the head, in two chunks of rows", true, [EMBEDDINGS]],
  ["apart", false, [EMBEDDINGS, HEAD]],
] as const)("full training: gradients are those of central differences (%s)", async (_, tied, tables) => {
  const { config } = tinyDecoder({
    tie_word_embeddings: tied,
    num_hidden_layers: 1,
    hidden_size: 16,
    intermediate_size: 24,
  });
  const weights = initialDecoder(config, 8);
  const rows = reversals(18, 3);
  const settings = resolveDecoderSettings({ method: "full", seed: 1 }, config);
  const decoder = new TracedDecoder(config, settings, 32, "f32");
  const sizes = { bucket: bucketFor(rows), places: predictingRows(rows) };
  expect(sizes.places).toBeGreaterThan(64); // more than one chunk
  const names = [...tables, "model.norm.weight", "model.layers.0.self_attn.k_proj.weight"];
  const graph = new Graph();
  const { loss, parameters } = decoder.train(graph, sizes);
  const gradients = new Map(grad(loss, parameters).map((own, at) => [[...decoder.trained.keys()][at]!, own]));
  const outputs = { loss, ...Object.fromEntries(names.map((name) => [`d ${name}`, gradients.get(name)!])) };
  const reference = await openReference().prepare(planGraph(graph, { outputs }));
  for (const name of decoder.trained.keys()) {
    reference.write(name, (await decoderInMemory(config, weights).tensor(name)).values);
  }
  reference.write(ROTARY, rotaryValues(config, 32));
  const feeds = supervisedFeeds(rows, sizes.bucket, sizes.places);
  reference.run(feeds);
  for (const name of names) {
    const found = reference.values(`d ${name}`);
    const start = weights.get(name)!.values;
    const places = Array.from({ length: 3 }, (__, index) => Math.floor(((index + 0.5) * start.length) / 3));
    const differences = places.map((place) => {
      const lossAt = (shift: number): number => {
        const moved = start.slice();
        moved[place]! += shift;
        reference.write(name, moved);
        reference.run(feeds);
        return reference.values("loss")[0]!;
      };
      const [up, down] = [Math.fround(start[place]! + STEP), Math.fround(start[place]! - STEP)];
      return (lossAt(STEP) - lossAt(-STEP)) / (up - down);
    });
    reference.write(name, start);
    reference.run(feeds);
    expectClose(
      places.map((place) => found[place]!),
      differences,
      { absolute: 2e-5, relative: 5e-3 },
      name,
    );
  }
});
