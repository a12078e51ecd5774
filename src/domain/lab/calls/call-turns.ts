import type { Conversation } from "../../chat/template-messages.ts";
import type { ChatMessage } from "../../formats/datasets/chat.ts";
import { parseJson, plainJson } from "../../formats/json.ts";
import type { Question } from "../asked.ts";
import { delexicaliseCall, type DelexicalisedCall } from "../delexicalise.ts";
import type { ModelForm } from "../lab-task.ts";
import { argumentsOf, callForm, callText, inForm, type CallForm, type GoldCall } from "./call-form.ts";
import { callGrammar } from "./call-grammar.ts";
import type { CallExample } from "./call-rows.ts";
import { inSchemaOrder, isObject, spacedJson, type PlainJson, type PlainObject } from "./json-schema.ts";

export type Gold =
  | { readonly kind: "calls"; readonly calls: readonly GoldCall[] }
  | { readonly kind: "words"; readonly text: string }
  | { readonly kind: "object"; readonly value: PlainJson };

/** One answer of a row: what is asked, in the model's form, and what is right. */
export interface CallTurn {
  readonly question: Question;
  readonly form: CallForm;
  readonly gold: Gold;
  readonly learnt: ChatMessage; // the assistant's message, in the model's form
  readonly own?: DelexicalisedCall; // for a model of placeholders
}

/** How answers are held: "free" not at all, "calls" to calls of the row's functions, "calls or words" to these where they call. */
export type Hold = "free" | "calls" | "calls or words";

/** Calls are required where no row is answered in words, as by OpenAI's tool_choice "required". */
export function holdOf(examples: readonly CallExample[]): Hold {
  const answers = examples.flatMap(({ conversation, object }) =>
    object ? [] : conversation.messages.filter(({ role, weight }) => role === "assistant" && weight !== 0),
  );
  return answers.every(({ calls }) => calls !== undefined) ? "calls" : "calls or words";
}

/** The turns of a row that are learnt. */
export function callTurns(example: CallExample, model: ModelForm = {}, hold: Hold = "free"): CallTurn[] {
  const { messages } = example.conversation;
  const places = messages.flatMap(({ role, weight }, place) =>
    role === "assistant" && weight !== 0 ? [place] : [],
  );
  return places.map((place) => {
    const turn = model.placeholders
      ? barely(example, place)
      : inWhole(example, place, callForm(model.format));
    const constraint = hold === "free" ? undefined : constraintOf(example, turn, hold);
    return constraint ? { ...turn, question: { ...turn.question, constraint } } : turn;
  });
}

/** A row as it is learnt: its conversation; for a model of placeholders each turn by itself. */
export function learntConversations(example: CallExample, model: ModelForm = {}): Conversation[] {
  if (model.placeholders) {
    const turns = callTurns(example, model);
    return turns.map(({ question, learnt }) => ({ messages: [...question.prompt.messages, learnt] }));
  }
  const messages = example.conversation.messages.map((message) => inOrder(message, example));
  return [inForm({ ...example.conversation, messages }, callForm(model.format))];
}

function inWhole(example: CallExample, place: number, form: CallForm): CallTurn {
  const { messages, functions } = example.conversation;
  const ordered = messages.slice(0, place + 1).map((message) => inOrder(message, example));
  const whole = inForm({ messages: ordered, ...(functions ? { functions } : {}) }, form);
  const prompt = { ...whole, messages: whole.messages.slice(0, -1) };
  return { question: { prompt }, form, gold: goldOf(example, place), learnt: whole.messages.at(-1)! };
}

/** The functions' signatures and the request, in placeholders: "t3 ( c1 TEXT , c0 INT ) set t3 with c1 "v2" ". */
function barely(example: CallExample, place: number): CallTurn {
  const request = example.conversation.messages.slice(0, place).findLast(({ role }) => role === "user");
  const tools = example.object
    ? [{ name: "answer", parameters: example.object.schema }]
    : example.functions.map(({ name, schema }) => ({ name, parameters: schema.schema }));
  const own = delexicaliseCall({ utterance: request?.content ?? "", tools });
  const signatures = own.tools.map(({ name, parameters }, at) =>
    signature(name, parameters, tools[at]!.parameters),
  );
  const prompt: Conversation = {
    messages: [{ role: "user", content: [...signatures, own.utterance].join(" ") }],
  };
  const gold = goldOf(example, place);
  const learnt = { role: "assistant", content: bareGold(gold, own) } as const;
  return { question: { prompt }, form: callForm(), gold, learnt, own };
}

