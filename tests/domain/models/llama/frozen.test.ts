import { afterAll, beforeAll, expect, test } from "vitest";
import type { DecoderFixture } from "../../../../cli/parity/decoder-fixture.ts";
import type { TensorData, Weights } from "../../../../src/domain/matrix.ts";
import { decoderInMemory } from "../../../../src/domain/models/decoder-model.ts";
import { llamaConfigOf } from "../../../../src/domain/models/llama/config.ts";
import {
  frozenTypeOf,
  vocabularyRowsWithin,
  type FrozenKind,
} from "../../../../src/domain/models/llama/frozen.ts";
import { decoderInputs, ROTARY, rotaryValues } from "../../../../src/domain/models/llama/inputs.ts";
import { llama, nextTokenLogits } from "../../../../src/domain/models/llama/llama.ts";
import { decoderLoraShapes, withDecoderLora } from "../../../../src/domain/models/llama/lora.ts";
import { EMBEDDINGS, llamaShapes } from "../../../../src/domain/models/llama/names.ts";
import {
  predictingRows,
  supervisedFeeds,
  supervisedLoss,
} from "../../../../src/domain/models/llama/supervision.ts";
import { traceLlama } from "../../../../src/domain/models/llama/weights.ts";
import { writeDecoder } from "../../../../src/domain/models/weights/write-decoder.ts";
import { bucketFor, packBatch } from "../../../../src/domain/text/pack.ts";
import { grad } from "../../../../src/engine/autodiff.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { compile } from "../../../../src/engine/compile.ts";
import { isStored } from "../../../../src/engine/graph.ts";
import { adamw } from "../../../../src/engine/optim/adamw.ts";
import { decoded, stored } from "../../../../src/engine/stored.ts";
import { recordedDecoder } from "../../../cli/decoder-parity.ts";
import { expectClose } from "../../../close.ts";
import { openTestCpu } from "../../recipes/open-backend.ts";

let cpu: Backend;
let fixture: DecoderFixture;
let base: Weights;
beforeAll(async () => {
  cpu = await openTestCpu();
  fixture = await recordedDecoder();
  base = new Map([...llamaShapes(fixture.config).keys()].map((name) => [name, fixture.init.get(name)!]));
});
afterAll(() => cpu.dispose());

interface Base {
  readonly frozen: FrozenKind;
  readonly weights: Weights;
  readonly backend: Backend;
}

/** Logits of all tokens of the recorded run's first batch, before training. */
async function logitsOf({ frozen, weights, backend }: Base): Promise<Float32Array> {
  const { config } = fixture;
  const { bucket, tokens, ids, positions, ranges } = packBatch(fixture.batches[0]!.sequences);
  const executable = await compile(backend, (graph) => {
    const traced = traceLlama(graph, config, () => false, { frozen });
    const inputs = decoderInputs(graph, config, bucket, config.maxPositions);
    const hidden = llama(config, traced, inputs);
    return { outputs: { logits: nextTokenLogits(traced, hidden, graph.input("rows", "u32", [tokens])) } };
  });
  await writeDecoder(executable, decoderInMemory(config, weights));
  executable.write(ROTARY, rotaryValues(config, config.maxPositions));
  executable.run({ ids, positions, ranges, rows: Uint32Array.from({ length: tokens }, (_, row) => row) });
  const logits = await executable.read("logits");
  executable.dispose();
  return logits;
}

/** Losses of `steps` steps of LoRA on one batch of the recorded run. */
async function lossesOf(frozen: FrozenKind, steps: number): Promise<number[]> {
  const { config, lora, init } = fixture;
  const { sequences } = fixture.batches[0]!;
  const [bucket, places] = [bucketFor(sequences), predictingRows(sequences)];
  const executable = await compile(cpu, (graph) => {
    const traced = traceLlama(graph, config, () => false, { frozen });
    const weights = withDecoderLora(graph, config, traced, lora);
    const inputs = decoderInputs(graph, config, bucket, config.maxPositions);
    const loss = supervisedLoss(config, weights, inputs, places);
    const learningRate = graph.constant(0.01);
    const settings = { learningRate, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 } as const;
    const updates = adamw(weights.parameters(), grad(loss, weights.parameters()), settings);
    return { updates, log: { loss } };
  });
  await writeDecoder(executable, decoderInMemory(config, base));
  for (const name of decoderLoraShapes(config, lora).keys()) executable.write(name, init.get(name)!.values);
  executable.write(ROTARY, rotaryValues(config, config.maxPositions));
  for (let step = 0; step < steps; step++) executable.run(supervisedFeeds(sequences, bucket, places));
  const rows = await executable.log();
  executable.dispose();
  return rows.map((row) => row["loss"]!);
}

