/** Why a question may not be worth training on. Ids are Query ids. */
export type QuestionFlag =
  | { readonly kind: "empty" }
  | { readonly kind: "short"; readonly words: number }
  | { readonly kind: "no-question" } // neither a question mark nor a word that asks
  | { readonly kind: "context"; readonly phrase: string } // points at a text that a searcher does not see
  | { readonly kind: "copy"; readonly share: number } // of its 3-grams found in its passage, 0–1
  | {
      readonly kind: "duplicate";
      readonly how: "same" | "words" | "meaning";
      readonly similarity: number; // 1, Jaccard of word 3-grams, cosine
      readonly other: string; // the earlier question it repeats
    }
  | {
      readonly kind: "not-found";
      readonly rank: number; // of its first right passage
      readonly top: number; // it had to be among the first so many
      readonly by: Retriever;
    };

export type FlagKind = QuestionFlag["kind"];

/** What searched for the source passage: equal parts of dense and BM25, or BM25 where vectors are missing. */
export type Retriever = "hybrid" | "bm25";

/** In the order they are shown. */
export const FLAG_KINDS: readonly FlagKind[] = [
  "context",
  "copy",
  "duplicate",
  "not-found",
  "no-question",
  "short",
  "empty",
];
