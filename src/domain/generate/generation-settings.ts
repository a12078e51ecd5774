import { RetuneError } from "../../engine/errors.ts";
import type { GenerationSettings } from "./language-model.ts";

interface ModelSizes {
  readonly contextTokens: number;
  readonly vocabSize: number;
}

/** Throws "usage" unless all settings are in their ranges and every prompt leaves room for its answer. */
export function checkGeneration(
  prompts: readonly (readonly number[])[],
  settings: GenerationSettings,
  sizes: ModelSizes,
): void {
  const { maxTokens, temperature = 0, topK = 1, topP = 1, stop = [], constraints } = settings;
  const need = (fine: boolean, text: string): void => {
    if (!fine) throw new RetuneError("usage", `generation: ${text}`);
  };
  need(Number.isInteger(maxTokens) && maxTokens >= 1, `maxTokens is ${maxTokens}, a whole number from 1`);
  need(temperature >= 0 && temperature < Infinity, `temperature is ${temperature}, a number from 0`);
  need(topK >= 1 && (topK === Infinity || Number.isInteger(topK)), `topK is ${topK}, a whole number from 1`);
  need(topP > 0 && topP <= 1, `topP is ${topP}, above 0 and at most 1`);
  need(!stop.includes(""), "a stop text is empty; leave it out");
  const given = constraints?.length ?? prompts.length;
  need(given === prompts.length, `${given} constraints for ${prompts.length} prompts, one for each`);
  checkSequences(prompts, maxTokens, sizes);
}

/** Throws "usage" for a sequence that is empty, holds an id that the model does not have, or is too long with `more` tokens. */
export function checkSequences(
  sequences: readonly (readonly number[])[],
  more: number,
  { contextTokens, vocabSize }: ModelSizes,
): void {
  for (const [place, ids] of sequences.entries()) {
    const refuse = (text: string): RetuneError => new RetuneError("usage", `prompt ${place + 1}: ${text}`);
    if (ids.length === 0) throw refuse("it has no token; begin it with the chat template or a BOS");
    if (ids.length + more > contextTokens) {
      const answer = more > 0 ? ` and up to ${more} of its answer` : "";
      throw refuse(`${ids.length} tokens${answer} pass the model's ${contextTokens}; shorten it`);
    }
    const strange = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
    if (strange !== undefined) throw refuse(`id ${strange} is none of the model's ${vocabSize} tokens`);
  }
}
