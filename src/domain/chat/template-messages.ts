import type { Chat, ChatCall, ChatMessage } from "../formats/datasets/chat.ts";
import { parseJson } from "../formats/json.ts";
import { templateValue, unusedSigns, type Signs } from "./template-values.ts";

/** What a chat template is given: OpenAI's tool form, the arguments of calls as objects, nothing null. */
export interface TemplateInput {
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  readonly tools: readonly unknown[] | null; // null where there are none, as transformers gives them
  readonly signs: Signs; // that stand for what values of JavaScript cannot hold
}

export type Conversation = Pick<Chat, "messages" | "functions">;

/**
 * A conversation as templates of open models know it. The older form becomes the newer one: functions are tools,
 * `function_call` is a tool call with an id of nine signs (Mistral's templates want nine), role "function" is "tool".
 * "developer" is OpenAI's later word for "system". Keys keep their order, and numbers the spelling of Python.
 */
export function templateInput({ messages, functions = [] }: Conversation): TemplateInput {
  const signs = unusedSigns([messages, functions]);
  const tools = functions.map(({ definition }) => ({
    type: "function",
    function: templateValue(parseJson(definition).root, definition, signs),
  }));
  let called: string | undefined;
  const given = messages.map((message, place) => {
    const calls = message.calls?.map((call) => ({ ...call, id: call.id ?? oldCallId(place) }));
    called = calls?.at(-1)?.id ?? called;
    return templateMessage(
      message,
      calls?.map((call) => templateCall(call, signs)),
      called,
    );
  });
  return { messages: given, tools: tools.length > 0 ? tools : null, signs };
}

/** Ids of the older form, which has none, by the place of the message that calls. */
function oldCallId(place: number): string {
  return `call${String(place).padStart(5, "0")}`;
}

function templateMessage(
  { role, content, name, answers }: ChatMessage,
  calls: readonly Readonly<Record<string, unknown>>[] | undefined,
  called: string | undefined,
): Readonly<Record<string, unknown>> {
  const answered = answers ?? (role === "function" ? called : undefined);
  return {
    role: role === "function" ? "tool" : role === "developer" ? "system" : role,
    ...(content === undefined ? {} : { content }),
    ...(name === undefined ? {} : { name }),
    ...(calls === undefined ? {} : { tool_calls: calls }),
    ...(answered === undefined ? {} : { tool_call_id: answered }),
  };
}

function templateCall(
  { id, name, arguments: given }: ChatCall,
  signs: Signs,
): Readonly<Record<string, unknown>> {
  const values = templateValue(parseJson(given).root, given, signs);
  return { id, type: "function", function: { name, arguments: values } };
}
