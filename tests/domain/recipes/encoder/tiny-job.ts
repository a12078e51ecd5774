import type { Dataset } from "../../../../src/domain/data/dataset.ts";
import type { EncoderModel } from "../../../../src/domain/models/encoder-model.ts";
import { CounterRandom } from "../../../../src/domain/random.ts";
import type { EncoderJob, EncoderSettings } from "../../../../src/domain/recipes/encoder/encoder-job.ts";
import { encoderFrom } from "../../models/model-folders.ts";

const folder = new URL("../../../fixtures/formats/tiny-bert", import.meta.url).pathname;

/** A BERT of two layers and 32 dimensions with a WordPiece of its own. */
export function tinyBert(dropout = 0): EncoderModel {
  const model = encoderFrom(folder, { pooling: "cls", maxTokens: 64 });
  const config = { ...model.config, hiddenDropout: dropout, attentionDropout: dropout };
  return { ...model, config };
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/**
 * Planted texts: a passage is eight made-up words; its questions hold two of them beside words that occur everywhere, so
 * that an encoder which learns to look past the filler ranks better.
 */
export function plantedTexts(passages: number, perPassage: number, seed: number): Dataset {
  const random = new CounterRandom(seed);
  const letter = (): string => LETTERS[random.below(26)]!;
  const word = (): string => letter() + letter() + letter();
  const filler = Array.from({ length: 6 }, word);
  const written = Array.from({ length: passages }, () => Array.from({ length: 8 }, word));
  const some = (words: readonly string[]): string => words[random.below(words.length)]!;
  return {
    passages: written.map((words, index) => ({
      id: `p${index}`,
      text: words.join(" "),
      document: `d${Math.floor(index / 12)}`,
    })),
    queries: written.flatMap((words, index) =>
      Array.from({ length: perPassage }, (_, own) => ({
        id: `q${index}-${own}`,
        text: [some(filler), some(words), some(filler), some(words), some(filler)].join(" "),
        relevant: [{ passage: `p${index}`, grade: 1 }],
      })),
    ),
  };
}

export function tinyJob(settings: Partial<EncoderSettings> = {}, dropout = 0): EncoderJob {
  return {
    model: tinyBert(dropout),
    data: { dataset: plantedTexts(48, 2, 5) },
    settings: {
      recipe: "encoder",
      mode: "recommended",
      batchSize: 8,
      learningRate: 1e-3,
      epochs: 2,
      seed: 1,
      ...settings,
    },
  };
}
