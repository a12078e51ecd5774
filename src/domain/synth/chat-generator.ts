import { RetuneError } from "../../engine/errors.ts";
import type { GeneratedQuestion } from "../ports.ts";
import type { TeacherGenerator } from "./endpoint.ts";
import { parseStrict } from "./parse-questions.ts";
import { DEFAULT_TEMPLATE, fillTemplate } from "./prompt.ts";

/** Anything that answers a prompt with text: the browser's own model, a model run here. */
export interface Chat {
  readonly name: string;
  readonly identity: string; // changes whenever the same prompt may be answered differently
  ask(prompt: string, signal?: AbortSignal): Promise<string>;
}

/**
 * A teacher over any chat, with the prompt and the reading of answers that endpoints have. Error "usage" for a broken
 * template, "network" for an answer without a question: the passage is then tried again by the next run.
 */
export function chatGenerator(chat: Chat, template = DEFAULT_TEMPLATE): TeacherGenerator {
  fillTemplate(template, "", 1); // a broken template fails here, not at the first passage
  return {
    name: chat.name,
    kind: "teacher",
    identity: JSON.stringify([chat.identity, template]),
    async generate(passage, count, signal) {
      const answer = await chat.ask(fillTemplate(template, passage.text, count), signal);
      const questions = parseStrict(answer, count);
      if (questions.length > 0) return questions.map((text): GeneratedQuestion => ({ text }));
      const said = answer.replace(/\s+/g, " ").trim().slice(0, 120);
      throw new RetuneError("network", `${chat.name} wrote no question: ${JSON.stringify(said)}`);
    },
  };
}
