import type { ChatMessage } from "../../formats/datasets/chat.ts";
import { answerText, sectionsOf, type Section } from "./steps.ts";
import { traceOf, type RowRefusal, type Trace } from "./trace.ts";

export interface ChatTrace extends Trace {
  readonly question: string;
  readonly system: string | undefined;
}

const OBSERVATION = /^\s*Observation:\s*/;

/** A chat of one question whose assistant's messages are steps. E_FIELD where a later message of the user observes nothing. */
export function chatTrace(messages: readonly ChatMessage[], refuse: RowRefusal): ChatTrace {
  const talk = messages.filter(({ role }) => role !== "system" && role !== "developer");
  const told = messages.filter((message) => !talk.includes(message)).map(({ content = "" }) => content);
  const [asked, ...more] = talk;
  const sections = more.flatMap((message, index) => {
    const content = message.content ?? "";
    if (message.role === "assistant") return stepSections(content);
    if (message.role === "tool" || message.role === "function") return observation(content);
    if (OBSERVATION.test(content)) return observation(content.replace(OBSERVATION, ""));
    throw refuse("E_FIELD", `message ${told.length + index + 2} (${message.role}) is no "Observation: …"`);
  });
  const system = told.length > 0 ? told.join("\n\n") : undefined;
  return { question: (asked?.content ?? "").trim(), system, ...traceOf(sections, refuse) };
}

function observation(text: string): Section[] {
  return [{ label: "Observation", text: text.trim(), line: 1 }];
}

/** A message without any label is an answer, as LlamaIndex takes it; what follows "Answer:" belongs to it. */
function stepSections(content: string): Section[] {
  const sections = sectionsOf(content);
  const answer = sections.findIndex(({ label }) => label === "Answer");
  if (answer >= 0)
    return [...sections.slice(0, answer), { ...sections[answer]!, text: answerText(sections.slice(answer)) }];
  return sections.length > 0 ? sections : [{ label: "Answer", text: content.trim(), line: 1 }];
}
