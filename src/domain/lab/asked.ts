import type { Conversation } from "../chat/template-messages.ts";
import type { Constraint, Generated, GenerationSettings, LanguageModel } from "../generate/language-model.ts";
import type { RunControl } from "../ports.ts";

export interface Question {
  readonly prompt: Conversation; // its last message is not the assistant's
  readonly constraint?: Constraint;
}

/** The model's answers to some conversations, in their order. */
export function asked(
  model: LanguageModel,
  questions: readonly Question[],
  settings: Omit<GenerationSettings, "constraints">,
  control?: RunControl,
): Promise<readonly Generated[]> {
  const prompts = questions.map(({ prompt }) => model.format.promptIds(prompt));
  const constraints = questions.map(({ constraint }) => constraint);
  return model.generate(prompts, { ...settings, constraints }, control);
}
