import type { ChatFormat } from "../chat/chat-format.ts";
import type { Weights } from "../matrix.ts";
import type { LlamaConfig } from "./llama/config.ts";
import { llamaShapes } from "./llama/names.ts";
import type { DecoderFiles, DecoderFolder } from "./weights/llama-weights.ts";

/** A causal language model as its folder holds it; no tensor is read before it is asked for. */
export interface DecoderModel {
  readonly name: string;
  readonly config: LlamaConfig;
  readonly format: ChatFormat; // tokenizer, chat template, ends of turn
  readonly weights: DecoderFolder;
  readonly placeholders: boolean; // it knows only delexicalised words (config.json: "retune_placeholders")
  readonly files: DecoderFiles; // as they came: what a merged export repeats
}

/** What a training starts from. */
export type DecoderBase = Pick<DecoderModel, "name" | "config" | "weights">;

/** Weights in memory as a folder gives them: the outcome of a full training, or fresh ones. */
export function decoderInMemory(config: LlamaConfig, weights: Weights): DecoderFolder {
  return {
    config,
    names: [...llamaShapes(config).keys()],
    tensor: (name) => {
      const found = weights.get(name);
      if (!found) throw new Error(`no tensor "${name}" among the decoder's weights`);
      return Promise.resolve(found);
    },
  };
}
