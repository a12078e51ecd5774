import type { LanguageModel } from "../generate/language-model.ts";
import type { RunControl } from "../ports.ts";
import { asked, type Question } from "./asked.ts";

/**
 * What a model says to questions, each held to its own constraint where it has one; where the longest prompt leaves no room for
 * `maxTokens` new tokens, all answers are as long as it does.
 */
export async function askedWithin(
  model: LanguageModel,
  questions: readonly Question[],
  maxTokens: number,
  control?: RunControl,
): Promise<readonly string[]> {
  const lengths = questions.map(({ prompt }) => model.format.promptIds(prompt).length);
  const room = model.contextTokens - lengths.reduce((most, own) => Math.max(most, own), 0);
  const answers = await asked(
    model,
    questions,
    { maxTokens: Math.max(1, Math.min(maxTokens, room)) },
    control,
  );
  return answers.map(({ text }) => text);
}
