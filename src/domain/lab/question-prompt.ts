import type { Conversation } from "../chat/template-messages.ts";

// LlamaIndex's default text QA prompt (core/prompts/default_prompts.py), without the space that its "Answer: " ends in: the
// assistant's turn begins there. Distillation, RA-DIT and the RAG beside memorising all ask by it.
const [BEFORE, AFTER] = [
  "Context information is below.\n---------------------\n",
  "\n---------------------\nGiven the context information and not prior knowledge, answer the query.\nQuery: ",
];
const END = "\nAnswer:";

/** The prompt of a question over retrieved passages, which stand with a blank line between them. */
export function questionOver(passages: readonly string[], question: string): Conversation {
  return { messages: [{ role: "user", content: questionText(passages, question) }] };
}

export function questionText(passages: readonly string[], question: string): string {
  return BEFORE + passages.join("\n\n") + AFTER + question + END;
}

/** A prompt of this form (ours or LlamaIndex's) taken apart; undefined where it is another. */
export function partsOfQuestion(content: string): { context: string; question: string } | undefined {
  const start = content.indexOf(BEFORE);
  const between = content.indexOf(AFTER, start + BEFORE.length);
  if (start < 0 || between < 0) return undefined;
  const context = content.slice(start + BEFORE.length, between);
  const question = content.slice(between + AFTER.length).replace(/\s*Answer:\s*$/, "");
  return { context: context.trim(), question: question.trim() };
}
