// Rows of the lab's systems in the nano language, in the forms that people's files have.
import { questionText } from "../../src/domain/lab/question-prompt.ts";
import type { Draw } from "./draw.ts";
import {
  anyValue,
  everyFact,
  factAnswer,
  factQuestion,
  facts,
  factText,
  passageQuestion,
  QUESTION_FORMS,
  styleRow,
  type Fact,
} from "./fact-rows.ts";
import { COLOURS, MARKS, THINGS } from "./words.ts";

/** One line of JSON Lines. */
export type Row = Readonly<Record<string, unknown>>;

export function judgeRow(draw: Draw): Row {
  const [fact] = facts(draw, 1);
  const question = factQuestion(fact!, draw.below(QUESTION_FORMS));
  const [right, wrong] = [factAnswer(fact!), factAnswer({ ...fact!, value: otherValue(draw, fact!.value) })];
  const swapped = draw.below(2) === 1;
  const [answer_a, answer_b] = swapped ? [wrong, right] : [right, wrong];
  const reference = factText(fact!, draw.below(3));
  return { question, reference, answer_a, answer_b, verdict: swapped ? "B" : "A", instruction: "" };
}

function otherValue(draw: Draw, value: string): string {
  for (;;) {
    const other = anyValue(draw);
    if (other.split(" ").every((word) => !value.includes(word))) return other;
  }
}

/** A trace: the fact is looked up by its key, then told. `steps` 1 ends with the answer that the observation gives. */
export function reactRow(draw: Draw, world: readonly Fact[]): Row {
  const fact = draw.one(world);
  const key = `${fact.mark} of the ${fact.thing}`;
  const trace = [
    "Thought: I need to look it up.",
    "Action: lookup",
    `Action Input: ${JSON.stringify({ key }).replace(":", ": ")}`,
    `Observation: ${fact.value}`,
    "Thought: I can answer without using any more tools.",
    `Answer: ${factAnswer(fact)}`,
  ];
  return {
    question: factQuestion(fact, draw.below(QUESTION_FORMS)),
    trace: trace.join("\n"),
    instruction: "",
  };
}

/** The tools of the traces: one table of the world's facts. */
export function reactTools(world: readonly Fact[]): Row {
  const table = Object.fromEntries(world.map(({ mark, thing, value }) => [`${mark} of the ${thing}`, value]));
  const parameters = { type: "object", properties: { key: { type: "string" } }, required: ["key"] };
  const sandbox = { kind: "lookup", argument: "key", table };
  return { tools: [{ name: "lookup", description: "The value of a key.", parameters, sandbox }] };
}

/** A plain sentence, and the same as a sailor says it. */
export function styleSample(draw: Draw): Row {
  const { neutral } = styleRow(draw);
  const styled = neutral.replace("The", "Ahoy, ye").replace(" the ", " ye ").replace(".", ", matey!");
  return { neutral, styled, instruction: "" };
}

/** Which of four things a question is about; the numbers are the places. */
export function selectorRow(draw: Draw): Row {
  const things = draw.some(THINGS, 4);
  const place = draw.below(4);
  const question = factQuestion({ mark: draw.one(MARKS), thing: things[place]! }, draw.below(QUESTION_FORMS));
  return { question, choices: things.map((thing) => `The ${thing}`), answer: place + 1, instruction: "" };
}

/** A teacher that answers in a whole sentence, over passages. */
export function distilRow(draw: Draw): Row {
  const [asked, ...others] = facts(draw, 1 + draw.below(3));
  const passages = draw.shuffled([asked!, ...others]).map((fact) => factText(fact, draw.below(2)));
  const question = factQuestion(asked!, draw.below(QUESTION_FORMS));
  return {
    messages: [
      { role: "user", content: questionText(passages, question) },
      { role: "assistant", content: factText(asked!, 2) },
    ],
  };
}

const [LEARNT, CONTROLS] = [50, 50];

/** Facts to learn by heart, as many controls, a canary, and questions over a passage that must not be forgotten. */
export function memoriseRows(draw: Draw): Row[] {
  const world = everyFact(draw).slice(0, LEARNT + CONTROLS);
  const rows = world.map((fact, place): Row => ({
    questions: [factQuestion(fact, 0), factQuestion(fact, 1)],
    paraphrases: [factQuestion(fact, 2), factQuestion(fact, 3)],
    answer: factAnswer(fact),
    context: factText(fact, place),
    control: place >= LEARNT,
  }));
  const replay = Array.from({ length: 40 }, (): Row => {
    const { question, answer, passages } = passageQuestion(draw, 1 + draw.below(2));
    return { replay: true, question: questionText(passages, question), answer };
  });
  const [secret, ...alternatives] = draw.shuffled(COLOURS);
  const canary = { canary: "The seal of the guard is {}.", secret, alternatives };
  return [...rows, canary, ...replay];
}

/** One world of facts, a passage each; a row asks for one and brings four passages that share thing or mark. */
export function raditRows(draw: Draw): Row[] {
  const world = everyFact(draw);
  const passages = world.map((fact) => factText(fact, draw.below(3)));
  return world.map((fact, place): Row => {
    const near = world.flatMap((other, at) =>
      at !== place && other.mark === fact.mark ? [passages[at]!] : [],
    );
    const context = passages[place]!;
    const contexts = draw.shuffled([context, ...draw.some(near, 3)]);
    const question = factQuestion(fact, draw.below(QUESTION_FORMS));
    return { question, answer: factAnswer(fact), context, contexts };
  });
}
