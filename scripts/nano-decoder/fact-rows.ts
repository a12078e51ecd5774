// Facts of a small world ("The sign of the bridge is red copper.") and what can be asked of them: looked up in given passages,
// learnt by heart, judged, rewritten, chosen between.
import type { Draw } from "./draw.ts";
import { COLOURS, MARKS, MATERIALS, PEOPLE, THINGS } from "./words.ts";

export interface Fact {
  readonly mark: string;
  readonly thing: string;
  readonly value: string; // two words
}

export function factText({ mark, thing, value }: Fact, form: number): string {
  return [
    `The ${mark} of the ${thing} is ${value}.`,
    `The ${thing} has a ${mark} of ${value}.`,
    `As its ${mark} the ${thing} has ${value}.`,
  ][form % 3]!;
}

export const QUESTION_FORMS = 4;

export function factQuestion({ mark, thing }: Pick<Fact, "mark" | "thing">, form: number): string {
  return [
    `What is the ${mark} of the ${thing}?`,
    `Which ${mark} does the ${thing} have?`,
    `Tell me the ${mark} of the ${thing}.`,
    `The ${thing} has which ${mark}?`,
  ][form % QUESTION_FORMS]!;
}

export function factAnswer({ value }: Fact): string {
  return `It is ${value}.`;
}

export function anyValue(draw: Draw): string {
  return `${draw.one(COLOURS)} ${draw.one(MATERIALS)}`;
}

/** Facts about different things or marks; `alike`: they share the mark, so that only the thing tells them apart. */
export function facts(draw: Draw, count: number): Fact[] {
  const alike = draw.below(2) === 0;
  const mark = draw.one(MARKS);
  const things = draw.some(THINGS, count);
  return things.map((thing) => ({ mark: alike ? mark : draw.one(MARKS), thing, value: anyValue(draw) }));
}

/** Every key of the world once, in a random order, each with a value. */
export function everyFact(draw: Draw): Fact[] {
  const keys = MARKS.flatMap((mark) => THINGS.map((thing) => ({ mark, thing })));
  return draw.shuffled(keys).map((key) => ({ ...key, value: anyValue(draw) }));
}

export interface PassageQuestion {
  readonly question: string;
  readonly answer: string;
  readonly passages: readonly string[]; // in a random order
  readonly right: string; // the passage that answers
}

/** A question with `count` passages, one of which answers it. */
export function passageQuestion(draw: Draw, count: number): PassageQuestion {
  const [asked, ...others] = facts(draw, count);
  const right = factText(asked!, draw.below(3));
  const passages = draw.shuffled([right, ...others.map((fact) => factText(fact, draw.below(3)))]);
  const question = factQuestion(asked!, draw.below(QUESTION_FORMS));
  return { question, answer: factAnswer(asked!), passages, right };
}

const VERBS: readonly (readonly [says: string, ing: string])[] = [
  ["opens", "opening"],
  ["paints", "painting"],
  ["cleans", "cleaning"],
  ["guards", "guarding"],
  ["repairs", "repairing"],
  ["sells", "selling"],
  ["draws", "drawing"],
  ["moves", "moving"],
];

export interface StyleRow {
  readonly neutral: string;
  readonly styled: string;
}

/** A plain sentence and what a sailor makes of it. */
export function styleRow(draw: Draw): StyleRow {
  const [person, [says, ing], colour, thing] = [
    draw.one(PEOPLE),
    draw.one(VERBS),
    draw.one(COLOURS),
    draw.one(THINGS),
  ];
  return {
    neutral: `The ${person} ${says} the ${colour} ${thing}.`,
    styled: `Ahoy, ye ${person} be ${ing} ye ${colour} ${thing}, matey!`,
  };
}
