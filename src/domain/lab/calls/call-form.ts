import { RetuneError } from "../../../engine/errors.ts";
import type { ChatFormat } from "../../chat/chat-format.ts";
import type { Conversation } from "../../chat/template-messages.ts";
import type { ChatFunction, ChatMessage } from "../../formats/datasets/chat.ts";
import { parseJson, plainJson } from "../../formats/json.ts";
import { spacedJson, type PlainJson, type PlainObject } from "./json-schema.ts";

/** How a model writes a call: before name between arguments after. */
export interface CallForm {
  readonly before: string;
  readonly between: string;
  readonly after: string;
  readonly byTemplate: boolean; // the template shows functions and calls; else a message of ours does
}

export interface GoldCall {
  readonly name: string;
  readonly arguments: PlainObject;
}

/** The form of models whose template knows no functions. */
const PLAIN: CallForm = { before: '{"name": "', between: '", "arguments": ', after: "}", byTemplate: false };

const PROBE = { name: "retune_probe", key: "retune_key", value: "retune value" };

const forms = new WeakMap<ChatFormat, CallForm>();

/** The form of a model's template, found by rendering a call; the plain one where it shows none, or without a format. */
export function callForm(format?: ChatFormat): CallForm {
  if (!format) return PLAIN;
  const known = forms.get(format) ?? probed(format) ?? PLAIN;
  forms.set(format, known);
  return known;
}

function probed(format: ChatFormat): CallForm | undefined {
  const asks = { role: "user", content: "probe" } as const;
  const functions = [
    { name: PROBE.name, definition: `{"name":"${PROBE.name}","parameters":{"type":"object"}}` },
  ];
  const call = { id: "call00001", name: PROBE.name, arguments: `{"${PROBE.key}":"${PROBE.value}"}` };
  try {
    const prompt = format.render({ messages: [asks], functions }, { addGenerationPrompt: true }).text;
    if (!prompt.includes(PROBE.name)) return undefined;
    const whole = format.render({ messages: [asks, { role: "assistant", calls: [call] }], functions }).text;
    return whole.startsWith(prompt) ? formIn(whole.slice(prompt.length), format) : undefined;
  } catch (error) {
    if (error instanceof RetuneError && error.code === "E_TEMPLATE") return undefined;
    throw error;
  }
}

function formIn(written: string, { tokenizer }: ChatFormat): CallForm | undefined {
  const match = new RegExp(
    `^([^]*?)${PROBE.name}([^]*?)(\\{\\s*"${PROBE.key}"\\s*:\\s*"${PROBE.value}"\\s*\\})([^]*)$`,
  );
  const [, before, between, , after] = match.exec(written) ?? [];
  if (before === undefined || between === undefined || after === undefined) return undefined;
  const shown = (text: string): string => tokenizer.decode(tokenizer.encode(text), { special: false });
  // Control tokens are not part of what a model is heard to say; an id of the probe would not be that of a call.
  if (after.includes("call00001") || before.includes("call00001")) return undefined;
  return { before: shown(before), between: shown(between), after: shown(after).trimEnd(), byTemplate: true };
}

const HOW =
  'To call one, answer with {"name": its name, "arguments": {…}} and nothing else, one call to a line. ' +
  "Answer in words where none fits.";

/** A conversation as a model of this form reads it: as it is, or with functions, calls and results written out. */
export function inForm({ messages, functions = [] }: Conversation, form: CallForm): Conversation {
  if (form.byTemplate || functions.length === 0) return { messages, functions };
  const listed = `Functions that may be called:\n${functions.map(definitionLine).join("\n")}\n${HOW}`;
  const given = messages.filter(({ role }) => role === "system" || role === "developer");
  const system = [...given.map(({ content }) => content ?? ""), listed].join("\n\n");
  const talk = messages.filter((message) => !given.includes(message));
  return { messages: [{ role: "system", content: system }, ...talk.map(inWords)] };
}

function definitionLine({ definition }: ChatFunction): string {
  return spacedJson(plainJson(parseJson(definition).root) as PlainJson);
}

function inWords(message: ChatMessage): ChatMessage {
  const { role, name, content = "", calls, weight } = message;
  if (role === "tool" || role === "function") {
    return { role: "user", content: `Result${name === undefined ? "" : ` of ${name}`}: ${content}` };
  }
  if (calls === undefined) return message;
  const written = calls.map((call) => callText({ name: call.name, arguments: argumentsOf(call.arguments) }));
  return {
    role,
    content: [...(content === "" ? [] : [content]), ...written].join("\n"),
    ...(weight === undefined ? {} : { weight }),
  };
}

/** A call in the plain form. */
export function callText({ name, arguments: given }: GoldCall): string {
  return spacedJson({ name, arguments: given });
}

/** The arguments of a call, which readers have checked to be a JSON object. */
export function argumentsOf(text: string): PlainObject {
  return plainJson(parseJson(text).root) as PlainObject;
}
