// What a chat endpoint answered, put together from its bytes: one JSON document, or server-sent events whose deltas are joined
// (text, a function call, tool calls by their index). Only an answer that came to its own end is one to learn from.
import { parseJson, type JsonNode } from "../../src/domain/formats/json.ts";

export interface AnsweredCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string; // JSON text, as the model wrote it
}

export interface AnsweredMessage {
  readonly content: string; // "" where it only calls
  readonly functionCall?: Omit<AnsweredCall, "id">;
  readonly toolCalls: readonly AnsweredCall[];
}

/**
 * Why there is nothing to learn: "failed": the endpoint told an error; "not-ended": the answer broke off; "cut-off": the endpoint
 * ended it (token limit, content filter); "empty": neither text nor call.
 */
export type Unusable = "failed" | "not-ended" | "cut-off" | "empty";

/** The answer in the bytes of a whole response. */
export function answerIn(body: string): AnsweredMessage | Unusable {
  const answer = new Answer();
  if (/^\s*\{/.test(body)) {
    const document = parsed(body);
    if (!document || at(document, "error")) return "failed";
    return answer.add(document).whole(true);
  }
  let told = false;
  for (const data of eventsOf(body)) {
    if (data === "[DONE]") {
      told = true;
      continue;
    }
    const chunk = parsed(data);
    if (!chunk) return "not-ended";
    if (at(chunk, "error")) return "failed";
    answer.add(chunk);
  }
  return answer.whole(told);
}

/** The data of every event: lines that begin with "data:", joined within an event; a last event without its blank line counts. */
function eventsOf(body: string): readonly string[] {
  return body
    .split(/\r?\n\r?\n/)
    .map((event) =>
      event
        .split(/\r?\n/)
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).trim())
        .join("\n"),
    )
    .filter((data) => data !== "");
}

class Answer {
  private content = "";
  private finish = "";
  private functionCall: { name: string; arguments: string } | undefined;
  private readonly calls = new Map<number, { id: string; name: string; arguments: string }>();

  /** The first choice of a document or chunk: chat, or a completion of plain text. */
  add(document: JsonNode): this {
    const choice = itemsOf(at(document, "choices")).find(({ index }) => index === 0)?.node;
    if (!choice) return this;
    const message = at(choice, "delta") ?? at(choice, "message");
    this.content += message ? partsOf(at(message, "content")) : textOf(at(choice, "text"));
    this.finish = textOf(at(choice, "finish_reason")) || this.finish;
    if (!message) return this;
    const called = at(message, "function_call");
    if (called && called.kind === "object") {
      this.functionCall ??= { name: "", arguments: "" };
      extend(this.functionCall, called);
    }
    for (const { node, index } of itemsOf(at(message, "tool_calls"))) this.extendCall(index, node);
    return this;
  }

  whole(told: boolean): AnsweredMessage | Unusable {
    if (!told && this.finish === "") return "not-ended";
    if (this.finish === "length" || this.finish === "content_filter") return "cut-off";
    const toolCalls = [...this.calls].map(([index, call]) => ({ ...call, id: call.id || `call_${index}` }));
    if (this.content.trim() === "" && !this.functionCall && toolCalls.length === 0) return "empty";
    const { content, functionCall } = this;
    return { content, toolCalls, ...(functionCall ? { functionCall } : {}) };
  }

  /** Some servers give every call the first place: another id is another call. */
  private extendCall(place: number, node: JsonNode): void {
    const id = textOf(at(node, "id"));
    const known = this.calls.get(place)?.id ?? "";
    const index = id !== "" && known !== "" && id !== known ? this.calls.size : place;
    const call = this.calls.get(index) ?? { id: "", name: "", arguments: "" };
    call.id ||= id;
    const called = at(node, "function");
    if (called) extend(call, called);
    this.calls.set(index, call);
  }
}

function extend(call: { name: string; arguments: string }, delta: JsonNode): void {
  const name = textOf(at(delta, "name"));
  if (name !== call.name) call.name += name; // some servers repeat it in every chunk
  call.arguments += textOf(at(delta, "arguments"));
}

/** Items with the place they name themselves, else their own. */
function itemsOf(node: JsonNode | undefined): readonly { readonly node: JsonNode; readonly index: number }[] {
  if (node?.kind !== "array") return [];
  return node.items.map((item, place) => {
    const named = at(item, "index");
    return { node: item, index: named?.kind === "number" ? named.value : place };
  });
}

/** A text, or a list of text parts. */
function partsOf(node: JsonNode | undefined): string {
  if (node?.kind === "array") return node.items.map((part) => textOf(at(part, "text"))).join("");
  return textOf(node);
}

/** A member of an object; undefined where there is none or it is null. */
export function at(node: JsonNode, key: string): JsonNode | undefined {
  const value = node.kind === "object" ? node.entries.get(key) : undefined;
  return value?.kind === "null" ? undefined : value;
}

export function textOf(node: JsonNode | undefined): string {
  return node?.kind === "string" ? node.value : "";
}

/** Undefined where a text is no JSON. */
export function parsed(text: string): JsonNode | undefined {
  try {
    return parseJson(text).root;
  } catch {
    return undefined;
  }
}
