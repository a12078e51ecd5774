import type { Draw } from "./draw.ts";

export interface CallRow {
  readonly messages: readonly object[];
  readonly tools: readonly object[];
}

const VERBS = "set start book play send order open close find change share cancel".split(" ");
const NOUNS =
  "alarm timer taxi song letter pizza window door recipe light photo meeting ticket parcel heater movie".split(
    " ",
  );
const TEXTS = "label colour owner place kind note title style".split(" ");
const NUMBERS = "hour minutes size level price count speed weight".split(" ");
const VALUES =
  "wake up|long way|green tea|old town|warm light|blue room|first floor|main square|late lunch|small box".split(
    "|",
  );

interface Signature {
  readonly name: string;
  readonly parameters: readonly { readonly name: string; readonly type: "string" | "integer" }[];
}

/** A request that names a function and some of its arguments, two functions, and the call in OpenAI's form. */
export function callRow(draw: Draw): CallRow {
  const names = draw.some(NOUNS, 2).map((noun) => `${draw.one(VERBS)}_${noun}`);
  const signatures = names.map((name) => ({ name, parameters: parametersOf(draw) }));
  const asked = draw.one(signatures);
  const chosen = draw.some(asked.parameters, 1 + draw.below(asked.parameters.length));
  const given = new Map(
    chosen.map(({ name, type }) => [name, type === "string" ? draw.one(VALUES) : 1 + draw.below(90)]),
  );
  const told = [...given].map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const said = asked.name.replace("_", " ");
  const content = draw.one([
    `${said[0]!.toUpperCase()}${said.slice(1)} with ${listed(told)}.`,
    `Please ${said} with ${listed(told)}.`,
    `With ${listed(told)}, ${said}.`,
  ]);
  const ordered = asked.parameters.flatMap(({ name }): [string, string | number][] => {
    const value = given.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const call = { name: asked.name, arguments: pythonJson(Object.fromEntries(ordered)) };
  return {
    messages: [
      { role: "user", content },
      { role: "assistant", tool_calls: [{ id: "call00001", type: "function", function: call }] },
    ],
    tools: signatures.map(toolOf),
  };
}

function parametersOf(draw: Draw): Signature["parameters"] {
  const texts = draw.some(TEXTS, 1 + draw.below(2)).map((name) => ({ name, type: "string" as const }));
  const numbers = draw.some(NUMBERS, draw.below(2)).map((name) => ({ name, type: "integer" as const }));
  return draw.shuffled([...texts, ...numbers]);
}

function toolOf({ name, parameters }: Signature): object {
  const properties = Object.fromEntries(parameters.map((own) => [own.name, { type: own.type }]));
  const schema = { type: "object", properties, additionalProperties: false };
  return { type: "function", function: { name, parameters: schema } };
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)!}`;
}

function pythonJson(value: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(value).map(([key, own]) => `${JSON.stringify(key)}: ${JSON.stringify(own)}`);
  return `{${entries.join(", ")}}`;
}
