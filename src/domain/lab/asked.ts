import type { Conversation } from "../chat/template-messages.ts";
import type { Constraint, Generated, GenerationSettings, LanguageModel } from "../generate/language-model.ts";
import type { RunControl } from "../ports.ts";

export interface Question {
  readonly prompt: Conversation; // its last message is not the assistant's
  readonly constraint?: Constraint;
}

type AskedSettings = Omit<GenerationSettings, "constraints">;

/** The model's answers to some conversations, in their order. Errors: those of `LanguageModel.generate`. */
export function asked(
  model: LanguageModel,
  questions: readonly Question[],
  settings: AskedSettings,
  control?: RunControl,
): Promise<readonly Generated[]> {
  return generated(model, questions, promptsOf(model, questions), settings, control);
}

/**
 * The texts of the answers, each held to its own constraint where it has one; where the longest prompt leaves no room for
 * `maxTokens` new tokens, all answers are as long as it does.
 */
export async function askedWithin(
  model: LanguageModel,
  questions: readonly Question[],
  settings: AskedSettings,
  control?: RunControl,
): Promise<readonly string[]> {
  const prompts = promptsOf(model, questions);
  const room = model.contextTokens - prompts.reduce((most, { length }) => Math.max(most, length), 0);
  const maxTokens = Math.max(1, Math.min(settings.maxTokens, room));
  const answers = await generated(model, questions, prompts, { ...settings, maxTokens }, control);
  return answers.map(({ text }) => text);
}

function promptsOf({ format }: LanguageModel, questions: readonly Question[]): readonly number[][] {
  return questions.map(({ prompt }) => format.promptIds(prompt));
}

function generated(
  model: LanguageModel,
  questions: readonly Question[],
  prompts: readonly number[][],
  settings: AskedSettings,
  control?: RunControl,
): Promise<readonly Generated[]> {
  const constraints = questions.map(({ constraint }) => constraint);
  return model.generate(prompts, { ...settings, constraints }, control);
}
