// Tools that answer the same call in the same way each time, so that an agent can be judged without the world. What goes wrong is
// an observation that begins with "Error:", as an agent would meet it.
import { RetuneError } from "../../../engine/errors.ts";
import { comparable } from "../../data/leaks.ts";
import type { JsonNode, JsonObject } from "../../formats/json.ts";
import { MemoryDatabase, openSqlite, type QueryTable } from "../sql/sqlite.ts";
import { calculated, numberText } from "./arithmetic.ts";
import type { ReactExample } from "./react-example.ts";
import type { ActionStep } from "./steps.ts";
import { lookupKey, spokenText, type ReactTool, type SandboxRule } from "./tools.ts";

type Rule<Kind extends SandboxRule["kind"]> = Extract<SandboxRule, { readonly kind: Kind }>;

const SHOWN_ROWS = 20; // of a query's result

/** The observation of a call in the sandbox of an example. Rejects only where SQLite cannot be had ("unsupported"). */
export async function observed(example: ReactExample, step: ActionStep): Promise<string> {
  const tool = example.tools.find(({ name }) => name === step.action);
  if (tool?.rule.kind === "sqlite") return queried(tool.rule, step.input);
  return observedAtOnce(example, step)!;
}

/** The same without waiting; undefined where the tool is a database. */
export function observedAtOnce(example: ReactExample, { action, input }: ActionStep): string | undefined {
  const tool = example.tools.find(({ name }) => name === action);
  if (!tool) {
    const known = example.tools.map(({ name }) => name).join(", ");
    return `Error: no tool ${JSON.stringify(action)}; there are ${known}`;
  }
  return ruled(example, tool, input);
}

function ruled(example: ReactExample, { name, rule }: ReactTool, input: JsonObject): string | undefined {
  switch (rule.kind) {
    case "lookup":
      return lookedUp(rule, input);
    case "calculator":
      return arithmetic(() => calculated(argumentOf(input, rule.argument) ?? "", new Map()));
    case "formula":
      return arithmetic(() => calculated(rule.formula, numbersOf(input)));
    case "recorded":
      return recorded(example, name, input);
    case "sqlite":
      return undefined;
  }
}

function lookedUp({ argument, table, rows, otherwise }: Rule<"lookup">, input: JsonObject): string {
  const whole = rows.get(lookupKey(input));
  if (whole !== undefined) return whole;
  const key = argumentOf(input, argument);
  return (key === undefined ? undefined : table.get(comparable(key))) ?? otherwise;
}

function recorded({ steps, observations }: ReactExample, tool: string, input: JsonObject): string {
  const key = lookupKey(input);
  const place = steps.findIndex(
    (step) => step.kind === "action" && step.action === tool && lookupKey(step.input) === key,
  );
  return observations[place] ?? "Error: nothing is known about this input";
}

function arithmetic(calculate: () => number): string {
  return attempted(() => numberText(calculate()));
}

/** What a tool refuses is an observation; anything else is a defect. */
function attempted(call: () => string): string {
  try {
    return call();
  } catch (error) {
    if (error instanceof RetuneError && error.code === "usage") return `Error: ${error.message}`;
    throw error;
  }
}

async function queried({ argument, schema, rows }: Rule<"sqlite">, input: JsonObject): Promise<string> {
  const database = new MemoryDatabase(await openSqlite());
  try {
    database.define(schema);
    for (const [table, values] of rows) database.insert(table, values);
    return attempted(() => tableText(database.query(argumentOf(input, argument) ?? "")));
  } finally {
    database.close();
  }
}

function tableText({ columns, rows }: QueryTable): string {
  if (rows.length === 0) return "no rows";
  if (rows.length === 1 && columns.length === 1) return String(rows[0]![0]);
  const lines = rows.slice(0, SHOWN_ROWS).map((row) => row.map(String).join(" | "));
  const more = rows.length > SHOWN_ROWS ? [`… and ${rows.length - SHOWN_ROWS} more rows`] : [];
  return [columns.join(" | "), ...lines, ...more].join("\n");
}

/** The value of the argument that the rule names, or of the only one there is. */
function argumentOf({ entries }: JsonObject, name: string | undefined): string | undefined {
  const only = entries.size === 1 ? [...entries.values()][0] : undefined;
  const node: JsonNode | undefined = name === undefined ? only : (entries.get(name) ?? only);
  return node && spokenText(node);
}

function numbersOf({ entries }: JsonObject): Map<string, number> {
  const numbers = [...entries].flatMap(([name, node]): [string, number][] => {
    const value =
      node.kind === "number" ? node.value : node.kind === "string" ? Number(node.value || "NaN") : NaN;
    return Number.isFinite(value) ? [[name, value]] : [];
  });
  return new Map(numbers);
}
