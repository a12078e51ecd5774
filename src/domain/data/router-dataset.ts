import type { Dataset, Origin } from "./dataset.ts";

/** A data source or tool that a router may pick. */
export interface RouterChoice {
  readonly id: string;
  readonly name: string;
  readonly description: string; // what the embedding router and the cross-encoder read
}

/** A question and what should answer it; no choice means "none of these". */
export interface RouterExample {
  readonly id: string;
  readonly text: string;
  readonly choices: readonly string[]; // ids of all right choices, each once
  readonly group?: string; // paraphrases of one question: never on both sides of a split
  readonly origin?: Origin;
}

/** Ids are unique within choices and within examples; every example names choices that exist (readers check this). */
export interface RouterDataset {
  readonly choices: readonly RouterChoice[];
  readonly examples: readonly RouterExample[];
}

/** Columns of the right choices of every example, in the order of `choices`. */
export function rightChoices({ choices, examples }: RouterDataset): readonly (readonly number[])[] {
  const places = new Map(choices.map(({ id }, index) => [id, index]));
  return examples.map((example) => example.choices.map((id) => places.get(id)!));
}

/** What the encoder reads of a choice: as LlamaIndex's selectors, the description alone, or the name without one. */
export function choiceText({ name, description }: RouterChoice): string {
  return description.trim() === "" ? name : description;
}

/** Examples with a right choice as questions over descriptions: LlamaIndex's form, and that of every retrieval metric. */
export function routerAsDataset({ choices, examples }: RouterDataset): Dataset {
  return {
    passages: choices.map((choice) => ({ id: choice.id, text: choiceText(choice) })),
    queries: examples
      .filter((example) => example.choices.length > 0)
      .map(({ id, text, choices: right, origin }) => ({
        id,
        text,
        relevant: right.map((passage) => ({ passage, grade: 1 })),
        ...(origin ? { origin } : {}),
      })),
  };
}

/** LlamaIndex's router data, an EmbeddingQAFinetuneDataset whose corpus are the descriptions, read as choices. */
export function routerFromDataset({ queries, passages }: Dataset): RouterDataset {
  return {
    choices: passages.map(({ id, text }) => ({ id, name: id, description: text })),
    examples: queries.map(({ id, text, relevant, origin }) => ({
      id,
      text,
      choices: [...new Set(relevant.filter(({ grade }) => grade > 0).map(({ passage }) => passage))],
      ...(origin ? { origin } : {}),
    })),
  };
}
