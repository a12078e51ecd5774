import type { RetrievalData } from "../../../../src/domain/formats/datasets/dataset-format.ts";

/** What a format holds, said here once more so that a loss in the code does not excuse itself. */
export interface Holding {
  readonly questionIds?: true;
  readonly passageIds?: true;
  readonly grades?: true;
  readonly negatives?: true;
  readonly onlyWithNegatives?: true; // a question without a wrong text has no row
  readonly unused?: true; // passages of no question
  readonly documents?: true;
  readonly splits?: true;
  readonly prompts?: true;
  readonly firstOnly?: true; // one right passage
  readonly byDocument?: true; // questions stand with their documents, not in their order
}

export const HOLDINGS = {
  llamaindex: { questionIds: true, passageIds: true, unused: true, documents: true },
  beir: {
    ...{ questionIds: true, passageIds: true, grades: true, negatives: true },
    ...{ unused: true, documents: true, splits: true },
  },
  flagembedding: { questionIds: true, grades: true, negatives: true, prompts: true },
  cohere: { negatives: true },
  "st-pairs": {},
  "st-triplets": { negatives: true, onlyWithNegatives: true },
  "st-scored": { grades: true, negatives: true },
  qasper: { questionIds: true, unused: true, documents: true, byDocument: true },
  "openai-chat": { firstOnly: true },
} as const satisfies Readonly<Record<string, Holding>>;

/** What survives both: each restriction of either. */
export function bothHold(one: Holding, other: Holding): Holding {
  const all = (key: keyof Holding): boolean => one[key] === true && other[key] === true;
  const any = (key: keyof Holding): boolean => one[key] === true || other[key] === true;
  const kept = (
    ["questionIds", "passageIds", "grades", "negatives", "unused", "documents", "splits", "prompts"] as const
  ).filter(all);
  const limits = (["onlyWithNegatives", "firstOnly", "byDocument"] as const).filter(any);
  return Object.fromEntries([...kept, ...limits].map((key) => [key, true]));
}

/** The data as a format with this holding must give it back, in a form that compares. Grades are shares of the highest. */
export function heldBy(holding: Holding, data: RetrievalData): unknown {
  const { queries, passages } = data.dataset;
  const byId = new Map(passages.map((passage) => [passage.id, passage]));
  const highest = Math.max(...queries.flatMap(({ relevant }) => relevant.map(({ grade }) => grade)));
  const kept = queries.filter(({ negatives }) => !holding.onlyWithNegatives || (negatives ?? []).length > 0);
  const textOf = (id: string): string => byId.get(id)!.text;
  const questions = kept.map(({ id, text, relevant, negatives = [] }) => ({
    id: holding.questionIds ? id : "",
    text,
    right: relevant
      .slice(0, holding.firstOnly ? 1 : relevant.length)
      .map(({ passage, grade }) => [
        textOf(passage),
        holding.grades ? Math.round((1e6 * grade) / highest) : 1,
      ]),
    wrong: holding.negatives ? negatives.map(textOf) : [],
    prompt: holding.prompts ? (data.prompts?.get(id) ?? "") : "",
  }));
  if (holding.byDocument) questions.sort((one, other) => (one.text < other.text ? -1 : 1));
  const used = new Set(questions.flatMap(({ right, wrong }) => [...right.map(([text]) => text), ...wrong]));
  return {
    questions,
    passages: passages
      .filter(({ text }) => holding.unused || used.has(text))
      .map(({ id, text, document }) => [
        text,
        holding.passageIds ? id : "",
        holding.documents ? (document ?? "") : "",
      ])
      .sort(([one], [other]) => (one! < other! ? -1 : 1)),
    splits: holding.splits ? data.splits : undefined,
  };
}
