import { RetuneError } from "../../engine/errors.ts";
import type { Graph, Tensor } from "../../engine/graph.ts";
import { add, scaleBy } from "../../engine/ops/elementwise.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import type { TensorData } from "../matrix.ts";
import type { LoraAdapter } from "../models/encoder-model.ts";
import type { LlamaConfig } from "../models/llama/config.ts";
import { llamaShapes } from "../models/llama/names.ts";
import type { DecoderWeights } from "../models/llama/weights.ts";
import { loraLayers, loraScaling, mergeLora } from "../models/merge-lora.ts";

/** Throws E_MISMATCH unless every layer of the adapter is one of the decoder's, of its size. */
export function checkDecoderLora(config: LlamaConfig, adapter: LoraAdapter): void {
  const shapes = llamaShapes(config);
  for (const layer of loraLayers(adapter)) {
    const [outputs, inputs] = shapes.get(`${layer}.weight`) ?? [];
    const [a, b] = ["A", "B"].map((side) => adapter.weights.get(`${layer}.lora_${side}.weight`)?.shape);
    const fits = a && b && a[0] === adapter.rank && b[1] === adapter.rank;
    if (fits && a[1] === inputs && b[0] === outputs) continue;
    const got = `A [${a?.join(", ") ?? ""}] and B [${b?.join(", ") ?? ""}] of rank ${adapter.rank}`;
    const text = `LoRA of ${layer}: ${got}, the model's layer is [${outputs ?? "?"}, ${inputs ?? "?"}]`;
    throw new RetuneError("E_MISMATCH", `${text}; choose the base it was trained on`);
  }
}

/**
 * `base` with an adapter beside its linear layers as `loraBeside` has it, A and B as residents named `prefix` and their own
 * names: several adapters can lie over one base that way.
 */
export function withLoraResidents(
  graph: Graph,
  base: DecoderWeights,
  adapter: LoraAdapter,
  prefix: string,
): DecoderWeights {
  const leaves = new Map<string, Tensor>();
  for (const [name, { shape }] of adapter.weights)
    leaves.set(name, graph.resident(prefix + name, "f32", shape));
  const scaling = loraScaling(adapter);
  const linear = (name: string, x: Tensor): Tensor => {
    const out = base.linear(name, x);
    const [a, b] = ["A", "B"].map((side) => leaves.get(`${name}.lora_${side}.weight`));
    if (!a || !b) return out;
    const low = matmul(x, a, { transposeB: true });
    return add(scaleBy(matmul(low, b, { transposeB: true }), scaling), out);
  };
  return { ...base, linear };
}

/** A tensor of the base with the part of the adapter that changes it. */
export function mergedTensor(name: string, tensor: TensorData, adapter: LoraAdapter): TensorData {
  const layer = name.replace(/\.weight$/, "");
  const sides = ["A", "B"].map((side) => `${layer}.lora_${side}.weight`);
  const own = sides.flatMap((side) => {
    const values = adapter.weights.get(side);
    return values ? [[side, values] as const] : [];
  });
  if (own.length < 2) return tensor;
  return mergeLora(new Map([[name, tensor]]), { ...adapter, weights: new Map(own) }).get(name)!;
}
