import type { Conversation } from "../../chat/template-messages.ts";
import type { ChatMessage } from "../../formats/datasets/chat.ts";
import type { ReactExample } from "./react-example.ts";
import { observationText, stepText } from "./steps.ts";
import type { ReactTool } from "./tools.ts";

/** What an agent is told where a file does not say it: its tools, and the two forms of a step. */
export function systemMessage(tools: readonly ReactTool[]): string {
  return [
    "Answer the question. These tools help, one JSON object a line:",
    ...tools.map(({ definition }) => definition),
    "Write one step and stop. Either",
    "Thought: why",
    "Action: the name of a tool",
    "Action Input: its arguments as a JSON object",
    "and the observation follows; or, once you know it,",
    "Thought: why",
    "Answer: the answer",
  ].join("\n");
}

/** The conversation before step `count` (from 0): what happened so far is given as `steps` and `observations`. */
export function promptBefore(
  { system, question }: Pick<ReactExample, "system" | "question">,
  { steps, observations }: { readonly steps: readonly string[]; readonly observations: readonly string[] },
): Conversation {
  const opening: ChatMessage[] = [
    ...(system === "" ? [] : [{ role: "system", content: system } as const]),
    { role: "user", content: question },
  ];
  const turns = steps.flatMap((step, place): ChatMessage[] => [
    { role: "assistant", content: step, weight: 0 },
    { role: "user", content: observationText(observations[place]!) },
  ]);
  return { messages: [...opening, ...turns] };
}

/** The trace's own conversation before step `count`. */
export function promptOfStep(example: ReactExample, count: number): Conversation {
  const steps = example.steps.slice(0, count).map(stepText);
  return promptBefore(example, { steps, observations: example.observations });
}
