// A LoRA adapter of a decoder as llama.cpp loads it (--lora), named and laid out as its convert_lora_to_gguf.py does:
// "blk.3.attn_q.weight.lora_a" [r, in] and ".lora_b" [out, r]. Its Llama turns pairs of neighbours where ours turns halves, so rows of
// q's and k's lora_b change places as those of the weights do (LlamaModel.permute): row h·Dh + s·Dh/2 + j → h·Dh + 2j + s, s = 0, 1.
// Qwen's do not. llama.cpp scales by alpha / r, so that of an rsLoRA adapter is written as alpha·√r.
import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import type { TensorData, Weights } from "../matrix.ts";
import type { LoraAdapter } from "../models/encoder-model.ts";
import type { LlamaConfig } from "../models/llama/config.ts";
import { llamaShapes, type LayerLinear } from "../models/llama/names.ts";
import { writeGguf, type GgufTensor, type GgufValue } from "./gguf.ts";
import { readGguf } from "./gguf-reader.ts";

const NAMES: Readonly<Record<LayerLinear, string>> = {
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
};

const TENSOR = /^model\.layers\.(\d+)\.((?:self_attn|mlp)\.\w+_proj)\.lora_([AB])\.weight$/;

/** The file. Throws "unsupported" for a tensor that is no LoRA of a decoder's linear layer. */
export function writeGgufLora(
  adapter: LoraAdapter,
  config: LlamaConfig,
  { name, type = "f32" }: { readonly name: string; readonly type?: "f32" | "f16" },
): Uint8Array {
  const { alpha, rank, rsLora } = adapter;
  const architecture = String(config.raw["model_type"]); // "llama", "qwen2", "qwen3": llama.cpp's names as well
  const pairs = new Map<string, GgufValue>([
    ["general.architecture", architecture],
    ["general.type", "adapter"],
    ["general.name", name],
    ["general.file_type", { u32: type === "f16" ? 1 : 0 }],
    ["adapter.type", "lora"],
    ["adapter.lora.alpha", { f32: rsLora ? alpha * Math.sqrt(rank) : alpha }],
  ]);
  const turned = architecture === "llama";
  const tensors = Array.from(adapter.weights, ([key, tensor]) => namedTensor(key, tensor, config, turned));
  return writeGguf(pairs, tensors, type);
}

function namedTensor(key: string, tensor: TensorData, config: LlamaConfig, turned: boolean): GgufTensor {
  const [, layer, linear, side] = TENSOR.exec(key) ?? [];
  const name = NAMES[linear as LayerLinear];
  if (layer === undefined || !(name as string | undefined)) {
    throw new RetuneError(
      "unsupported",
      `GGUF: ${JSON.stringify(key.slice(0, 120))} is no LoRA of a decoder's layer`,
    );
  }
  const heads = { attn_q: config.heads, attn_k: config.keyHeads }[name];
  const own = turned && side === "B" && heads !== undefined ? neighbours(tensor, heads) : tensor;
  return { ...own, name: `blk.${layer}.${name}.weight.lora_${side!.toLowerCase()}` };
}

/**
 * An adapter as llama.cpp reads it, ours or another's, in the terms of `config`, the base it belongs to. Errors: those of `readGguf`,
 * "unsupported" for what is no LoRA of this kind of model, E_MISMATCH where matrices do not fit it.
 */