/** The base as it decodes after it was stored. */
function rounded(weights: Weights, frozen: FrozenKind): Weights {
  return new Map(
    [...weights].map(([name, { shape, values }]): [string, TensorData] => {
      const type = frozenTypeOf(name, shape, frozen);
      const own = isStored(type) ? decoded(type, shape, stored(type, shape, values)) : values;
      return [name, { shape, values: own }];
    }),
  );
}

/** ‖a − b‖ / ‖b‖ */
function distance(a: Float32Array, b: Float32Array): number {
  const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
  return norm(a.map((value, index) => value - b[index]!)) / norm(b);
}

test.each([
  ["f16", 0.002],
  ["q8", 0.04],
  ["q4", 0.4],
] as const)("a base in %s has the logits of what it decodes to, near those in full", async (frozen, near) => {
  const full = await logitsOf({ frozen: "f32", weights: base, backend: cpu });
  const own = await logitsOf({ frozen, weights: base, backend: cpu });
  const weights = rounded(base, frozen);
  const want = await logitsOf({ frozen: "f32", weights, backend: cpu });
  expectClose(own, want, { absolute: 2e-5, relative: 2e-5 });
  expect(distance(own, full)).toBeLessThan(near);
  expect(distance(own, full)).toBeGreaterThan(1e-6); // rounding shows
});

test("LoRA learns over a base in 8 and in 4 bits as it does over the full one", async () => {
  const full = await lossesOf("f32", 12);
  for (const [frozen, near] of [
    ["q8", 0.01],
    ["q4", 0.08],
  ] as const) {
    const losses = await lossesOf(frozen, 12);
    const apart = losses.map((loss, step) => Math.abs(loss / full[step]! - 1));
    expect(Math.max(...apart), frozen).toBeLessThan(near);
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
  }
});

test("vocabularies are cut as little as the device's bindings ask for, without being told", async () => {
  const { config } = fixture;
  const whole = await logitsOf({ frozen: "q8", weights: base, backend: cpu });
  for (const rows of [40, 17]) {
    const bytes = rows * Math.ceil(config.hiddenSize / 32) * 34 + 512;
    const small = { ...cpu, bindingBytes: bytes, prepare: cpu.prepare.bind(cpu) };
    expect(vocabularyRowsWithin(config, "q8", bytes)).toBeLessThan(rows);
    const parts = await logitsOf({ frozen: "q8", weights: base, backend: small });
    expectClose(parts, whole, { absolute: 2e-5 });
  }
});

test("a table that fits stays whole; Qwen2.5's in halves makes three parts of a guaranteed binding", () => {
  const config = llamaConfigOf({
    ...{ model_type: "qwen2", vocab_size: 151936, hidden_size: 896, intermediate_size: 4864 },
    ...{ num_hidden_layers: 24, num_attention_heads: 14, num_key_value_heads: 2 },
  });
  const rowsAt = (type: "f16" | "q8", mebibytes: number): number =>
    vocabularyRowsWithin(config, type, mebibytes * 2 ** 20);
  expect([rowsAt("q8", 256), rowsAt("q8", Infinity)]).toEqual([151936, 151936]);
  expect(rowsAt("f16", 128)).toBe(Math.ceil(151936 / 3));
  expect(rowsAt("q8", 128)).toBe(151936 / 2);
});

test("only matrices are stored in fewer bits, and tables of the vocabulary in no fewer than eight", () => {
  expect(frozenTypeOf("model.norm.weight", [8], "q4")).toBe("f32");
  expect(frozenTypeOf("model.layers.0.mlp.up_proj.weight", [8, 8], "q4")).toBe("q4");
  expect(frozenTypeOf(EMBEDDINGS, [8, 8], "q4")).toBe("q8");
  expect(frozenTypeOf("lm_head.weight", [8, 8], "f16")).toBe("f16");
});
