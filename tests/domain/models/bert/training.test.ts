import { expect, test } from "vitest";
import { bert, type BertOptions } from "../../../../src/domain/models/bert/bert.ts";
import { pairLogits } from "../../../../src/domain/models/bert/classifier.ts";
import type { BertConfig } from "../../../../src/domain/models/bert/config.ts";
import type { DropoutSource } from "../../../../src/domain/models/bert/dropout.ts";
import { batchInputs } from "../../../../src/domain/models/bert/inputs.ts";
import { initialLora, withLora } from "../../../../src/domain/models/bert/lora.ts";
import {
  crossEncoderShapes,
  decays,
  encoderShapes,
  trainsWith,
} from "../../../../src/domain/models/bert/names.ts";
import { pooledUnit } from "../../../../src/domain/models/bert/pooling.ts";
import { traceWeights } from "../../../../src/domain/models/bert/weights.ts";
import { openTextEmbedder } from "../../../../src/domain/models/embed-texts.ts";
import type { Executable } from "../../../../src/engine/backend.ts";
import { packBatch, packedFeeds, type Bucket } from "../../../../src/domain/text/pack.ts";
import { grad } from "../../../../src/engine/autodiff.ts";
import { openReference } from "../../../../src/engine/backends/reference.ts";
import { compile } from "../../../../src/engine/compile.ts";
import type { Graph, Tensor } from "../../../../src/engine/graph.ts";
import { roundedToHalf } from "../../../../src/engine/half.ts";
import { adamw } from "../../../../src/engine/optim/adamw.ts";
import { columns } from "../../../../src/engine/ops/slices.ts";
import { sum } from "../../../../src/engine/ops/reductions.ts";
import { rowOf } from "../../../../src/domain/matrix.ts";
import { expectClose } from "../../../close.ts";
import { encoderFrom } from "../model-folders.ts";

const TINY = "tests/fixtures/formats/tiny-bert";
const model = encoderFrom(TINY, { pooling: "mean", maxTokens: 64 });
const { config } = model; // drops 0.1 everywhere
const backend = openReference();
const batch = packBatch([{ ids: [2, 71, 186, 230, 3] }, { ids: [2, 116, 3] }]);

/** The batch's vectors, with dropout at `counter` where a seed is given. */
async function vectors(
  options: { seed?: number; counter?: number; loraRate?: number; settings?: BertConfig } = {},
): Promise<Float32Array> {
  const { seed, counter = 1, loraRate, settings = config } = options;
  const shape = { rank: 4, alpha: 64, rsLora: false, targets: ["query"] };
  const lora = initialLora(config, shape, 3);
  const executable = await compile(backend, (graph) => {
    const source = seed === undefined ? undefined : { seed, counter: graph.input("counter", "u32", [1]) };
    const out = traced(graph, settings, source, loraRate);
    return { outputs: { out } };
  });
  for (const name of encoderShapes(config).keys()) executable.write(name, model.weights.get(name)!.values);
  if (loraRate !== undefined) {
    for (const [name, { values }] of lora.weights) {
      executable.write(name, name.includes("lora_B") ? values.map((_, index) => Math.sin(index)) : values);
    }
  }
  const feeds = packedFeeds(batch, "mean");
  executable.run(seed === undefined ? feeds : { ...feeds, counter: Uint32Array.of(counter) });
  const out = await executable.read("out");
  executable.dispose();
  return out;

  function traced(
    graph: Graph,
    settings: BertConfig,
    source: DropoutSource | undefined,
    rate: number | undefined,
  ): Tensor {
    const frozen = traceWeights(graph, encoderShapes(config), () => false);
    const inputs = batchInputs(graph, batch.bucket, "mean");
    const dropout = source && rate !== undefined ? { rate, source } : undefined;
    const weights = rate === undefined ? frozen : withLora(graph, config, frozen, shape, dropout);
    const drops: BertOptions = source && rate === undefined ? { dropout: source } : {};
    return pooledUnit(bert(settings, weights, inputs, drops), inputs);
  }
}

