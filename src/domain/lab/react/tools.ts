// The tools of an agent, as a list in the file of traces or in a JSON file of its own:
//   {"name", "description"?, "parameters"? (a JSON schema), "sandbox"?}, or OpenAI's {"type": "function", "function": {…}}
// "sandbox" says how a call is answered, always the same way:
//   {"kind": "lookup", "argument"?: "key", "table": {"k3": "v7"}, "otherwise"?: text}    one argument's value in a table
//   {"kind": "lookup", "rows": [{"input": {…}, "output": text}], "otherwise"?}           whole inputs in a table
//   {"kind": "calculator", "argument"?: "expression"}                                    arithmetic.ts
//   {"kind": "formula", "formula": "a * b"}                                              arithmetic over the arguments
//   {"kind": "sqlite", "argument"?: "query", "schema": "CREATE TABLE …", "rows"?: {"table": [[…], …]}}
// A tool without one answers what the row's own trace observed for the same input: exact, but blind to any other wording.
import type { RetuneError } from "../../../engine/errors.ts";
import type { JsonNode, JsonObject } from "../../formats/json.ts";
import { jsonText } from "../../formats/datasets/json-text.ts";
import { comparable } from "../../data/leaks.ts";
import { canonicalJson, jsonWords } from "./json-words.ts";

export type SandboxRule =
  | {
      readonly kind: "lookup";
      readonly argument: string | undefined; // undefined: the only one
      readonly table: ReadonlyMap<string, string>; // by comparable text
      readonly rows: ReadonlyMap<string, string>; // by lookupKey of the whole input
      readonly otherwise: string;
    }
  | { readonly kind: "calculator"; readonly argument: string | undefined }
  | { readonly kind: "formula"; readonly formula: string }
  | {
      readonly kind: "sqlite";
      readonly argument: string | undefined;
      readonly schema: string;
      readonly rows: ReadonlyMap<string, readonly (readonly (string | number | null)[])[]>;
    }
  | { readonly kind: "recorded" };

export interface ReactTool {
  readonly name: string;
  readonly definition: string; // what the model reads of it, one line of JSON
  readonly rule: SandboxRule;
}

/** Makes the error of a definition that cannot be used. */
export type Refusal = (what: string) => RetuneError;

const NOTHING_FOUND = "nothing found";

/** Throws what `refuse` makes: no name, a sandbox of another kind or with a part missing, a name twice. */
export function readTools(nodes: readonly JsonNode[], refuse: Refusal): ReactTool[] {
  const tools = nodes.map((node) => readTool(node, refuse));
  const twice = tools.find(({ name }, place) => tools.findIndex((other) => other.name === name) !== place);
  if (twice) throw refuse(`the tool ${JSON.stringify(twice.name)} is defined twice`);
  return tools;
}

/** A tool of which only the name is known: what it is called with has to be in the trace. */
export function namedTool(name: string): ReactTool {
  return { name, definition: JSON.stringify({ name }), rule: { kind: "recorded" } };
}

/** What a whole input is looked up by: no case, no space, no order of keys. */
export function lookupKey(input: JsonNode): string {
  return canonicalJson(input, comparable);
}

function readTool(node: JsonNode, refuse: Refusal): ReactTool {
  const inner = node.kind === "object" ? (node.entries.get("function") ?? node) : node;
  const name = inner.kind === "object" ? textAt(inner, "name") : undefined;
  if (inner.kind !== "object" || name === undefined || !/^\S+$/.test(name))
    throw refuse('a tool must be {"name", "description"?, "parameters"?, "sandbox"?}, its name one word');
  const shown = [...inner.entries].filter(([key]) => ["name", "description", "parameters"].includes(key));
  const sandbox = inner.entries.get("sandbox") ?? (node as JsonObject).entries.get("sandbox");
  const rule = sandbox === undefined ? ({ kind: "recorded" } as const) : readRule(name, sandbox, refuse);
  return { name, definition: jsonWords({ kind: "object", at: 0, entries: new Map(shown) }), rule };
}

