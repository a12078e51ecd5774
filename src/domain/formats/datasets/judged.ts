import type { Dataset, Passage } from "../../data/dataset.ts";
import type { RetrievalData } from "./dataset-format.ts";

/** A question with its passages instead of their ids. A judgement of 0 or less says that a passage is wrong. */
export interface JudgedQuery {
  readonly id: string;
  readonly text: string;
  readonly prompt?: string;
  readonly positives: readonly { readonly passage: Passage; readonly grade: number }[];
  readonly negatives: readonly Passage[]; // none of the positives, none twice
}

/** A question with texts alone: no text is right twice, none is right and wrong. */
export interface JudgedTexts {
  readonly id: string;
  readonly text: string;
  readonly prompt?: string;
  readonly positives: readonly { readonly text: string; readonly grade: number }[];
  readonly negatives: readonly string[];
}

/** The questions in order, passages looked up. */
export function judgedQueries(dataset: Dataset, prompts?: ReadonlyMap<string, string>): JudgedQuery[] {
  const passages = new Map(dataset.passages.map((passage) => [passage.id, passage]));
  return dataset.queries.map(({ id, text, relevant, negatives = [] }) => {
    const grades = new Map<string, number>();
    const wrong = new Set<string>(negatives);
    for (const { passage, grade } of relevant) {
      if (grade <= 0) wrong.add(passage);
      else if (!grades.has(passage)) grades.set(passage, grade);
    }
    for (const passage of grades.keys()) wrong.delete(passage);
    const prompt = prompts?.get(id);
    return {
      id,
      text,
      ...(prompt === undefined ? {} : { prompt }),
      positives: Array.from(grades, ([passage, grade]) => ({ passage: passages.get(passage)!, grade })),
      negatives: Array.from(wrong, (passage) => passages.get(passage)!),
    };
  });
}

/** What a format of texts writes; questions without a right text are left out. */
export function judgedTexts({ dataset, prompts }: RetrievalData): JudgedTexts[] {
  return judgedQueries(dataset, prompts).flatMap((query): JudgedTexts[] => {
    const grades = new Map<string, number>();
    for (const { passage, grade } of query.positives) {
      if (!grades.has(passage.text)) grades.set(passage.text, grade);
    }
    if (grades.size === 0) return [];
    const negatives = new Set(query.negatives.map(({ text }) => text).filter((text) => !grades.has(text)));
    const positives = Array.from(grades, ([text, grade]) => ({ text, grade }));
    return [{ ...query, positives, negatives: [...negatives] }];
  });
}
