import { RetuneError } from "../../engine/errors.ts";
import type { Conversation } from "../chat/template-messages.ts";
import type { GenerationSettings, LanguageModel } from "../generate/language-model.ts";
import type { RunControl } from "../ports.ts";
import { askedWithin } from "./asked.ts";
import { questionOver } from "./question-prompt.ts";
import type { LabExample, LabNote, LabSettings, LabTask } from "./lab-task.ts";

/** What a model says to prompts, without white space around it, as long as `askedWithin` lets it be. */
export async function answersTo(
  model: LanguageModel,
  prompts: readonly Conversation[],
  settings: Omit<GenerationSettings, "constraints">,
  control?: RunControl,
): Promise<readonly string[]> {
  const questions = prompts.map((prompt) => ({ prompt }));
  const texts = await askedWithin(model, questions, settings, control);
  return texts.map((text) => text.trim());
}

/** A question over passages, best first: over as many of them as leave room for the answer. */
export function fittingQuestion(
  { format, contextTokens }: Pick<LanguageModel, "format" | "contextTokens">,
  passages: readonly string[],
  question: string,
  maxNewTokens: number,
): Conversation {
  const room = contextTokens - Math.min(maxNewTokens, contextTokens / 2);
  for (let count = passages.length; count > 0; count--) {
    const prompt = questionOver(passages.slice(0, count), question);
    if (format.promptIds(prompt).length <= room) return prompt;
  }
  return questionOver([], question);
}

/** Rows that a model can be asked about; those whose text its template refuses or its positions cannot hold are notes. */
export function answerable<Example extends LabExample>(
  task: Pick<LabTask<Example>, "conversations" | "maxNewTokens">,
  model: Pick<LanguageModel, "format" | "contextTokens" | "placeholders">,
  examples: readonly Example[],
  { maxNewTokens = task.maxNewTokens }: LabSettings = {},
): { readonly examples: readonly Example[]; readonly notes: readonly LabNote[] } {
  const { format, contextTokens } = model;
  const notes: LabNote[] = [];
  const room = contextTokens - Math.min(maxNewTokens, contextTokens / 2);
  const kept = examples.filter((example) => {
    const note = (reason: string): false => {
      notes.push({ line: example.line, reason, skipped: true });
      return false;
    };
    try {
      const tokens = task
        .conversations(example, model)
        .map((own) => format.promptIds(questionOf(own)).length);
      const longest = Math.max(0, ...tokens);
      if (longest <= room) return true;
      return note(`its prompt has ${longest} tokens and the model has ${contextTokens} positions`);
    } catch (error) {
      if (error instanceof RetuneError && error.code === "E_TEMPLATE") return note(error.message);
      throw error;
    }
  });
  return { examples: kept, notes };
}

/** A conversation without the answer that it ends in. */
function questionOf({ messages, functions }: Conversation): Conversation {
  const asking = messages.at(-1)?.role === "assistant" ? messages.slice(0, -1) : messages;
  return { messages: asking, ...(functions ? { functions } : {}) };
}
