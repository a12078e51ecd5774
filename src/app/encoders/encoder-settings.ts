import { readSettings } from "./model-files.ts";
import type { ModelFiles } from "./model-files.ts";

export type Pooling = "cls" | "mean";

/** What a model folder says about how its vectors are made. */
export interface EncoderSettings {
  readonly pooling: Pooling;
  readonly maxTokens: number;
  readonly queryInstruction: string; // "" if the folder names none
}

/**
 * Read as sentence-transformers reads them: 1_Pooling/config.json for the pooling (mean where nothing is said, as
 * there; CLS for bge, whose plain exports say nothing), sentence_bert_config.json or the model's own limits for the
 * length, config_sentence_transformers.json for the query prompt. Vectors are always L2-normalised.
 */
export async function readEncoderSettings(files: ModelFiles): Promise<EncoderSettings> {
  const [pooling, sentence, prompts, model, tokenizer] = await Promise.all(
    [
      "1_Pooling/config.json",
      "sentence_bert_config.json",
      "config_sentence_transformers.json",
      "config.json",
      "tokenizer_config.json",
    ].map((path) => readSettings(files, path)),
  );
  const limits = [
    sentence!["max_seq_length"],
    model!["max_position_embeddings"],
    tokenizer!["model_max_length"],
  ];
  const sensible = limits.filter((limit): limit is number => typeof limit === "number" && limit < 100_000);
  return {
    pooling: poolingOf(pooling!, files.name),
    maxTokens: sensible.length > 0 ? Math.min(...sensible) : 512,
    queryInstruction: promptOf(prompts!["prompts"]),
  };
}

function poolingOf(settings: Record<string, unknown>, name: string): Pooling {
  if (settings["pooling_mode_cls_token"] === true) return "cls";
  if (settings["pooling_mode_mean_tokens"] === true) return "mean";
  return /bge|gte-.*v1\.5|arctic/i.test(name) ? "cls" : "mean";
}

function promptOf(prompts: unknown): string {
  if (typeof prompts !== "object" || prompts === null || !("query" in prompts)) return "";
  return typeof prompts.query === "string" ? prompts.query : "";
}
