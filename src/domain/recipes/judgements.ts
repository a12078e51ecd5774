import { passageIndex, rightPassages, type Dataset } from "../data/dataset.ts";

/** The judgements of a file as numbers: everything by position in the file. */
export interface Judgements {
  readonly positives: readonly (readonly number[])[]; // [Q]: passages with a grade above 0, each once
  readonly usable: Uint32Array; // questions with a positive, ascending
  readonly copyOf: Uint32Array; // [N]: the first passage of equal text
}

export function judgementsOf(dataset: Dataset): Judgements {
  const places = passageIndex(dataset);
  const positives = dataset.queries.map((query) =>
    Array.from(rightPassages(query), (passage) => places.get(passage)!),
  );
  const usable = Uint32Array.from(positives.flatMap((found, query) => (found.length > 0 ? [query] : [])));
  const seen = new Map<string, number>();
  const copyOf = Uint32Array.from(dataset.passages, ({ text }, index) => {
    if (!seen.has(text)) seen.set(text, index);
    return seen.get(text)!;
  });
  return { positives, usable, copyOf };
}
