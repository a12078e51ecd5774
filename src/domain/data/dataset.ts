/** Who made a row, so that a person can trust or filter it. */
export interface Origin {
  readonly kind: "imported" | "rule" | "teacher" | "typed" | "mined";
  readonly detail?: string; // file name, rule name, model name
  readonly sentence?: string; // the source sentence of a rule question
}

export interface Passage {
  readonly id: string;
  readonly text: string;
  readonly document?: string; // name of the source document, the group for splits and clusters
}

/** A question with its relevance judgements. */
export interface Query {
  readonly id: string;
  readonly text: string;
  readonly relevant: readonly Judgement[]; // at least one; the first is LlamaIndex's only one
  readonly negatives?: readonly string[]; // Passage ids that do not answer it: imported or mined and accepted
  readonly origin?: Origin;
  readonly group?: string; // what it is divided and resampled with, where that is more than its document (see groupsOf)
}

export interface Judgement {
  readonly passage: string; // a Passage id
  readonly grade: number; // 1 where the source is binary
}

/**
 * Questions over passages with judgements, in file order. Ids are unique within queries and within passages; every
 * judgement names a passage that exists (readers check this).
 */
export interface Dataset {
  readonly queries: readonly Query[];
  readonly passages: readonly Passage[];
}

/** Ids of the passages that answer a query: judged with a grade above 0, each once, in file order. */
export function rightPassages({ relevant }: Pick<Query, "relevant">): ReadonlySet<string> {
  return new Set(relevant.filter(({ grade }) => grade > 0).map(({ passage }) => passage));
}

/** Position of every passage id. */
export function passageIndex(dataset: Dataset): ReadonlyMap<string, number> {
  return new Map(dataset.passages.map((passage, index) => [passage.id, index]));
}

/**
 * The group of each query, by which splits and bootstrap clusters are made: its own where it names one, else that of its
 * first positive (see groupOfPassage).
 */
export function groupsOf(dataset: Dataset): readonly string[] {
  const groupOf = groupOfPassage(dataset.passages);
  return dataset.queries.map((query) => query.group ?? groupOf(query.relevant[0]!.passage));
}

/** The source document of a passage where the passages name more than one, else the passage itself. */
export function groupOfPassage(passages: readonly Passage[]): (passage: string) => string {
  const documents = new Map<string, string | undefined>();
  for (const { id, document } of passages) documents.set(id, document);
  const named = new Set(documents.values());
  named.delete(undefined);
  return (passage) => {
    const document = named.size > 1 ? documents.get(passage) : undefined;
    return document === undefined ? `passage:${passage}` : `document:${document}`;
  };
}
