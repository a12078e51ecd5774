import { expect, test } from "vitest";
import { llamaConfigOf } from "../../../../src/domain/models/llama/config.ts";
import type { FrozenKind } from "../../../../src/domain/models/llama/frozen.ts";
import { decoderInputs } from "../../../../src/domain/models/llama/inputs.ts";
import { ALL_DECODER_LINEAR, withDecoderLora } from "../../../../src/domain/models/llama/lora.ts";
import { supervisedLoss } from "../../../../src/domain/models/llama/supervision.ts";
import { traceLlama } from "../../../../src/domain/models/llama/weights.ts";
import { grad } from "../../../../src/engine/autodiff.ts";
import { Graph } from "../../../../src/engine/graph.ts";
import { planGraph } from "../../../../src/engine/lower/plan-graph.ts";
import { adamw } from "../../../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../../../src/engine/optim/clip.ts";
import { storageBytes, type Plan } from "../../../../src/engine/plan.ts";

const TOKENS = 512;
const SMOL = llamaConfigOf({
  ...{
    model_type: "llama",
    vocab_size: 49152,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
  },
  ...{
    num_attention_heads: 9,
    num_key_value_heads: 3,
    max_position_embeddings: 8192,
    tie_word_embeddings: true,
  },
});

/** A LoRA step of SmolLM2-135M on 512 tokens, a quarter of them supervised, planned and not run. */
function planOf(recompute: boolean, frozen: FrozenKind = "f16"): Plan {
  const graph = new Graph();
  const lora = { rank: 8, alpha: 16, rsLora: false, targets: ALL_DECODER_LINEAR };
  const traced = withDecoderLora(
    graph,
    SMOL,
    traceLlama(graph, SMOL, () => false, { frozen }),
    lora,
  );
  const inputs = decoderInputs(graph, SMOL, { rows: TOKENS, segments: 8, longest: TOKENS }, TOKENS);
  const loss = supervisedLoss(SMOL, traced, inputs, TOKENS / 4, { recompute });
  const { gradients, norm } = clipByGlobalNorm(grad(loss, traced.parameters()), 1);
  const learningRate = graph.scalar("learningRate");
  const settings = { learningRate, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 } as const;
  return planGraph(graph, { updates: adamw(traced.parameters(), gradients, settings), log: { loss, norm } });
}

function mebibytes(plan: Plan, ...kinds: readonly string[]): number {
  const counted = plan.storages.filter(({ kind }) => kinds.includes(kind));
  return counted.reduce((sum, spec) => sum + storageBytes(spec), 0) / 2 ** 20;
}

test("a LoRA step of SmolLM2-135M fits the memory it is planned for: base in halves, LoRA, one layer at a time", () => {
  const plan = planOf(true);
  expect(mebibytes(plan, "resident")).toBeLessThan(258); // 134.5 million halves and the table of positions
  expect(mebibytes(plan, "parameters", "gradients", "moments")).toBeLessThan(38);
  expect(mebibytes(plan, "slot")).toBeLessThan(80); // 34 of checkpoints, the rest a layer and a chunk of logits
  expect(mebibytes(plan, "derived")).toBe(0); // nothing of the base is copied
});

test.each([
  ["f32", 513.4, 0.2],
  ["f16", 256.8, 0.2],
  ["q8", 136.4, 0.2], // 8.5 bits a value
  ["q4", 85.9, 0.7], // 4.5 bits, the embeddings 8.5
] as const)("the base of that step in %s takes %f MiB", (frozen, base, rest) => {
  const taken = mebibytes(planOf(true, frozen), "resident");
  expect(taken).toBeGreaterThan(base - rest);
  expect(taken).toBeLessThan(base + rest);
});

test("without recomputation the same step keeps every layer's activations", () => {
  expect(mebibytes(planOf(false), "slot")).toBeGreaterThan(400);
});

test("only LoRA has gradients: a token costs three times a forward pass, no gradient of a frozen matrix", () => {
  const linear = 106_204_992; // weights of the linear layers
  const perToken = planOf(true).flops / TOKENS;
  expect(perToken).toBeGreaterThan(6 * linear);
  expect(perToken).toBeLessThan(6 * linear * 1.35); // attention, LoRA and the head of a quarter of the rows
});