export function readGgufLora(bytes: Uint8Array, config: LlamaConfig, file?: string): LoraAdapter {
  const { pairs, tensors } = readGguf(bytes, file);
  const refuse = (what: string): RetuneError =>
    new RetuneError("unsupported", `${opening(file)}${what}`, placeIn(file));
  const architecture = config.raw["model_type"];
  if (pairs.get("adapter.type") !== "lora") throw refuse("GGUF: the file holds no LoRA adapter");
  if (pairs.get("general.architecture") !== architecture) {
    const own = String(pairs.get("general.architecture")).slice(0, 40);
    throw refuse(`GGUF: an adapter for ${own}, the base is ${String(architecture)}; choose its own base`);
  }
  const weights = new Map(Array.from(tensors, ([name, tensor]) => ownTensor(name, tensor, config, refuse)));
  const rank = checkedRank(weights, config, file);
  const alpha = pairs.get("adapter.lora.alpha");
  if (typeof alpha !== "number") throw refuse("GGUF: adapter.lora.alpha is missing");
  const targets = new Set([...weights.keys()].map((name) => /(\w+_proj)\.lora_/.exec(name)![1]!));
  return { rank, alpha, rsLora: false, targets: [...targets], weights };
}

const GGUF_TENSOR = /^blk\.(\d+)\.(\w+)\.weight\.lora_([ab])$/;

function ownTensor(
  key: string,
  tensor: TensorData,
  config: LlamaConfig,
  refuse: (what: string) => RetuneError,
): [string, TensorData] {
  const [, layer, name, side] = GGUF_TENSOR.exec(key) ?? [];
  const linear = Object.entries(NAMES).find(([, own]) => own === name)?.[0];
  if (layer === undefined || linear === undefined || tensor.shape.length !== 2) {
    throw refuse(`GGUF: ${JSON.stringify(key.slice(0, 120))} is no LoRA of a linear layer`);
  }
  const heads = { attn_q: config.heads, attn_k: config.keyHeads }[name!];
  const turned = config.raw["model_type"] === "llama" && side === "b" && heads !== undefined;
  const own = turned ? halves(tensor, heads) : tensor;
  return [`model.layers.${layer}.${linear}.lora_${side!.toUpperCase()}.weight`, own];
}

/** The rank that all matrices have; every A has its B, of the sizes that the base's layer has. */
function checkedRank(weights: Weights, config: LlamaConfig, file: string | undefined): number {
  const layers = new Set([...weights.keys()].map((name) => name.replace(/\.lora_[AB]\.weight$/, "")));
  const found = [...weights].find(([name]) => name.endsWith("lora_A.weight"))?.[1].shape[0] ?? 0;
  const shapes = llamaShapes(config);
  for (const layer of layers) {
    const [a, b] = ["A", "B"].map((side) => weights.get(`${layer}.lora_${side}.weight`)?.shape.join() ?? "");
    const [outputs, inputs] = shapes.get(`${layer}.weight`) ?? [];
    if (a === `${found},${inputs}` && b === `${outputs},${found}`) continue;
    const text = `${opening(file)}GGUF: ${layer} has matrices [${a}] and [${b}], the base asks for [${found},${inputs}] and`;
    throw new RetuneError("E_MISMATCH", `${text} [${outputs},${found}]; choose its own base`, placeIn(file));
  }
  return found;
}

/** What `neighbours` did, undone. */
function halves({ shape, values }: TensorData, heads: number): TensorData {
  const [rows, columns] = shape as [number, number];
  const order = neighbours(
    { shape: [rows, 1], values: Float32Array.from({ length: rows }, (_, row) => row) },
    heads,
  );
  const moved = new Float32Array(values.length);
  for (const [place, row] of order.values.entries()) {
    moved.set(values.subarray(place * columns, (place + 1) * columns), row * columns);
  }
  return { shape, values: moved };
}

/** Rows of each head so that the two of a pair, which stand half a head apart, stand beside each other. */
export function neighbours({ shape, values }: TensorData, heads: number): TensorData {
  const [rows, columns] = shape as [number, number];
  const half = rows / heads / 2;
  const moved = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const [head, place] = [Math.floor(row / (2 * half)), row % (2 * half)];
    const [side, pair] = [Math.floor(place / half), place % half];
    const target = head * 2 * half + 2 * pair + side;
    moved.set(values.subarray(row * columns, (row + 1) * columns), target * columns);
  }
  return { shape, values: moved };
}
