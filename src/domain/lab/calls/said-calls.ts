// What a model says, taken apart: calls in its template's own form, in the plain one, or in one of those that are common, or
// words. Arguments may be an object or its text; text around calls is passed over.
import { RetuneError } from "../../../engine/errors.ts";
import { parseJson, plainJson } from "../../formats/json.ts";
import type { CallForm } from "./call-form.ts";
import { isObject, type PlainJson } from "./json-schema.ts";

export interface SaidCall {
  readonly name: string;
  readonly arguments: PlainJson;
}

export type Said =
  | { readonly kind: "calls"; readonly calls: readonly SaidCall[] }
  | { readonly kind: "words" }
  | { readonly kind: "broken"; readonly reason: string }; // it began a call and did not finish one

/** Marks that begin a call in the forms of common models. */
const MARKS = [
  "<tool_call>",
  "[TOOL_CALLS]",
  "<|python_tag|>",
  "<function=",
  '"tool_calls"',
  '"function_call"',
];

export function saidCalls(text: string, form: CallForm, names: readonly string[]): Said {
  const calls = inForm(text, form) ?? inJson(text) ?? named(text, names);
  if (calls.length > 0) return { kind: "calls", calls };
  const own = form.before.trim();
  const begins = [...MARKS, ...(own === "" ? [] : [own])].some((mark) => text.includes(mark));
  if (!begins && !/^\s*(?:```(?:json)?\s*)?[[{]/.test(text)) return { kind: "words" };
  return { kind: "broken", reason: brokenReason(text) };
}

/** JSON of an answer that is one value: what a fence holds, else the first value in braces or brackets, else all. */
export function saidJson(text: string): { readonly value: PlainJson } | { readonly reason: string } {
  const fenced = /```(?:json)?\s*\n?([\s\S]*?)```/i.exec(text)?.[1];
  const said = (fenced ?? text).trim();
  const opens = said.search(/[[{]/);
  const found = opens < 0 ? undefined : jsonAt(said, opens);
  if (found) return { value: found.value };
  try {
    return { value: plainJson(parseJson(said).root) as PlainJson };
  } catch (error) {
    if (error instanceof RetuneError) return { reason: error.message };
    throw error;
  }
}

/** The template's own form; undefined where it does not occur. */
function inForm(text: string, { before, between, byTemplate }: CallForm): SaidCall[] | undefined {
  if (!byTemplate || between.trim() === "" || before.trim() === "") return undefined;
  const calls: SaidCall[] = [];
  const opening = new RegExp(`${loose(before)}([^\\s"'{}()<>]+?)${loose(between)}(?=\\{)`, "g");
  for (const match of text.matchAll(opening)) {
    const found = jsonAt(text, match.index + match[0].length);
    if (found && isObject(found.value)) calls.push({ name: match[1]!, arguments: found.value });
  }
  return calls.length > 0 ? calls : undefined;
}

/** Literal text with any white space where it has some. */
function loose(text: string): string {
  return text
    .trim()
    .split(/\s+/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("\\s*")
    .replace(/^|$/g, "\\s*");
}

/** Every JSON value of a text that reads as calls. */
function inJson(text: string): SaidCall[] | undefined {
  const calls: SaidCall[] = [];
  for (let at = text.search(/[[{]/); at >= 0 && at < text.length;) {
    const found = jsonAt(text, at);
    if (found) calls.push(...callsOf(found.value));
    const from = found?.end ?? at + 1;
    const next = text.slice(from).search(/[[{]/);
    at = next < 0 ? text.length : from + next;
  }
  return calls.length > 0 ? calls : undefined;
}

function callsOf(value: PlainJson): SaidCall[] {
  if (Array.isArray(value)) return value.flatMap(callsOf);
  if (!isObject(value)) return [];
  const several = value["tool_calls"] ?? value["function_call"] ?? value["function"];
  if (several !== undefined && typeof several === "object") return callsOf(several);
  const name = value["name"] ?? (typeof several === "string" ? several : undefined);
  const given = value["arguments"] ?? value["parameters"];
  if (typeof name !== "string" || given === undefined) return [];
  return [{ name, arguments: typeof given === "string" ? parsedOr(given) : given }];
}

/** name{…}, name({…}), name {…} and <function=name>{…}, for names of functions that are offered. */
function named(text: string, names: readonly string[]): SaidCall[] {
  const calls: (SaidCall & { readonly at: number })[] = [];
  for (const name of names) {
    const opening = new RegExp(
      `(?<![\\w-])${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\w-])\\s*[>(]?\\s*(?=\\{)`,
      "g",
    );
    for (const match of text.matchAll(opening)) {
      const found = jsonAt(text, match.index + match[0].length);
      if (found && isObject(found.value)) calls.push({ name, arguments: found.value, at: match.index });
    }
  }
  return calls.sort((a, b) => a.at - b.at).map(({ name, arguments: given }) => ({ name, arguments: given }));
}

function parsedOr(text: string): PlainJson {
  try {
    return plainJson(parseJson(text).root) as PlainJson;
  } catch (error) {
    if (error instanceof RetuneError) return text;
    throw error;
  }
}

/** The JSON value that begins at a bracket, and where it ends. */
function jsonAt(text: string, from: number): { readonly value: PlainJson; readonly end: number } | undefined {
  const end = closing(text, from);
  if (end === undefined) return undefined;
  try {
    return { value: plainJson(parseJson(text.slice(from, end)).root) as PlainJson, end };
  } catch (error) {
    if (error instanceof RetuneError) return undefined;
    throw error;
  }
}

/** The place after the bracket that closes the one at `from`; brackets inside texts do not count. */
function closing(text: string, from: number): number | undefined {
  let [depth, inText] = [0, false];
  for (let at = from; at < text.length; at++) {
    const sign = text[at]!;
    if (inText && sign === "\\") at++;
    else if (sign === '"') inText = !inText;
    else if (!inText && (sign === "{" || sign === "[")) depth++;
    else if (!inText && (sign === "}" || sign === "]") && --depth === 0) return at + 1;
  }
  return undefined;
}

function brokenReason(text: string): string {
  const opens = text.search(/[[{]/);
  if (opens < 0) return "the call has no arguments in braces";
  if (closing(text, opens) === undefined) return "its JSON does not end; let answers be longer";
  const read = saidJson(text);
  return "reason" in read ? read.reason : 'its JSON is no call: {"name": …, "arguments": {…}} is wanted';
}
