import { RetuneError } from "../../engine/errors.ts";
import { CounterRandom } from "../random.ts";
import { rightPassages, type Dataset, type Origin } from "./dataset.ts";
import { comparable } from "./leaks.ts";

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
      choices: [...rightPassages({ relevant })],
      ...(origin ? { origin } : {}),
    })),
  };
}

/** What stays on one side of a split and moves together in a bootstrap: its group, else all examples of its text. */
export function clusterOf({ group, text }: RouterExample): string {
  return group === undefined ? `text:${comparable(text)}` : `group:${group}`;
}

/**
 * Deals examples into `count` parts so that every choice stands in as many parts as it has clusters: the clusters of a
 * choice (the first right one; none of these is one too) are shuffled and dealt round. Returns the part of each example.
 */
export function dealExamples(dataset: RouterDataset, count: number, seed: number): Uint32Array {
  const ofChoice = new Map<string, string[]>(); // clusters by choice
  const known = new Set<string>();
  for (const example of dataset.examples) {
    const cluster = clusterOf(example);
    if (known.has(cluster)) continue;
    known.add(cluster);
    const choice = example.choices[0] ?? "";
    ofChoice.set(choice, [...(ofChoice.get(choice) ?? []), cluster]);
  }
  const random = CounterRandom.stream(seed, 41);
  const partOf = new Map<string, number>();
  let next = 0; // goes on from choice to choice, so that parts are of one size
  for (const clusters of ofChoice.values()) {
    for (const index of random.permutation(clusters.length)) partOf.set(clusters[index]!, next++ % count);
  }
  return Uint32Array.from(dataset.examples, (example) => partOf.get(clusterOf(example))!);
}

/**
 * Training and test examples, `share` of each choice's clusters for testing (at least one where it has two), all choices
 * in both. Error "too-little-data" where no choice has two clusters.
 */
export function splitExamples(
  dataset: RouterDataset,
  share: number,
  seed: number,
): { readonly train: RouterDataset; readonly test: RouterDataset } {
  const clusters = new Map<string, Set<string>>();
  for (const example of dataset.examples) {
    const choice = example.choices[0] ?? "";
    clusters.set(choice, (clusters.get(choice) ?? new Set()).add(clusterOf(example)));
  }
  const random = CounterRandom.stream(seed, 42);
  const tested = new Set<string>();
  for (const own of clusters.values()) {
    const names = [...own];
    const wanted =
      names.length < 2 ? 0 : Math.min(names.length - 1, Math.max(1, Math.round(share * names.length)));
    const order = random.permutation(names.length);
    for (const index of order.subarray(0, wanted)) tested.add(names[index]!);
  }
  if (tested.size === 0) {
    throw new RetuneError(
      "too-little-data",
      `split: no choice has two different examples among ${dataset.examples.length}; add examples`,
    );
  }
  const part = (test: boolean): RouterDataset => ({
    choices: dataset.choices,
    examples: dataset.examples.filter((example) => tested.has(clusterOf(example)) === test),
  });
  return { train: part(false), test: part(true) };
}
