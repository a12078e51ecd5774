// One call as a line of chat JSON Lines, as LlamaIndex's OpenAIFineTuningHandler writes it: Python's json.dumps, "messages" and then
// "functions" (here "tools", too), role before content, members that are null left out. Unlike there, the text that stands beside a
// call is kept.
import { pythonText } from "../../src/domain/formats/datasets/json-text.ts";
import { MESSAGE_KEYS } from "../../src/domain/formats/datasets/chat-reader.ts";
import type { JsonNode } from "../../src/domain/formats/json.ts";
import { pythonString } from "../../src/domain/formats/llamaindex-dataset.ts";
import { at, parsed, textOf, type AnsweredMessage } from "./answer.ts";

/** The line of a request's body and its answer; undefined where the request holds nothing that a chat could be made of. */
export function handlerLine(requestBody: string, answer: AnsweredMessage): string | undefined {
  const request = parsed(requestBody);
  const asked = request && askedOf(request);
  if (!request || !asked || asked.length === 0) return undefined;
  const members = [`"messages": [${[...asked, answerText(answer)].join(", ")}]`];
  for (const key of ["functions", "tools"]) {
    const given = at(request, key);
    if (given?.kind === "array" && given.items.length > 0) members.push(`"${key}": ${pythonText(given)}`);
  }
  return `{${members.join(", ")}}`;
}

/** The messages of a chat, or the prompt of a completion as one message of the user. */
function askedOf(request: JsonNode): readonly string[] | undefined {
  const messages = at(request, "messages");
  if (messages?.kind === "array") {
    const texts = messages.items.map(messageText);
    return texts.every((text) => text !== undefined) ? texts : undefined;
  }
  const prompt = at(request, "prompt");
  const only = prompt?.kind === "array" && prompt.items.length === 1 ? prompt.items[0] : prompt;
  const text = textOf(only);
  return text === "" ? undefined : [`{"role": "user", "content": ${pythonString(text)}}`];
}

function messageText(message: JsonNode): string | undefined {
  const members = MESSAGE_KEYS.flatMap((key) => {
    const value = at(message, key);
    return value ? [`"${key}": ${pythonText(value)}`] : [];
  });
  return at(message, "role") ? `{${members.join(", ")}}` : undefined;
}

function answerText({ content, functionCall, toolCalls }: AnsweredMessage): string {
  const members = ['"role": "assistant"'];
  if (content !== "") members.push(`"content": ${pythonString(content)}`);
  if (functionCall) members.push(`"function_call": ${callText(functionCall)}`);
  if (toolCalls.length > 0) {
    const calls = toolCalls.map(
      (call) => `{"id": ${pythonString(call.id)}, "type": "function", "function": ${callText(call)}}`,
    );
    members.push(`"tool_calls": [${calls.join(", ")}]`);
  }
  return `{${members.join(", ")}}`;
}

function callText({ name, arguments: given }: { readonly name: string; readonly arguments: string }): string {
  return `{"name": ${pythonString(name)}, "arguments": ${pythonString(given)}}`;
}
