import type { QuestionView } from "../app/studio-data.ts";

export interface QuestionFilter {
  readonly state: "all" | QuestionView["state"];
  readonly split: "all" | QuestionView["split"];
  readonly words: string;
}

export const ALL_QUESTIONS: QuestionFilter = { state: "all", split: "all", words: "" };

export function filterQuestions(
  questions: readonly QuestionView[],
  filter: QuestionFilter,
): readonly QuestionView[] {
  const needle = filter.words.trim().toLowerCase();
  return questions.filter(
    (question) =>
      (filter.state === "all" || question.state === filter.state) &&
      (filter.split === "all" || question.split === filter.split) &&
      (needle === "" || question.text.toLowerCase().includes(needle)),
  );
}

/** A passage in three parts around its source sentence; the sentence is empty where the passage lacks it. */
export function aroundSentence(
  passage: string,
  sentence: string | undefined,
): readonly [string, string, string] {
  const at = sentence ? passage.indexOf(sentence) : -1;
  if (!sentence || at < 0) return [passage, "", ""];
  return [passage.slice(0, at), sentence, passage.slice(at + sentence.length)];
}