function readRule(tool: string, node: JsonNode, refuse: Refusal): SandboxRule {
  const own: Refusal = (what) => refuse(`the sandbox of ${JSON.stringify(tool)} ${what}`);
  if (node.kind !== "object") throw own('must be an object with its "kind"');
  const argument = textAt(node, "argument");
  switch (textAt(node, "kind")) {
    case "lookup":
      return lookupRule(node, argument, own);
    case "calculator":
      return { kind: "calculator", argument };
    case "formula": {
      const formula = textAt(node, "formula");
      if (formula === undefined) throw own('needs a "formula" over the arguments, such as "a * b"');
      return { kind: "formula", formula };
    }
    case "sqlite":
      return sqliteRule(node, argument, own);
    case "recorded":
      return { kind: "recorded" };
    default:
      throw own("must be of the kind lookup, calculator, formula, sqlite or recorded");
  }
}

function lookupRule(node: JsonObject, argument: string | undefined, refuse: Refusal): SandboxRule {
  const [table, rows] = [node.entries.get("table"), node.entries.get("rows")];
  if (table?.kind !== "object" && rows?.kind !== "array") throw refuse('needs a "table" or "rows"');
  const cells = table?.kind === "object" ? [...table.entries] : [];
  const inputs = (rows?.kind === "array" ? rows.items : []).map((row): [string, string] => {
    const entries = row.kind === "object" ? row.entries : new Map<string, JsonNode>();
    const [input, output] = [entries.get("input"), entries.get("output")];
    if (!input || !output) throw refuse('needs {"input", "output"} in every row');
    return [lookupKey(input), spokenText(output)];
  });
  return {
    ...{ kind: "lookup", argument, rows: new Map(inputs) },
    table: new Map(cells.map(([key, value]) => [comparable(key), spokenText(value)])),
    otherwise: textAt(node, "otherwise") ?? NOTHING_FOUND,
  };
}

function sqliteRule(node: JsonObject, argument: string | undefined, refuse: Refusal): SandboxRule {
  const schema = textAt(node, "schema");
  if (schema === undefined) throw refuse('needs a "schema" of CREATE TABLE statements');
  const tables = node.entries.get("rows");
  const entries = tables?.kind === "object" ? [...tables.entries] : [];
  const rows = entries.map(([table, items]) => {
    if (items.kind !== "array") throw refuse('needs "rows" as {"table": [[value, …], …]}');
    return [table, items.items.map((row) => valuesOf(row, refuse))] as const;
  });
  return { kind: "sqlite", argument, schema, rows: new Map(rows) };
}

function valuesOf(row: JsonNode, refuse: Refusal): (string | number | null)[] {
  const items = row.kind === "array" ? row.items : [];
  if (items.length === 0) throw refuse('needs "rows" as {"table": [[value, …], …]}');
  return items.map((item) => {
    if (item.kind === "string" || item.kind === "number" || item.kind === "null") return item.value;
    throw refuse("may hold texts, numbers and null in its rows");
  });
}

function textAt({ entries }: JsonObject, key: string): string | undefined {
  const node = entries.get(key);
  return node?.kind === "string" && node.value.trim() !== "" ? node.value : undefined;
}

/** A text as it is, other values as JSON. */
export function spokenText(node: JsonNode): string {
  return node.kind === "string" ? node.value : jsonText(node);
}

const DESCRIBED = /^>?\s*Tool (Name|Description|Args):\s*(.*)$/;

/** The tools that LlamaIndex's system message of an agent describes: lines "> Tool Name: …", "Tool Description: …", "Tool Args: …". */
export function toolsInText(text: string): ReactTool[] {
  const found: Record<"name" | "description" | "parameters", string>[] = [];
  for (const line of text.split("\n")) {
    const [, kind, value = ""] = DESCRIBED.exec(line) ?? [];
    const tool = found.at(-1);
    if (kind === "Name") found.push({ name: value.trim(), description: "", parameters: "" });
    else if (kind === "Description" && tool) tool.description = value;
    else if (kind === "Args" && tool) tool.parameters = value;
    else if (tool?.parameters === "") tool.description += `\n${line}`;
  }
  return found.map((tool) => {
    const description = tool.description.trim();
    return {
      name: tool.name,
      definition: JSON.stringify({ ...tool, description }),
      rule: { kind: "recorded" },
    };
  });
}