const apart = (a: Float32Array, b: Float32Array): number =>
  Math.max(...a.map((value, index) => Math.abs(value - b[index]!)));

test("dropout changes what is computed, equally for equal seed and step, and not at all where it is off", async () => {
  const off = await vectors();
  const on = await vectors({ seed: 7 });
  expect(apart(on, off)).toBeGreaterThan(0.01);
  expectClose(await vectors({ seed: 7 }), on, {}, "same step");
  expect(apart(await vectors({ seed: 7, counter: 2 }), on)).toBeGreaterThan(0.01);
  expect(apart(await vectors({ seed: 8 }), on)).toBeGreaterThan(0.01);
  const none = { ...config, hiddenDropout: 0, attentionDropout: 0 };
  expectClose(await vectors({ seed: 7, settings: none }), off, {}, "rates of 0");
});

test("each of the config's rates drops by itself", async () => {
  const off = await vectors();
  const [hidden, attention] = await Promise.all([
    vectors({ seed: 7, settings: { ...config, attentionDropout: 0 } }),
    vectors({ seed: 7, settings: { ...config, hiddenDropout: 0 } }),
  ]);
  for (const out of [hidden, attention]) expect(apart(out, off)).toBeGreaterThan(1e-3);
  expect(apart(hidden, attention)).toBeGreaterThan(1e-3);
});

test("LoRA's dropout changes what its matrices see", async () => {
  const off = await vectors({ loraRate: 0 });
  expect(apart(await vectors({ loraRate: 0.5, seed: 7 }), off)).toBeGreaterThan(1e-4);
  expectClose(await vectors({ loraRate: 0, seed: 7 }), off, {}, "rate 0");
});

test("a text has the same vector alone and packed with others", async () => {
  const embedder = await openTextEmbedder(backend, model);
  const texts = ["the dog", "how many leave days do employees receive each year", "", "revenue"];
  const together = await embedder.embed(texts);
  for (const [row, text] of texts.entries()) {
    const alone = await embedder.embed([text]);
    expectClose(alone.values, rowOf(together, row), { absolute: 1e-6 }, text);
  }
  embedder.dispose();
});

test("frozen matrices stored in halves give the vectors of weights rounded to halves", async () => {
  const texts = ["the dog", "how many leave days do employees receive each year"];
  const embed = async (stored: "f32" | "f16", from = model): Promise<Float32Array> => {
    const embedder = await openTextEmbedder(backend, from, { stored });
    const { values } = await embedder.embed(texts);
    embedder.dispose();
    return values;
  };
  const rounded = new Map(
    Array.from(model.weights, ([name, { shape, values }]) => [
      name,
      { shape, values: shape.length === 2 ? roundedToHalf(values) : values },
    ]),
  );
  const halves = await embed("f16");
  expectClose(halves, await embed("f32", { ...model, weights: rounded }), { absolute: 1e-6 }, "vectors");
  expect(apart(halves, await embed("f32"))).toBeGreaterThan(1e-5);
  expect(apart(halves, await embed("f32"))).toBeLessThan(5e-3);
});

test("with the last layers alone in training, the rest is resident and the head trains too", () => {
  const trains = trainsWith(config, 1);
  const names = [...crossEncoderShapes(config).keys()].filter(trains);
  expect(names.length).toBe(16 + 4);
  expect(names.every((name) => /^(encoder\.layer\.1\.|pooler|classifier)/.test(name))).toBe(true);
  expect([...encoderShapes(config).keys()].every(trainsWith(config, undefined))).toBe(true);
  expect([...encoderShapes(config).keys()].some(trainsWith(config, 0))).toBe(false);
});

