// A JSON schema as xgrammar's EBNF, laid out as json.dumps does it, to be put into the form in which a model writes its calls:
//   root  ::= words | call (space call)*        call ::= before name between arguments after
// Types, properties in their order, required ones, enumerations, lists, alternatives and references are kept; what a grammar
// cannot count (patterns, ranges, lengths) is left to the validator.
import type { CallForm } from "./call-form.ts";
import { isObject, spacedJson, type PlainJson, type PlainObject } from "./json-schema.ts";

const COMMON = [
  `any ::= string | number | "true" | "false" | "null" | anylist | anyobject`,
  `anylist ::= "[]" | "[" any (", " any)* "]"`,
  `anyobject ::= "{}" | "{" string ": " any (", " string ": " any)* "}"`,
  String.raw`string ::= "\"" ([^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" [0-9A-Fa-f]{4}))* "\""`,
  `integer ::= "-"? ("0" | [1-9] [0-9]*)`,
  `number ::= integer ("." [0-9]+)? ([eE] [-+]? [0-9]+)?`,
  `boolean ::= "true" | "false"`,
];

/** A function as far as its calls are held to it; a `CallFunction` is one. */
export interface GrammarFunction {
  readonly name: string;
  readonly schema: { readonly schema: PlainObject };
}

/** Calls of the functions in the model's form; with `words` an answer may be in words instead, as the model sees fit. */
export function callGrammar(functions: readonly GrammarFunction[], form: CallForm, words: boolean): string {
  const rules = new SchemaRules();
  const calls = functions.map(({ name, schema }) => {
    const given = rules.of(schema.schema, schema.schema);
    return [
      quoted(form.before + name + form.between),
      given,
      ...(form.after === "" ? [] : [quoted(form.after)]),
    ].join(" ");
  });
  return [
    `root ::= ${words ? "words | " : ""}call ([ \\n]* call)*`,
    `call ::= ${calls.join(" | ")}`,
    ...(words ? [`words ::= ${firstOfWords(form)} ([^\\n] | "\\n")*`] : []),
    ...COMMON,
    ...rules.lines,
  ].join("\n");
}

/** Words must not begin as a call does. */
function firstOfWords({ before }: CallForm): string {
  const sign = before.trim()[0] ?? "{";
  return /[\p{L}\p{N}]/u.test(sign) ? `[A-Z"]` : `[^${/[\]\\^-]/.test(sign) ? "\\" : ""}${sign} \\n]`;
}

class SchemaRules {
  readonly lines: string[] = [];
  readonly #known = new Map<PlainJson, string>();

  /** The name of the rule for a schema; `root` is what its references point into. */
  of(schema: PlainJson | undefined, root: PlainObject): string {
    if (!isObject(schema)) return "any";
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    const name = `r${this.#known.size}`;
    this.#known.set(schema, name);
    const place = this.lines.push("") - 1;
    this.lines[place] = `${name} ::= ${this.#body(schema, root, name)}`;
    return name;
  }

  #body(schema: PlainObject, root: PlainObject, name: string): string {
    const { $ref, enum: values, type } = schema;
    if (typeof $ref === "string") return this.of(pointed(root, $ref), root);
    if (schema["const"] !== undefined) return quoted(spacedJson(schema["const"]));
    if (Array.isArray(values)) return values.map((value: PlainJson) => quoted(spacedJson(value))).join(" | ");
    const several = schema["anyOf"] ?? schema["oneOf"];
    if (Array.isArray(several)) return several.map((own: PlainJson) => this.of(own, root)).join(" | ");
    const all: PlainJson | undefined = schema["allOf"];
    if (Array.isArray(all) && all.length === 1) return this.of(all[0] as PlainJson, root);
    const types = Array.isArray(type) ? type : [type];
    return types.map((own: PlainJson | undefined) => this.#ofType(own, schema, root, name)).join(" | ");
  }

  #ofType(type: PlainJson | undefined, schema: PlainObject, root: PlainObject, name: string): string {
    if (type === "string" || type === "integer" || type === "number" || type === "boolean") return type;
    if (type === "null") return '"null"';
    if (type === "array") {
      const item = this.of(schema["items"], root);
      const empty = typeof schema["minItems"] === "number" && schema["minItems"] > 0 ? "" : `"[]" | `;
      return `${empty}"[" ${item} (", " ${item})* "]"`;
    }
    const properties = isObject(schema["properties"]) ? schema["properties"] : undefined;
    if (type !== undefined && type !== "object") return "any";
    if (properties) return this.#object(properties, schema, root, name);
    return type === "object" ? "anyobject" : "any";
  }

  /** first/more: the properties from one on, without and with a comma before them. */
  #object(properties: PlainObject, schema: PlainObject, root: PlainObject, name: string): string {
    const required = Array.isArray(schema["required"]) ? schema["required"] : [];
    const keys = Object.keys(properties);
    for (const [at, key] of keys.entries()) {
      const member = `${quoted(`${JSON.stringify(key)}: `)} ${this.of(properties[key], root)} ${name}m${at + 1}`;
      const isFree = !required.includes(key);
      this.lines.push(`${name}f${at} ::= ${member}${isFree ? ` | ${name}f${at + 1}` : ""}`);
      this.lines.push(`${name}m${at} ::= ", " ${member}${isFree ? ` | ${name}m${at + 1}` : ""}`);
    }
    this.lines.push(`${name}f${keys.length} ::= ""`, `${name}m${keys.length} ::= ""`);
    return `"{" ${name}f0 "}"`;
  }
}

/** What a local reference ("#/$defs/x") points to. */
function pointed(root: PlainObject, reference: string): PlainJson | undefined {
  if (!reference.startsWith("#")) return undefined;
  const steps = reference.slice(1).split("/").filter(Boolean);
  return steps.reduce<PlainJson | undefined>((at, step) => {
    const key = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
    return isObject(at) ? at[key] : undefined;
  }, root);
}

function quoted(text: string): string {
  const signs: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  return `"${text.replace(/[\\"\n\r\t]/g, (sign) => signs[sign] ?? `\\${sign}`)}"`;
}
