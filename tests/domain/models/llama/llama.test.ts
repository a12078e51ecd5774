import { afterAll, beforeAll, expect, test } from "vitest";
import type { TensorData, Weights } from "../../../../src/domain/matrix.ts";
import { llamaConfigOf, type LlamaConfig } from "../../../../src/domain/models/llama/config.ts";
import { decoderInputs, ROTARY, rotaryValues } from "../../../../src/domain/models/llama/inputs.ts";
import { llama, nextTokenLogits } from "../../../../src/domain/models/llama/llama.ts";
import {
  ALL_DECODER_LINEAR,
  decoderLoraShapes,
  initialDecoderLora,
  withDecoderLora,
} from "../../../../src/domain/models/llama/lora.ts";
import { EMBEDDINGS, llamaShapes } from "../../../../src/domain/models/llama/names.ts";
import {
  predictingRows,
  supervisedFeeds,
  supervisedLoss,
  type SupervisedSequence,
} from "../../../../src/domain/models/llama/supervision.ts";
import { traceLlama } from "../../../../src/domain/models/llama/weights.ts";
import { partValues } from "../../../../src/domain/models/llama/vocabulary.ts";
import { bucketFor, packBatch } from "../../../../src/domain/text/pack.ts";
import { grad } from "../../../../src/engine/autodiff.ts";
import type { Backend, Executable } from "../../../../src/engine/backend.ts";
import { compile } from "../../../../src/engine/compile.ts";
import { elementCount } from "../../../../src/engine/graph.ts";
import { expectClose } from "../../../close.ts";
import { randomValues } from "../../../engine/fixtures.ts";
import { openTestCpu } from "../../recipes/open-backend.ts";
import { plainLogits } from "./plain-decoder.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});
afterAll(() => cpu.dispose());

const TINY = {
  ...{ vocab_size: 29, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, max_position_embeddings: 32, rms_norm_eps: 1e-5 },
};

const MODELS = {
  Llama: { model_type: "llama", tie_word_embeddings: true },
  "Llama with every bias and a head of its own": {
    model_type: "llama",
    attention_bias: true,
    mlp_bias: true,
  },
  "Qwen2.5": { model_type: "qwen2", tie_word_embeddings: true, rope_theta: 1e6 },
  Qwen3: { model_type: "qwen3", head_dim: 6, tie_word_embeddings: true, rope_theta: 1e6 },
};

function randomWeights(config: LlamaConfig): Weights {
  const weights = new Map<string, TensorData>();
  for (const [name, shape] of llamaShapes(config)) {
    const values = randomValues(elementCount(shape), weights.size + 1);
    weights.set(name, {
      shape,
      values: shape.length === 1 ? values.map((x) => 1 + x / 2) : values.map((x) => x / 2),
    });
  }
  return weights;
}

const SEQUENCES: readonly SupervisedSequence[] = [[3, 7, 1, 28, 7], [5], [9, 9, 2, 4, 11, 0, 6]].map(
  (ids) => ({
    ids,
    supervised: ids.map((_, token) => token > 1),
  }),
);

function writeAll(executable: Executable, config: LlamaConfig, weights: Weights): void {
  for (const [name, { values }] of weights) executable.write(name, values);
  executable.write(ROTARY, rotaryValues(config, config.maxPositions));
}

async function logitsOf(
  config: LlamaConfig,
  weights: Weights,
  sequences: readonly SupervisedSequence[],
): Promise<Float32Array> {
  const { bucket, tokens, ids, positions, ranges } = packBatch(sequences);
  const executable = await compile(cpu, (graph) => {
    const traced = traceLlama(graph, config, () => false);
    const inputs = decoderInputs(graph, config, bucket, config.maxPositions);
    const rows = graph.input("predicting", "u32", [tokens]);
    return { outputs: { logits: nextTokenLogits(traced, llama(config, traced, inputs), rows) } };
  });
  writeAll(executable, config, weights);
  executable.run({
    ids,
    positions,
    ranges,
    predicting: Uint32Array.from({ length: tokens }, (_, row) => row),
  });
  const logits = await executable.read("logits");
  executable.dispose();
  return logits;
}

test.each(Object.entries(MODELS))(
  "%s, packed, has the logits of plain loops over each sequence alone",
  async (_name, model) => {
    const config = llamaConfigOf({ ...TINY, ...model });
    const weights = randomWeights(config);
    const got = await logitsOf(config, weights, SEQUENCES);
    const want = SEQUENCES.flatMap(({ ids }) => plainLogits(config, weights, ids).flat());
    expectClose(got, want, { absolute: 1e-4 });
  },
);

