import type { Weights } from "../matrix.ts";
import type { BertConfig } from "./bert/config.ts";

/** Named tensors, row-major float32, by the names of `bert/names.ts`. */
export type NamedWeights = Weights;

/** The two files a tokenizer is made of, as text; tokenizer_config.json may be "{}". */
export interface TokenizerFiles {
  readonly tokenizerJson: string;
  readonly tokenizerConfigJson: string;
}

export type Pooling = "cls" | "mean";

/** Instructions put before a text, trailing space included; "" where there is none. Part of the model. */
export interface Prompts {
  readonly query: string;
  readonly document: string;
}

/** A BERT-type text encoder: everything that training, embedding and an export need, nothing of storage or browser. */
export interface EncoderModel {
  readonly name: string;
  readonly config: BertConfig;
  readonly weights: NamedWeights;
  readonly tokenizer: TokenizerFiles;
  readonly pooling: Pooling;
  readonly normalize: boolean; // whether vectors are divided by their length
  readonly maxTokens: number; // texts are cut there, [CLS] and [SEP] included
  readonly prompts: Prompts;
}

/** A BERT with a one-logit head that scores a pair of texts: weights include "pooler.dense.*" and "classifier.*". */
export interface CrossEncoderModel {
  readonly name: string;
  readonly config: BertConfig;
  readonly weights: NamedWeights;
  readonly tokenizer: TokenizerFiles;
  readonly maxTokens: number; // of a pair, [CLS] and both [SEP] included
  readonly activation: "sigmoid" | "identity"; // of the logit, where a score is shown
}

/** Low-rank changes of linear layers (Hu et al. 2021): W + scaling · B·A, scaling = alpha / rank, rsLoRA: alpha / √rank. */
export interface LoraAdapter {
  readonly rank: number;
  readonly alpha: number;
  readonly rsLora: boolean;
  readonly targets: readonly string[]; // ends of layer names, as PEFT's target_modules: "query", "output.dense"
  /** "encoder.layer.0.attention.self.query.lora_A.weight" [rank, in] and "….lora_B.weight" [out, rank]. */
  readonly weights: NamedWeights;
}
