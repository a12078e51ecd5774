// One row of OpenAI's chat JSON Lines, checked as its fine-tuning service and common chat templates want it: roles and
// their order, no empty content, calls of functions that are defined, arguments that are JSON (llamaindex.md §8.2).
import type { ErrorCode, RetuneError } from "../../../engine/errors.ts";
import { parseJson, type JsonNode, type JsonObject } from "../json.ts";
import type { Chat, ChatCall, ChatFunction, ChatMessage, ChatRole } from "./chat.ts";
import { checkOrder } from "./chat-order.ts";
import { jsonText } from "./json-text.ts";
import type { JsonRow } from "./json-rows.ts";

const ROLES: readonly ChatRole[] = ["system", "developer", "user", "assistant", "tool", "function"];
export const CHAT_KEYS = ["messages", "tools", "functions"];
export const MESSAGE_KEYS = [
  ...["role", "content", "name", "tool_calls", "function_call", "tool_call_id", "weight"],
];

/** Errors with file and line: E_FIELD, E_EMPTY, E_REFERENCE (a call of what is not defined), E_JSON (arguments). */
export function readChat(row: JsonRow): Chat {
  const nodes = row.items("messages");
  if (nodes.length === 0) throw row.error("E_FIELD", '"messages" must be a list with at least one message');
  const functions = definitions(row);
  const messages = nodes.map((node, place) => new MessageReader(row, node, place).read());
  checkCalls(row, messages, functions);
  checkOrder(messages, (what) => row.error("E_FIELD", what));
  const style =
    row.has("tools") || messages.some(({ calls }) => calls?.some(({ id }) => id !== undefined))
      ? "tools"
      : functions.length > 0
        ? "functions"
        : "plain";
  return { messages, ...(functions.length > 0 ? { functions } : {}), style };
}

function definitions(row: JsonRow): ChatFunction[] {
  const tools = row.items("tools").map((node) => {
    const inner = node.kind === "object" ? node.entries.get("function") : undefined;
    if (inner) return inner;
    throw row.error("E_FIELD", '"tools" must be a list of {"type": "function", "function": …}');
  });
  return [...tools, ...row.items("functions")].map((node) => {
    const name = node.kind === "object" ? node.entries.get("name") : undefined;
    if (name?.kind === "string" && name.value !== "") return { name: name.value, definition: jsonText(node) };
    throw row.error("E_FIELD", "the definition of a function needs a name");
  });
}

function checkCalls(
  row: JsonRow,
  messages: readonly ChatMessage[],
  functions: readonly ChatFunction[],
): void {
  const known = new Set(functions.map(({ name }) => name));
  const open = new Set<string>();
  for (const [place, { role, calls = [], answers }] of messages.entries()) {
    for (const { name, id } of calls) {
      if (!known.has(name))
        throw row.error(
          "E_REFERENCE",
          `message ${place + 1} calls ${JSON.stringify(name)}, which is not defined`,
        );
      if (id !== undefined) open.add(id);
    }
    if (role === "tool" && !open.has(answers!))
      throw row.error(
        "E_REFERENCE",
        `message ${place + 1} answers the call ${JSON.stringify(answers)}, which no message makes`,
      );
  }
}

class MessageReader {
  readonly #row: JsonRow;
  readonly #node: JsonNode;
  readonly #place: number;

  constructor(row: JsonRow, node: JsonNode, place: number) {
    this.#row = row;
    this.#node = node;
    this.#place = place;
  }

