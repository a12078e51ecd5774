// Rows of function calling and of structured outputs: OpenAI's chats with "tools" or the older "functions", or a prompt with the
// JSON schema of its answer.
import { RetuneError } from "../../../engine/errors.ts";
import type { Conversation } from "../../chat/template-messages.ts";
import { CHAT_KEYS, readChat } from "../../formats/datasets/chat-reader.ts";
import type { Chat, ChatFunction } from "../../formats/datasets/chat.ts";
import type { JsonRow } from "../../formats/datasets/json-rows.ts";
import { parseJson, plainJson } from "../../formats/json.ts";
import {
  idOf,
  keyOf,
  optionalText,
  readLabRows,
  textOf,
  type LabReadOptions,
  type NoteOfRow,
} from "../lab-rows.ts";
import type { LabExample, LabRead } from "../lab-task.ts";
import { argumentsOf } from "./call-form.ts";
import {
  inSchemaOrder,
  isObject,
  JsonSchema,
  spacedJson,
  type PlainJson,
  type PlainObject,
} from "./json-schema.ts";

/** A function with what its arguments must be. */
export interface CallFunction extends ChatFunction {
  readonly schema: JsonSchema;
}

export interface CallExample extends LabExample {
  readonly conversation: Conversation; // its assistant's turns are what is learnt and asked for
  readonly functions: readonly CallFunction[]; // of its conversation; none where the answer is an object
  readonly object?: JsonSchema; // of the answer, where that is an object of a schema
}

const PROMPT = ["prompt", "input", "question"];
const SCHEMA = ["schema", "json_schema", "response_format"];
const ANSWER = ["answer", "output", "response", "completion"];
const KNOWN = [...CHAT_KEYS, ...PROMPT, ...SCHEMA, ...ANSWER, "id", "group", "system"];
const FEWEST_GROUPS = 5;

/**
 * Rows of a file; their group is what they may call or their schema; where a file has fewer than five of these, each row is a
 * group of its own. Errors by line: those of readChat; E_FIELD (no functions and no schema, a schema that cannot be used), E_JSON
 * (an answer that is no JSON). Gold answers that break their own schema are noted.
 */
export function readCallRows(
  file: string,
  bytes: Uint8Array,
  options?: LabReadOptions,
): LabRead<CallExample> {
  const schemas = new Map<string, JsonSchema>();
  const { examples, notes } = readLabRows(
    file,
    bytes,
    KNOWN,
    (row, note) => callExample(row, note, schemas),
    options,
  );
  const groups = new Set(examples.map(({ group }) => group)).size;
  if (groups >= FEWEST_GROUPS || groups === examples.length) return { examples, notes };
  const reason = `all rows share ${groups} ${groups === 1 ? "set" : "sets"} of functions; rows are parted one by one`;
  const note = { line: 1, reason, skipped: false };
  return { examples: examples.map((own) => ({ ...own, group: own.id })), notes: [note, ...notes] };
}

function callExample(row: JsonRow, note: NoteOfRow, schemas: Map<string, JsonSchema>): CallExample {
  const example = row.has("messages") ? chatExample(row, schemas) : objectExample(row, schemas);
  for (const fault of goldFaults(example)) note(row, fault);
  return example;
}

function chatExample(row: JsonRow, schemas: Map<string, JsonSchema>): CallExample {
  const { messages, functions = [] }: Chat = readChat(row);
  if (functions.length === 0)
    throw row.error(
      "E_FIELD",
      'no functions are offered; add "tools" or "functions", or teach the chat as distillation',
    );
  const defined = functions.map((own) => ({ ...own, schema: schemaOf(row, parametersOf(own), schemas) }));
  const tools = functions.map(({ name }) => name).sort();
  const group = optionalText(row, ["group"]) ?? tools.join(" ");
  return { id: idOf(row), line: row.line, group, conversation: { messages, functions }, functions: defined };
}

function parametersOf({ definition }: ChatFunction): PlainObject {
  const whole = argumentsOf(definition);
  return isObject(whole["parameters"]) ? whole["parameters"] : { type: "object", properties: {} };
}

function objectExample(row: JsonRow, schemas: Map<string, JsonSchema>): CallExample {
  const given = jsonOf(row, SCHEMA);
  const inner = isObject(given) ? (given["json_schema"] ?? given["schema"] ?? given) : given;
  const named = isObject(inner) ? (inner["schema"] ?? inner) : inner;
  if (!isObject(named)) throw row.error("E_FIELD", '"schema" must be a JSON schema in braces');
  const object = schemaOf(row, named, schemas);
  const answer = inSchemaOrder(jsonOf(row, ANSWER), object.schema);
  const system = optionalText(row, ["system"]);
  const how = `Answer with JSON that fits this schema, and nothing else:\n${spacedJson(object.schema)}`;
  const conversation: Conversation = {
    messages: [
      { role: "system", content: system === undefined ? how : `${system}\n\n${how}` },
      { role: "user", content: textOf(row, PROMPT) },
      { role: "assistant", content: spacedJson(answer) },
    ],
  };
  const group = optionalText(row, ["group"]) ?? spacedJson(object.schema);
  return { id: idOf(row), line: row.line, group, conversation, functions: [], object };
}

/** A member that is JSON, or text that holds JSON. */
function jsonOf(row: JsonRow, names: readonly string[]): PlainJson {
  const key = keyOf(row, names);
  const node = key === undefined ? undefined : row.entries.get(key);
  if (node === undefined) throw row.error("E_FIELD", `"${names[0]!}" is missing`);
  if (node.kind !== "string") return plainJson(node) as PlainJson;
  try {
    return plainJson(parseJson(node.value).root) as PlainJson;
  } catch (error) {
    if (!(error instanceof RetuneError)) throw error;
    throw row.error("E_JSON", `"${key!}" is no JSON: ${error.message}`);
  }
}

function schemaOf(row: JsonRow, schema: PlainObject, schemas: Map<string, JsonSchema>): JsonSchema {
  const text = spacedJson(schema);
  try {
    const known = schemas.get(text) ?? new JsonSchema(schema);
    schemas.set(text, known);
    return known;
  } catch (error) {
    if (!(error instanceof RetuneError)) throw error;
    throw row.error("E_FIELD", error.message);
  }
}

/** Where the row itself breaks what it asks for: a model that learns from it, or is measured by it, cannot do both. */
function goldFaults({ conversation, functions, object }: CallExample): string[] {
  if (object) {
    const answer = plainJson(parseJson(conversation.messages.at(-1)!.content!).root) as PlainJson;
    return object
      .faults(answer)
      .slice(0, 1)
      .map((fault) => `the answer does not fit its schema: ${told(fault)}`);
  }
  return conversation.messages.flatMap(({ calls = [] }, place) =>
    calls.flatMap((call) => {
      const known = functions.find(({ name }) => name === call.name);
      const [fault] = known?.schema.faults(argumentsOf(call.arguments)) ?? [];
      return fault
        ? [`message ${place + 1} calls ${call.name} with arguments that do not fit: ${told(fault)}`]
        : [];
    }),
  );
}

function told({ path, reason }: { readonly path: string; readonly reason: string }): string {
  return `${path === "" ? "" : `${path}: `}${reason}`;
}
