import { parseJson, plainJson } from "../formats/json.ts";
import { delexicaliseQuestion, PlaceholderNames, type MentionableName } from "./delexicalise-names.ts";

export interface SqlWords {
  readonly question: string;
  readonly context: string; // CREATE TABLE statements
}

/** A question about tables as a model of placeholders reads it, and the way there and back for queries. */
export interface DelexicalisedSql extends SqlWords {
  /** A query in placeholders, spaced, its keywords in capitals: "SELECT COUNT ( c3 ) FROM t1 WHERE c0 = v2". */
  readonly query: (sql: string) => string;
  /** A query in the schema's own words; placeholders that stand for nothing stay. */
  readonly original: (sql: string) => string;
}

const SQL_WORDS =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\d+(?:\.\d+)?|[\p{L}_][\p{L}\p{N}_]*|<=|>=|<>|!=|[^\s]/gu;
const NUMERIC = /^(?:INT|BIGINT|SMALLINT|TINYINT|REAL|NUM|DEC|FLOAT|DOUBLE)/i;
const CONSTRAINT = /^(?:PRIMARY|FOREIGN|UNIQUE|CONSTRAINT|CHECK|KEY|INDEX)\b/i;

/**
 * Replaces tables by t0, t1, …, columns by c0, …, texts of the question by v0, … and numbers by x0, …; in queries v2 stands for the
 * text with its quotes. Literals of a query that the question does not hold stay as they are.
 */
export function delexicaliseSql({ question, context }: SqlWords): DelexicalisedSql {
  const tables = tablesOf(context);
  const names = new PlaceholderNames(`${context}\n${question}`);
  const mentionable = tables.flatMap(({ name, columns }): MentionableName[] => [
    { kind: "t", name },
    ...columns.map((column) => ({ kind: "c" as const, name: column.name })),
  ]);
  for (const { kind, name } of mentionable) names.of(kind, name);
  return {
    question: delexicaliseQuestion(question, mentionable, names),
    context: tables.map((table) => tableText(table, names)).join(" "),
    query: (sql) =>
      sqlWords(sql)
        .map((word) => delexicalisedWord(word, names))
        .join(" "),
    original: (sql) =>
      sqlWords(sql)
        .map((word) => originalWord(word, names))
        .join(" "),
  };
}

interface Table {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly numeric: boolean }[];
}

function tableText({ name, columns }: Table, names: PlaceholderNames): string {
  const own = columns.map((column) => `${names.of("c", column.name)} ${column.numeric ? "INT" : "TEXT"}`);
  return `CREATE TABLE ${names.of("t", name)} ( ${own.join(" , ")} )`;
}

function tablesOf(context: string): Table[] {
  const opened = /CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?("[^"]+"|`[^`]+`|\[[^\]]+\]|[\w.]+)\s*\(/giu;
  return [...context.matchAll(opened)].map((match) => {
    const parts = topLevelParts(context.slice(match.index + match[0].length));
    const columns = parts.filter((part) => part !== "" && !CONSTRAINT.test(part));
    return { name: bare(match[1]!), columns: columns.map(columnOf) };
  });
}

function columnOf(text: string): { readonly name: string; readonly numeric: boolean } {
  const [, name = text, type = ""] = /^("[^"]+"|`[^`]+`|\[[^\]]+\]|\S+)\s*(.*)$/su.exec(text) ?? [];
  return { name: bare(name), numeric: NUMERIC.test(type) };
}

/** The parts between commas outside of brackets, up to the bracket that closes. */
function topLevelParts(text: string): string[] {
  const parts: string[] = [];
  let [depth, from] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth++;
    if (depth === 0 && (text[at] === "," || text[at] === ")")) {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
      if (text[at] === ")") break;
    } else if (text[at] === ")") depth--;
  }
  return parts;
}