const lora = { rank: 2, alpha: 6, rsLora: false, targets: ALL_DECODER_LINEAR };

interface Step {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

interface StepOptions {
  readonly recompute?: boolean;
  readonly from?: number;
  readonly tokens?: number;
  readonly vocabularyRows?: number;
  readonly bottomStill?: boolean; // LoRA of the first layer changes nothing
}

async function stepOf(
  sequences: readonly SupervisedSequence[],
  { recompute = false, from = 0, tokens, vocabularyRows = 29, bottomStill = false }: StepOptions = {},
): Promise<Step> {
  const config = llamaConfigOf({ ...TINY, ...MODELS.Qwen3 });
  const adapter = initialDecoderLora(config, lora, 3, { from });
  const [bucket, places] = [bucketFor(sequences), predictingRows(sequences)];
  const names = [...adapter.weights.keys()];
  const executable = await compile(cpu, (graph) => {
    const base = traceLlama(graph, config, () => false, { vocabularyRows });
    const traced = withDecoderLora(graph, config, base, lora, { from });
    const inputs = decoderInputs(graph, config, bucket, config.maxPositions);
    const loss = supervisedLoss(config, traced, inputs, places, { recompute });
    const gradients = grad(loss, traced.parameters());
    return { outputs: { loss, ...Object.fromEntries(names.map((name, i) => [`d ${name}`, gradients[i]!])) } };
  });
  const order = [...decoderLoraShapes(config, lora).keys()];
  const changed = new Map(
    [...adapter.weights].map(([name, { shape, values }]) => {
      const zero = bottomStill && name.startsWith("model.layers.0.") && name.includes("lora_B");
      const filled = randomValues(values.length, 90 + order.indexOf(name)).map((x) => (zero ? 0 : x / 4));
      return [name, { shape, values: filled }] as const;
    }),
  );
  const table = randomWeights(config).get(EMBEDDINGS)!.values;
  const cut =
    vocabularyRows < 29 ? partValues(config, EMBEDDINGS, table, vocabularyRows) : new Map<string, never>();
  for (const [name, values] of cut) executable.write(name, values);
  const rest = [...randomWeights(config)].filter(([name]) => name !== EMBEDDINGS || cut.size === 0);
  writeAll(executable, config, new Map([...rest, ...changed]));
  executable.run(supervisedFeeds(sequences, bucket, places, tokens));
  const gradients = new Map<string, Float32Array>();
  for (const name of names) gradients.set(name, await executable.read(`d ${name}`));
  const [loss] = await executable.read("loss");
  executable.dispose();
  return { loss: loss!, gradients };
}

test("layers that are computed again in the backward pass give the same gradients to the bit", async () => {
  const [kept, again] = [await stepOf(SEQUENCES), await stepOf(SEQUENCES, { recompute: true })];
  expect(kept.gradients.size).toBe(28);
  expect(again).toEqual(kept);
});

test("a vocabulary in parts gives the loss and the gradients of the whole", async () => {
  const whole = await stepOf(SEQUENCES);
  for (const vocabularyRows of [28, 10, 7]) {
    const parts = await stepOf(SEQUENCES, { vocabularyRows, recompute: true });
    expectClose([parts.loss], [whole.loss], { absolute: 1e-5 });
    for (const [name, gradient] of whole.gradients) {
      expectClose(parts.gradients.get(name)!, gradient, { absolute: 1e-5, relative: 1e-4 }, name);
    }
  }
});

test("gradients of batches divided by all their tokens add up to those of one batch", async () => {
  const whole = await stepOf(SEQUENCES);
  const tokens = 3 + 5; // of a single token nothing is learnt
  const parts = [
    await stepOf(SEQUENCES.slice(0, 2), { tokens }),
    await stepOf(SEQUENCES.slice(2), { tokens }),
  ];
  expectClose([parts[0]!.loss + parts[1]!.loss], [whole.loss], { absolute: 1e-5 });
  for (const [name, gradient] of whole.gradients) {
    const sum = gradient.map(
      (_, i) => parts[0]!.gradients.get(name)![i]! + parts[1]!.gradients.get(name)![i]!,
    );
    expectClose(sum, gradient, { absolute: 1e-5, relative: 1e-4 }, name);
  }
});

test("LoRA on the last layer alone has the gradients it has above a layer that changes nothing", async () => {
  const [all, last] = [await stepOf(SEQUENCES, { bottomStill: true }), await stepOf(SEQUENCES, { from: 1 })];
  expect(last.gradients.size).toBe(14);
  expect(last.loss).toBe(all.loss);
  for (const [name, gradient] of last.gradients) expect(gradient, name).toEqual(all.gradients.get(name));
});

test("the loss over several chunks of rows is the mean over all supervised tokens", async () => {
  const many = Array.from({ length: 12 }, (_, row) => {
    const ids = Array.from({ length: 13 }, (_, token) => (row * 5 + token * token) % 29);
    return { ids, supervised: ids.map((_, token) => token > row % 3) };
  });
  const { loss, gradients } = await stepOf(many);
  expect(predictingRows(many)).toBeGreaterThan(128);
  const halves = [many.slice(0, 5), many.slice(5)]; // one chunk, and two
  const tokens = many.reduce((sum, _, row) => sum + 12 - (row % 3), 0);
  const parts = [await stepOf(halves[0]!, { tokens }), await stepOf(halves[1]!, { tokens })];
  expectClose([loss], [parts[0]!.loss + parts[1]!.loss], { absolute: 1e-5 });
  for (const [name, gradient] of gradients) {
    const sum = gradient.map(
      (_, i) => parts[0]!.gradients.get(name)![i]! + parts[1]!.gradients.get(name)![i]!,
    );
    expectClose(gradient, sum, { absolute: 1e-5, relative: 1e-4 }, name);
  }
});

test("the loss of a base is the cross-entropy of plain loops", async () => {
  const config = llamaConfigOf({ ...TINY, ...MODELS.Qwen3 });
  const weights = randomWeights(config);
  const [bucket, places] = [bucketFor(SEQUENCES), predictingRows(SEQUENCES)];
  const executable = await compile(cpu, (graph) => {
    const inputs = decoderInputs(graph, config, bucket, config.maxPositions);
    const traced = traceLlama(graph, config, () => false);
    return { outputs: { loss: supervisedLoss(config, traced, inputs, places) } };
  });
  writeAll(executable, config, weights);
  executable.run(supervisedFeeds(SEQUENCES, bucket, places));
  const got = await executable.read("loss");
  const losses = SEQUENCES.flatMap(({ ids, supervised }) =>
    plainLogits(config, weights, ids).flatMap((logits, row) => {
      if (!supervised[row + 1]) return [];
      const sum = logits.reduce((total, value) => total + Math.exp(value), 0);
      return [Math.log(sum) - logits[ids[row + 1]!]!];
    }),
  );
  expectClose(got, [losses.reduce((sum, loss) => sum + loss / losses.length, 0)], { absolute: 1e-5 });
});

test("a training step never holds the logits of all its rows", async () => {
  const config = llamaConfigOf({ ...TINY, ...MODELS.Qwen3, vocab_size: 4000 });
  const places = 640;
  const bytes = async (rows: number): Promise<number> => {
    const executable = await compile(cpu, (graph) => {
      const traced = withDecoderLora(
        graph,
        config,
        traceLlama(graph, config, () => false),
        lora,
      );
      const inputs = decoderInputs(graph, config, { rows: 640, segments: 8, longest: 32 }, 32);
      const loss = supervisedLoss(config, traced, inputs, rows);
      const gradients = grad(loss, traced.parameters());
      return { outputs: Object.fromEntries(gradients.map((gradient, i) => [`d${i}`, gradient])) };
    });
    const { peakBytes } = executable.plan;
    executable.dispose();
    return peakBytes;
  };
  const [one, ten] = [await bytes(64), await bytes(places)];
  expect(ten - one).toBeLessThan(0.1 * places * config.vocabSize * 4);
});

test("only supervised tokens with one before them are predicted, and a batch that teaches nothing is refused", () => {
  const bucket = bucketFor(SEQUENCES);
  const feeds = supervisedFeeds(SEQUENCES, bucket, predictingRows(SEQUENCES));
  expect([...(feeds["predicting"] as Uint32Array).subarray(0, 9)]).toEqual([1, 2, 3, 7, 8, 9, 10, 11, 0]);
  expect([...(feeds["targets 0"] as Uint32Array).subarray(0, 9)]).toEqual([
    1, 28, 7, 2, 4, 11, 0, 6, 0xffffffff,
  ]);
  expect(feeds["share"]).toBe(1 / 8);
  const silent = [{ ids: [4, 5], supervised: [true, false] }];
  expect(() => supervisedFeeds(silent, bucket, 32)).toThrow(
    "0 supervised tokens for 32 places, divided by 0",
  );
  expect(() => supervisedFeeds(SEQUENCES, bucket, 4)).toThrow("8 supervised tokens for 4 places");
});