test("gradients stop at what does not train", async () => {
  const names = [...crossEncoderShapes(config).keys()].filter(trainsWith(config, 1));
  const executable = await compile(backend, (graph) => {
    const weights = traceWeights(graph, crossEncoderShapes(config), trainsWith(config, 1));
    const loss = sum(pairLogits(config, weights, batchInputs(graph, batch.bucket, "cls")));
    const parameters = weights.parameters();
    expect(parameters.map((leaf) => "name" in graph.node(leaf).operation && leaf.shape)).toEqual(
      names.map((name) => crossEncoderShapes(config).get(name)),
    );
    const gradients = grad(loss, parameters);
    return { outputs: Object.fromEntries(gradients.map((gradient, index) => [names[index]!, gradient])) };
  }).catch((error: unknown) => error);
  expect(executable).not.toBeInstanceOf(Error);
});

test("weight decay leaves biases and layer norms alone", () => {
  const free = [...crossEncoderShapes(config).keys()].filter((name) => !decays(name));
  expect(free.every((name) => /bias$|LayerNorm\.weight$/.test(name))).toBe(true);
  expect(free.length).toBe(1 + 1 + 2 * (6 + 2 + 2) + 2); // embeddings' norm, each layer's six biases and two norms, the head's biases
});

/** A step's gradients as outputs. */
function compileGradients(settings: BertConfig, bucket: Bucket, recompute: boolean): Promise<Executable> {
  const names = [...encoderShapes(settings).keys()];
  return compile(backend, (graph) => {
    const weights = traceWeights(graph, encoderShapes(settings), () => true);
    const inputs = batchInputs(graph, bucket, "mean");
    const dropout = { seed: 5, counter: graph.input("counter", "u32", [1]) };
    const first = columns(pooledUnit(bert(settings, weights, inputs, { dropout, recompute }), inputs), 0, 5);
    const found = grad(sum(first), weights.parameters());
    return { outputs: Object.fromEntries(found.map((one, index) => [`d ${names[index]!}`, one])) };
  });
}

test("recomputing a layer's activations gives the same gradients to the bit", async () => {
  const names = [...encoderShapes(config).keys()];
  const gradients = async (recompute: boolean): Promise<Float32Array[]> => {
    const executable = await compileGradients(config, batch.bucket, recompute);
    for (const name of names) executable.write(name, model.weights.get(name)!.values);
    executable.run({ ...packedFeeds(batch, "mean"), counter: Uint32Array.of(1) });
    const values = await Promise.all(names.map((name) => executable.read(`d ${name}`)));
    executable.dispose();
    return values;
  };
  const [kept, again] = [await gradients(false), await gradients(true)];
  expect(again).toEqual(kept);
  expect(again.every((values) => values.some((value) => value !== 0))).toBe(true);
});

test("a step that recomputes layers keeps one state of each token and layer", async () => {
  const bucket = { rows: 2048, segments: 8, longest: 512 };
  const bytesAt = async (layers: number, recompute: boolean): Promise<number> => {
    const settings = { ...config, layers };
    const executable = await compile(backend, (graph) => {
      const weights = traceWeights(graph, encoderShapes(settings), () => true);
      const inputs = batchInputs(graph, bucket, "cls");
      const vectors = pooledUnit(bert(settings, weights, inputs, { recompute }), inputs);
      const parameters = weights.parameters();
      const gradients = grad(sum(columns(vectors, 0, 5)), parameters);
      return { updates: adamw(parameters, gradients, { learningRate: graph.scalar("learningRate") }) };
    });
    executable.dispose();
    return executable.plan.peakBytes;
  };
  const states = 4 * bucket.rows * config.hiddenSize;
  const perLayer = async (recompute: boolean): Promise<number> =>
    ((await bytesAt(8, recompute)) - (await bytesAt(4, recompute))) / (4 * states);
  expect(await perLayer(true)).toBeLessThan(1.6); // half a state is a layer's weights, gradients and moments
  expect(await perLayer(false)).toBeGreaterThan(10);
  expect(await perLayer(false)).toBeLessThan(11); // two more without the wide activation's recomputation
});