function signature(name: string, own: Readonly<Record<string, unknown>>, given: PlainObject): string {
  const types = Object.values(isObject(given["properties"]) ? given["properties"] : {});
  const names = Object.keys(isObject(own["properties"]) ? own["properties"] : {});
  const columns = names.map((column, at) => {
    const type = isObject(types[at]) ? types[at]["type"] : undefined;
    return `${column} ${type === "integer" || type === "number" ? "INT" : "TEXT"}`;
  });
  return `${name} ( ${columns.join(" , ")} )`;
}

function bareGold(gold: Gold, own: DelexicalisedCall): string {
  if (gold.kind === "words") return gold.text;
  if (gold.kind === "object") return own.call(spacedJson(gold.value));
  return gold.calls.map((call) => own.call(callText(call))).join("\n");
}

function goldOf({ conversation, object }: CallExample, place: number): Gold {
  const { calls = [], content = "" } = conversation.messages[place]!;
  if (object) return { kind: "object", value: plainJson(parseJson(content).root) as PlainJson };
  if (calls.length === 0) return { kind: "words", text: content };
  return {
    kind: "calls",
    calls: calls.map((call) => ({ name: call.name, arguments: argumentsOf(call.arguments) })),
  };
}

/** Arguments in the order of their schema, so that what is learnt is what a constraint lets through. */
function inOrder(message: ChatMessage, { functions }: CallExample): ChatMessage {
  if (message.calls === undefined) return message;
  const calls = message.calls.map((call) => {
    const schema = functions.find(({ name }) => name === call.name)?.schema.schema;
    const ordered = inSchemaOrder(argumentsOf(call.arguments), schema);
    const isSame = JSON.stringify(ordered) === JSON.stringify(argumentsOf(call.arguments));
    return isSame ? call : { ...call, arguments: spacedJson(ordered) };
  });
  return { ...message, calls };
}

function constraintOf(
  { functions, object }: CallExample,
  { form, own }: CallTurn,
  hold: Hold,
): Question["constraint"] {
  const words = hold === "calls or words";
  if (own) {
    const given = object ? [object.schema] : functions.map(({ schema }) => schema.schema);
    const held = own.tools.map(({ name, parameters }, at) => ({
      name,
      schema: { schema: heldToRequest(parameters as PlainObject, given[at]!, own.utterance) },
    }));
    if (object) return { kind: "json-schema", schema: JSON.stringify(held[0]!.schema.schema) };
    return { kind: "grammar", grammar: callGrammar(held, form, words) };
  }
  if (object) return { kind: "json-schema", schema: JSON.stringify(object.schema) };
  return { kind: "grammar", grammar: callGrammar(functions, form, words) };
}

/**
 * A function's schema in placeholders, its values held to those of the request: texts to v0, v1, …, numbers to x0, x1, …, which are
 * all that can be mapped back to such. Properties that the request holds nothing for are left out, unless they must be there.
 */
function heldToRequest(own: PlainObject, given: PlainObject, utterance: string): PlainObject {
  const found = (kind: "v" | "x"): string[] => [
    ...new Set(utterance.match(new RegExp(`\\b${kind}\\d+\\b`, "g"))),
  ];
  const [texts, numbers] = [found("v"), found("x")];
  const types = Object.values(isObject(given["properties"]) ? given["properties"] : {});
  const required = Array.isArray(own["required"]) ? own["required"] : [];
  const properties = Object.entries(isObject(own["properties"]) ? own["properties"] : {});
  const held = properties.flatMap(([name, schema], at): [string, PlainJson][] => {
    const type = isObject(types[at]) ? types[at]["type"] : undefined;
    if (type !== "string" && type !== "integer" && type !== "number") return [[name, schema]];
    const values = type === "string" ? texts : numbers;
    if (values.length > 0) return [[name, { enum: values }]];
    return required.includes(name) ? [[name, schema]] : [];
  });
  return { ...own, properties: Object.fromEntries(held) };
}
