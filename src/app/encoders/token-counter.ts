import { Tokenizer } from "@huggingface/tokenizers";
import { approximateTokens } from "../../domain/text/chunk.ts";
import type { TokenCounter } from "../../domain/text/chunk.ts";
import { parseSettings } from "./model-files.ts";
import type { ModelFiles } from "./model-files.ts";

/** Counts tokens as the model sees them, special ones left out; by an estimate where the model is not here. */
export async function tokenCounter(files: ModelFiles): Promise<TokenCounter> {
  const bytes = await files.read("tokenizer.json").catch(() => undefined);
  if (!bytes) return approximateTokens;
  const tokenizer = new Tokenizer(parseSettings(bytes, "tokenizer.json"), {});
  const counted = new Map<string, number>(); // a slider asks for the same sentences again and again
  return (text) => {
    const known = counted.get(text);
    if (known !== undefined) return known;
    const count = tokenizer.encode(text, { add_special_tokens: false }).ids.length;
    counted.set(text, count);
    return count;
  };
}