function bare(name: string): string {
  return name.replace(/^["`[]|["`\]]$/gu, "");
}

function sqlWords(sql: string): string[] {
  return (sql.replace(/;\s*$/u, "").match(SQL_WORDS) ?? []).filter((word) => word !== ";");
}

function delexicalisedWord(word: string, names: PlaceholderNames): string {
  const inner = bare(word);
  const text = word.startsWith("'") || word.startsWith('"') ? unquoted(word) : undefined;
  const named = word.startsWith("'") ? undefined : (names.known("c", inner) ?? names.known("t", inner));
  if (named !== undefined) return named;
  if (text !== undefined) return names.known("v", text) ?? names.known("x", text) ?? word;
  if (/^\d/u.test(word)) return names.known("x", word) ?? word;
  return word.toUpperCase();
}

function originalWord(word: string, names: PlaceholderNames): string {
  const original = names.original(word);
  if (original === undefined) return word;
  if (word.startsWith("v")) return `'${original.replaceAll("'", "''")}'`;
  return word.startsWith("x") || /^[\p{L}_][\p{L}\p{N}_]*$/u.test(original) ? original : `"${original}"`;
}

function unquoted(word: string): string {
  const quote = word[0]!;
  return word.slice(1, -1).replaceAll(quote + quote, quote);
}

/** A function that may be called: JSON schema of its arguments, as OpenAI's tools have it. */
export interface CallTool {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface CallWords {
  readonly utterance: string;
  readonly tools: readonly CallTool[];
}

/** A request with its functions as a model of placeholders reads them, and the way there and back for JSON. */
export interface DelexicalisedCall extends CallWords {
  /** JSON in placeholders, laid out as Python's json.dumps; every value that has one is a quoted placeholder, numbers too. */
  readonly call: (json: string) => string;
  /** The same in the functions' own words; text that is no JSON is changed as well and stays none. */
  readonly original: (json: string) => string;
}

/**
 * Functions become t0, …, their arguments c0, …, texts "v0", … and numbers "x0", …, the latter two quoted wherever they stand.
 * Schemas lose what only describes; numbers become strings in them, since that is what a placeholder is.
 */
export function delexicaliseCall({ utterance, tools }: CallWords): DelexicalisedCall {
  const names = new PlaceholderNames(`${tools.map(({ name }) => name).join(" ")}\n${utterance}`);
  const mentionable = tools.flatMap(({ name, parameters }): MentionableName[] => [
    { kind: "t", name },
    ...propertyNames(parameters).map((property) => ({ kind: "c" as const, name: property })),
  ]);
  for (const { kind, name } of mentionable) names.of(kind, name);
  const question = delexicaliseQuestion(utterance, mentionable, names, (placeholder) => `"${placeholder}"`);
  return {
    utterance: question,
    tools: tools.map(({ name, parameters }) => ({
      name: names.of("t", name),
      parameters: schemaInPlaceholders(parameters, names),
    })),
    call: (json) => jsonText(valueInPlaceholders(plainJson(parseJson(json).root), names)),
    original: (json) =>
      json.replace(/"([tcvx]\d+)"/gu, (whole, word: string) => jsonOriginal(whole, word, names)),
  };
}

type Plain = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function propertyNames(schema: Plain): string[] {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  return Object.entries(properties).flatMap(([name, inner]) => [
    name,
    ...(isObject(inner) ? propertyNames(inner) : []),
  ]);
}

const KEPT = ["type", "additionalProperties"] as const;

function schemaInPlaceholders(schema: Plain, names: PlaceholderNames): Plain {
  const inner = (value: unknown): unknown => (isObject(value) ? schemaInPlaceholders(value, names) : value);
  const out: Record<string, unknown> = {};
  for (const key of KEPT) if (schema[key] !== undefined) out[key] = schema[key];
  if (out["type"] === "number" || out["type"] === "integer") out["type"] = "string";
  if (isObject(schema["properties"])) {
    const entries = Object.entries(schema["properties"]);
    out["properties"] = Object.fromEntries(entries.map(([name, own]) => [names.of("c", name), inner(own)]));
  }
  if (isObject(schema["items"])) out["items"] = inner(schema["items"]);
  for (const key of ["required", "enum"] as const) {
    const list: unknown = schema[key];
    if (!Array.isArray(list)) continue;
    out[key] = list.map((own: unknown) =>
      key === "required" ? names.of("c", String(own)) : valueInPlaceholders(own, names),
    );
  }
  return out;
}

function valueInPlaceholders(value: unknown, names: PlaceholderNames): unknown {
  if (typeof value === "number") return names.known("x", String(value)) ?? value;
  if (typeof value === "string") return names.known("v", value) ?? names.known("t", value) ?? value;
  if (Array.isArray(value)) return value.map((own: unknown) => valueInPlaceholders(own, names));
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, own]) => [names.known("c", key) ?? key, valueInPlaceholders(own, names)]),
  );
}

/** As json.dumps lays it out: ", " and ": ". */
function jsonText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonText).join(", ")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, own]) => `${JSON.stringify(key)}: ${jsonText(own)}`);
  return `{${entries.join(", ")}}`;
}

function jsonOriginal(whole: string, word: string, names: PlaceholderNames): string {
  const original = names.original(word);
  if (original === undefined) return whole;
  return word.startsWith("x") ? original : JSON.stringify(original);
}
