// LlamaIndex's check of fine-tuning data (llama-index-finetuning, openai/validate_json.py, which is OpenAI's own), the
// faults counted as there, and told by line. It knows no calls: with `calls` they are faults no longer.
import { RetuneError } from "../../engine/errors.ts";
import type { JsonNode, JsonObject } from "../formats/json.ts";
import { jsonRow } from "../formats/jsonl.ts";
import { decodeText } from "../text/decode.ts";

export type ChatFault =
  | "data_type" // a line that is no object
  | "missing_messages_list"
  | "message_missing_key" // role or content
  | "message_unrecognized_key" // other than role, content, name
  | "unrecognized_role" // other than system, user, assistant
  | "missing_content" // empty, or no text
  | "example_missing_assistant_message";

export interface ChatValidation {
  readonly examples: number;
  readonly counts: Readonly<Partial<Record<ChatFault, number>>>; // of messages or examples; faults that occur
  readonly faults: readonly { readonly fault: ChatFault; readonly line: number }[]; // one a case, in order
}

export interface ValidationSettings {
  readonly calls?: boolean; // tools, functions, weights and the roles of results are known, too
}

const KEYS = ["role", "content", "name"];
const CALL_KEYS = ["tool_calls", "function_call", "tool_call_id", "weight"];
const ROLES = ["system", "user", "assistant"];
const CALL_ROLES = ["developer", "tool", "function"];

/** Checks JSON Lines; blank lines count for nothing. Errors: those of decodeText; E_JSON and the like with the line. */
export function validateChats(
  file: string,
  bytes: Uint8Array,
  { calls = false }: ValidationSettings = {},
): ChatValidation {
  const faults: { fault: ChatFault; line: number }[] = [];
  let examples = 0;
  const lines = decodeText(bytes, file).text.split("\n");
  for (const [index, text] of lines.entries()) {
    if (text.trim() === "") continue;
    examples++;
    for (const fault of exampleFaults(exampleOf(text, index + 1, file), calls))
      faults.push({ fault, line: index + 1 });
  }
  const counts: Partial<Record<ChatFault, number>> = {};
  for (const { fault } of faults) counts[fault] = (counts[fault] ?? 0) + 1;
  return { examples, counts, faults };
}

/** The object of a line; undefined where it holds another value. */
function exampleOf(text: string, line: number, file: string): JsonObject | undefined {
  try {
    return jsonRow(text, line, file);
  } catch (error) {
    if (error instanceof RetuneError && error.code === "E_FIELD") return undefined;
    throw error;
  }
}

function exampleFaults(example: JsonObject | undefined, calls: boolean): ChatFault[] {
  if (example === undefined) return ["data_type"];
  const messages = example.entries.get("messages");
  if (messages?.kind !== "array" || messages.items.length === 0) return ["missing_messages_list"];
  const faults = messages.items.flatMap((message) => messageFaults(message, calls));
  const answered = messages.items.some(
    (message) => message.kind === "object" && textOf(message, "role") === "assistant",
  );
  return answered ? faults : [...faults, "example_missing_assistant_message"];
}

function messageFaults(message: JsonNode, calls: boolean): ChatFault[] {
  if (message.kind !== "object") return ["message_missing_key", "unrecognized_role", "missing_content"];
  const { entries } = message;
  const calling = calls && (isGiven(entries.get("tool_calls")) || isGiven(entries.get("function_call")));
  const keys = calls ? [...KEYS, ...CALL_KEYS] : KEYS;
  const roles = calls ? [...ROLES, ...CALL_ROLES] : ROLES;
  const faults: ChatFault[] = [];
  if (!entries.has("role") || (!entries.has("content") && !calling)) faults.push("message_missing_key");
  if ([...entries.keys()].some((key) => !keys.includes(key))) faults.push("message_unrecognized_key");
  if (!roles.includes(textOf(message, "role") ?? "")) faults.push("unrecognized_role");
  if ((textOf(message, "content") ?? "") === "" && !calling) faults.push("missing_content");
  return faults;
}

function isGiven(node: JsonNode | undefined): boolean {
  return node !== undefined && node.kind !== "null";
}

function textOf({ entries }: JsonObject, key: string): string | undefined {
  const node = entries.get(key);
  return node?.kind === "string" ? node.value : undefined;
}
