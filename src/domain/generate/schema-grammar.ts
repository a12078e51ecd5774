// A JSON schema as EBNF. xgrammar's own conversion makes the frame: objects, arrays, references, patterns, in the layout of Python's
// json.dumps. Some of its rules let through what the schema forbids, so these parts are ours, put in where a constant stood for them:
//   bounds of whole numbers (minimum 3 allowed 1 and 2)      bounds of numbers (the point of 2.5 was any letter)
//   names of properties with a quote or a backslash (the grammar was broken by them)
//   strings with a length (raw control characters); of patterns, the letters that a class leaves open (quotes)
// Not looked at, by either: multipleOf, uniqueItems, not, if. Some byte sequences that are no UTF-8 count as one character.
import { RetuneError } from "../../engine/errors.ts";
import { withClasses } from "./ebnf.ts";
import { integerGrammar, numberGrammar, type NumberBounds } from "./number-grammar.ts";
import { lastRefusal, type XGrammar } from "./xgrammar.ts";

const ONE_LINE = -1; // "undefined" would mean an indent of 2
const SEPARATORS: [string, string] = [", ", ": "];
const ANY_LETTER = "[\\u0000-\\U0010FFFF]"; // the point of a pattern
const NO_QUOTE = '[^"\\\\\\x00-\\x1f'; // nor what else a string of JSON cannot hold as it is
const CHARACTER = 'retune_character ::= [^"\\\\\\0-\\x1f] | "\\\\" basic_escape';

type Schema = Readonly<Record<string, unknown>>;

/** EBNF whose start rule is "root". Throws "usage" where the text is no JSON schema that can be followed. */
export async function schemaGrammar({ Testings }: XGrammar, schema: string): Promise<string> {
  const frame = new SchemaFrame();
  const written = JSON.stringify(frame.of(parsed(schema)));
  let grammar: string;
  try {
    grammar = await Testings._jsonSchemaToEBNF(written, false, ONE_LINE, SEPARATORS, true);
  } catch (error) {
    throw refused(lastRefusal(), error);
  }
  grammar = withClasses(grammar, openClass);
  const own = frame.rules.map((rule, index) => `${ruleName(index)} ::= ${rule}`);
  frame.rules.forEach((_, index) => {
    grammar = grammar.replaceAll(JSON.stringify(JSON.stringify(standIn(index))), ruleName(index));
  });
  return [grammar, ...own, ...(own.length > 0 ? [CHARACTER] : []), ""].join("\n");
}

/** A class of a pattern without what JSON writes in another way. */
function openClass(source: string): string {
  if (source === ANY_LETTER) return `${NO_QUOTE}]`;
  return source.startsWith("[^") ? NO_QUOTE + source.slice(2) : source;
}

function parsed(schema: string): unknown {
  try {
    return JSON.parse(schema);
  } catch (error) {
    throw refused(String(error), error);
  }
}

function refused(why: string, cause?: unknown): RetuneError {
  const text = `constrained answers: the JSON schema is refused: ${why}`;
  return new RetuneError("usage", text, {}, cause === undefined ? {} : { cause });
}

function standIn(index: number): string {
  return `retune rule ${index} of its own`;
}

function ruleName(index: number): string {
  return `retune_rule_${index}`;
}

const NAMED_SCHEMAS = new Set(["properties", "patternProperties", "$defs", "definitions"]);
const DATA = new Set(["default", "examples"]);
const UNSAFE_KEY = /["\\\p{Cc}]/u; // which xgrammar sets into its grammar as they are

/** A schema in which constants, and names of properties, stand for rules of ours. */
class SchemaFrame {
  readonly rules: string[] = []; // right sides
  readonly #keys = new Map<string, string>();

  of(schema: unknown): unknown {
    if (!isSchema(schema)) return schema;
    if ("const" in schema || "enum" in schema) return schema;
    const types = schema["type"];
    if (Array.isArray(types) && types.length > 1 && types.some((type) => isOurs({ ...schema, type }))) {
      const { description: _, title: __, ...rest } = schema;
      return { anyOf: types.map((type: unknown) => this.of({ ...rest, type })) };
    }
    if (isOurs(schema)) return { const: this.#placeFor(ruleOf(schema)) };
    return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, this.#member(key, value)]));
  }

  #member(key: string, value: unknown): unknown {
    if (DATA.has(key)) return value;
    if (key === "required" && Array.isArray(value)) return value.map((name) => this.#keyOf(String(name)));
    if (Array.isArray(value)) return value.map((own) => this.of(own));
    if (!NAMED_SCHEMAS.has(key) || !isSchema(value)) return this.of(value);
    const named = (name: string): string => (key === "properties" ? this.#keyOf(name) : name);
    return Object.fromEntries(Object.entries(value).map(([name, own]) => [named(name), this.of(own)]));
  }

  #keyOf(name: string): string {
    if (!UNSAFE_KEY.test(name)) return name;
    const known = this.#keys.get(name) ?? this.#placeFor(JSON.stringify(JSON.stringify(name)));
    this.#keys.set(name, known);
    return known;
  }

  #placeFor(rule: string): string {
    return standIn(this.rules.push(rule) - 1);
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const BOUNDS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] as const;

function isOurs(schema: Schema): boolean {
  const given = (keys: readonly string[]): boolean => keys.some((key) => typeof schema[key] === "number");
  if (schema["type"] === "integer" || schema["type"] === "number") return given(BOUNDS);
  const free = schema["pattern"] === undefined && schema["format"] === undefined;
  return schema["type"] === "string" && free && given(["minLength", "maxLength"]);
}

function ruleOf(schema: Schema): string {
  if (schema["type"] === "string") return stringRule(schema);
  const bounds = boundsOf(schema);
  const rule = schema["type"] === "integer" ? integerGrammar(bounds) : numberGrammar(bounds);
  if (rule !== undefined) return rule;
  throw refused(`no ${schema["type"] as string} lies within ${JSON.stringify(bounds)}`);
}

/** Draft 4 wrote exclusiveMinimum: true beside minimum. */
function boundsOf(schema: Schema): NumberBounds {
  const number = (key: string): number | undefined =>
    typeof schema[key] === "number" ? schema[key] : undefined;
  const bounds: Record<string, number> = {};
  for (const [plain, exclusive] of [
    ["minimum", "exclusiveMinimum"],
    ["maximum", "exclusiveMaximum"],
  ] as const) {
    const [value, beyond] = [number(plain), number(exclusive)];
    if (value !== undefined) bounds[schema[exclusive] === true ? exclusive : plain] = value;
    if (beyond !== undefined) bounds[exclusive] = beyond;
  }
  return bounds;
}

function stringRule(schema: Schema): string {
  const least = typeof schema["minLength"] === "number" ? schema["minLength"] : 0;
  const most = typeof schema["maxLength"] === "number" ? schema["maxLength"] : "";
  if (most !== "" && most < least) throw refused(`no string has ${least} to ${most} characters`);
  return `"\\"" retune_character{${least},${most}} "\\""`;
}
