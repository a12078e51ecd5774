import { idOrder } from "../../eval/metrics.ts";
import { passageIndex, type Dataset } from "../dataset.ts";
import { comparable } from "../leaks.ts";

/** A question as mining sees it: one for all that have its text, with the positives of all of them. */
export interface MinedQuestion {
  readonly question: number; // the first of its text
  readonly positives: readonly number[]; // passages, in order of judgement, no text twice; at least one
}

/** Texts told apart once: copies of a passage or question count as one, as in sentence-transformers. */
export class MiningGround {
  readonly dataset: Dataset;
  readonly order: Uint32Array; // of equal scores
  readonly firstOf: Uint32Array; // [N] the first passage of the same text
  readonly asked: readonly MinedQuestion[]; // those with a positive
  readonly askedOf: Int32Array; // [Q] place in `asked`, −1 for questions without a positive
  readonly copies: number; // passages that repeat an earlier one
  readonly mostPositives: number; // judgements of one question text, copies counted

  constructor(dataset: Dataset) {
    this.dataset = dataset;
    this.order = idOrder(dataset.passages.map(({ id }) => id));
    this.firstOf = firstByText(dataset.passages);
    this.copies = this.firstOf.filter((first, passage) => first !== passage).length;
    const places = passageIndex(dataset);
    const firstQuestion = firstByText(dataset.queries);
    const rows = new Map<number, number[]>();
    for (const [question, { relevant }] of dataset.queries.entries()) {
      // A passage judged 0 is no positive, but a judged wrong one: it may be mined.
      const right = relevant.filter(({ grade }) => grade > 0).map(({ passage }) => places.get(passage)!);
      const first = firstQuestion[question]!;
      if (right.length > 0) rows.set(first, [...(rows.get(first) ?? []), ...right]);
    }
    this.asked = Array.from(rows, ([question, right]) => ({ question, positives: this.#distinct(right) }));
    this.mostPositives = [...rows.values()].reduce((most, right) => Math.max(most, right.length), 0);
    const place = new Map(this.asked.map(({ question }, index) => [question, index]));
    this.askedOf = Int32Array.from(firstQuestion, (first) => place.get(first) ?? -1);
  }

  #distinct(passages: readonly number[]): number[] {
    const byText = new Map<number, number>();
    for (const passage of passages) {
      const first = this.firstOf[passage]!;
      if (!byText.has(first)) byText.set(first, passage);
    }
    return [...byText.values()];
  }
}

function firstByText(rows: readonly { readonly text: string }[]): Uint32Array {
  const known = new Map<string, number>();
  return Uint32Array.from(rows, ({ text }, index) => {
    const key = comparable(text);
    const first = known.get(key) ?? index;
    known.set(key, first);
    return first;
  });
}
