// A LoRA adapter of a decoder as llama.cpp loads it (--lora), named and laid out as its convert_lora_to_gguf.py does:
// "blk.3.attn_q.weight.lora_a" [r, in] and ".lora_b" [out, r]. Its Llama turns pairs of neighbours where ours turns halves, so rows of
// q's and k's lora_b change places as those of the weights do (LlamaModel.permute): row h·Dh + s·Dh/2 + j → h·Dh + 2j + s, s = 0, 1.
// Qwen's do not. llama.cpp scales by alpha / r, so that of an rsLoRA adapter is written as alpha·√r.
import { RetuneError } from "../../engine/errors.ts";
import type { TensorData } from "../matrix.ts";
import type { LoraAdapter } from "../models/encoder-model.ts";
import type { LlamaConfig } from "../models/llama/config.ts";
import type { LayerLinear } from "../models/llama/names.ts";
import { writeGguf, type GgufTensor, type GgufValue } from "./gguf.ts";

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
