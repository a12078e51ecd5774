import type { AnchorChoice } from "../anchors.ts";
import { count, plural } from "../format.ts";

const CHOICES: Readonly<Record<AnchorChoice, (general: number) => string>> = {
  none: () => "Nothing",
  general: (general) => `${count(general)} general questions`,
  own: () => "My own questions",
};

/** Words of what a fine-tune holds in place. */
export const anchors = {
  title: "Hold in place",
  choices: CHOICES,
  hint:
    "Questions from other fields whose vectors stay where the base has them, so that the model does not forget them. " +
    "Not questions like yours: those are what it has to learn.",
  own: "Questions, one a line",
  placeholder: "how do vaccines work",
  file: "Read a text file",
  count: (questions: number): string =>
    questions === 0
      ? "No question yet: nothing is held."
      : `${plural(questions, "question", "questions")} held.`,
  plan: "Held in place",
  planText: (questions: number): string => plural(questions, "general question", "general questions"),
} as const;