  read(): ChatMessage {
    if (this.#node.kind !== "object") throw this.#error("E_FIELD", "must be an object in braces");
    const { entries } = this.#node;
    const role = this.#role(entries.get("role"));
    const content = this.#content(entries.get("content"));
    const calls = role === "assistant" ? this.#calls(entries) : [];
    if ((content === undefined || content.trim() === "") && calls.length === 0)
      throw this.#error("E_EMPTY", `(${role}) has no content`);
    const name = this.#optionalText(entries, "name");
    const answers = role === "tool" ? this.#optionalText(entries, "tool_call_id") : undefined;
    if (role === "tool" && answers === undefined) throw this.#error("E_FIELD", 'needs a "tool_call_id"');
    if (role === "function" && name === undefined)
      throw this.#error("E_FIELD", 'needs the "name" of its function');
    const weight = entries.get("weight");
    return {
      role,
      ...(content === undefined || content.trim() === "" ? {} : { content }),
      ...(name === undefined ? {} : { name }),
      ...(calls.length > 0 ? { calls } : {}),
      ...(answers === undefined ? {} : { answers }),
      ...(weight?.kind === "number" ? { weight: weight.value } : {}),
    };
  }

  #role(node: JsonNode | undefined): ChatRole {
    const role = ROLES.find((known) => node?.kind === "string" && node.value === known);
    if (role) return role;
    const found = node?.kind === "string" ? JSON.stringify(node.value.slice(0, 40)) : "missing";
    throw this.#error("E_FIELD", `the role is ${found}; known are ${ROLES.join(", ")}`);
  }

  /** A text, or a list of text parts, which belong together without anything between them. */
  #content(node: JsonNode | undefined): string | undefined {
    if (node === undefined || node.kind === "null") return undefined;
    if (node.kind === "string") return node.value;
    const parts = node.kind === "array" ? node.items : [];
    const texts = parts.map((part) => {
      const text = part.kind === "object" ? part.entries.get("text") : undefined;
      if (text?.kind === "string") return text.value;
      throw this.#error("E_FIELD", "holds a part that is no text; pictures and sound are not read");
    });
    if (texts.length > 0) return texts.join("");
    throw this.#error("E_FIELD", "the content must be a text");
  }

  #calls(entries: ReadonlyMap<string, JsonNode>): ChatCall[] {
    const single = entries.get("function_call");
    const calls = entries.get("tool_calls");
    if (single && single.kind !== "null") return [this.#call(single, undefined)];
    if (!calls || calls.kind === "null") return [];
    if (calls.kind !== "array") throw this.#error("E_FIELD", '"tool_calls" must be a list');
    return calls.items.map((node) => {
      const members = node.kind === "object" ? node.entries : new Map<string, JsonNode>();
      const id = this.#optionalText(members, "id");
      const inner = members.get("function");
      if (id === undefined || !inner) throw this.#error("E_FIELD", 'a tool call needs "id" and "function"');
      return this.#call(inner, id);
    });
  }

  #call(node: JsonNode, id: string | undefined): ChatCall {
    const members = node.kind === "object" ? node.entries : new Map<string, JsonNode>();
    const [name, given] = [members.get("name"), members.get("arguments")];
    if (name?.kind !== "string" || given?.kind !== "string")
      throw this.#error("E_FIELD", 'a call needs "name" and "arguments" as texts');
    if (argumentsOf(given.value) === undefined)
      throw this.#error("E_JSON", `the arguments of ${JSON.stringify(name.value)} are no JSON object`);
    return { ...(id === undefined ? {} : { id }), name: name.value, arguments: given.value };
  }

  #optionalText(entries: ReadonlyMap<string, JsonNode>, key: string): string | undefined {
    const node = entries.get(key);
    if (node === undefined || node.kind === "null") return undefined;
    if (node.kind === "string" && node.value !== "") return node.value;
    throw this.#error("E_FIELD", `"${key}" must be a text`);
  }

  #error(code: ErrorCode, what: string): RetuneError {
    return this.#row.error(code, `message ${this.#place + 1} ${what}`);
  }
}

function argumentsOf(text: string): JsonObject | undefined {
  try {
    const { root } = parseJson(text);
    return root.kind === "object" ? root : undefined;
  } catch {
    return undefined; // the caller says whose arguments they are
  }
}
