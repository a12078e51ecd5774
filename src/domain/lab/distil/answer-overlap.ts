// How much two answers have in common, word by word.
//
//   token F1  = 2·P·R / (P + R) of the bags of words                       (SQuAD, Rajpurkar et al. 2016)
//   ROUGE-L   = F1 of the longest common subsequence of words              (Lin 2004; rouge_score's rougeL without stemming)
//
// Words of token F1 and of the exact match are SQuAD's: lower case, no punctuation, no a/an/the; those of ROUGE-L are runs of
// letters and digits. The classic mistake: an empty answer against an empty one is 1, against any other 0.
import { bagF1 } from "../../eval/bag-overlap.ts";

const ARTICLES = /\b(?:a|an|the)\b/g;
const PUNCTUATION = /[\p{P}\p{S}]/gu;

/** SQuAD's normal form of an answer. */
export function plainAnswer(text: string): string {
  return text.toLowerCase().replace(PUNCTUATION, "").replace(ARTICLES, " ").replace(/\s+/g, " ").trim();
}

/** 1 where both say the same after SQuAD's normalisation, else 0. */
export function exactMatch(given: string, wanted: string): number {
  return plainAnswer(given) === plainAnswer(wanted) ? 1 : 0;
}

/** In [0, 1]. */
export function tokenF1(given: string, wanted: string): number {
  const [own, right] = [given, wanted].map((text) => plainAnswer(text).split(" ").filter(Boolean));
  return bagF1(own!, right!);
}

/** In [0, 1]. */
export function rougeL(given: string, wanted: string): number {
  const [own, right] = [given, wanted].map((text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
  const words = own!.length + right!.length;
  return words === 0 ? 1 : (2 * longestCommon(own!, right!)) / words;
}

/** Length of the longest common subsequence, in one row of memory. */
function longestCommon(own: readonly string[], right: readonly string[]): number {
  const lengths = new Uint32Array(right.length + 1);
  for (const word of own) {
    let diagonal = 0;
    for (let at = 1; at <= right.length; at++) {
      const above = lengths[at]!;
      lengths[at] = word === right[at - 1] ? diagonal + 1 : Math.max(above, lengths[at - 1]!);
      diagonal = above;
    }
  }
  return lengths[right.length]!;
}
