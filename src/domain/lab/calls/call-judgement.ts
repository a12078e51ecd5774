// How a call, or an object of a schema, compares with the right one. Arguments are compared leaf by leaf: with TP leaves of equal
// path and value, F1 = 2·TP / (said + right); both without any: 1.
import type { GoldCall } from "./call-form.ts";
import type { CallFunction } from "./call-rows.ts";
import { isObject, type JsonSchema, type PlainJson, type SchemaFault } from "./json-schema.ts";
import type { Said, SaidCall } from "./said-calls.ts";

export type FieldVerdict = "right" | "wrong" | "missing" | "extra";

export interface FieldComparison {
  readonly path: string; // JSON Pointer; of several calls behind the name of the function
  readonly verdict: FieldVerdict;
  readonly said?: PlainJson;
  readonly right?: PlainJson;
}

export interface Judgement {
  readonly measures: Readonly<Record<string, number>>;
  readonly faults: readonly SchemaFault[];
  readonly fields: readonly FieldComparison[];
}

/** A turn whose right answer is one or several calls. */
export function judgeCalls(
  said: Said,
  gold: readonly GoldCall[],
  functions: readonly CallFunction[],
): Judgement {
  if (said.kind !== "calls") {
    const reason = said.kind === "broken" ? said.reason : "it answers in words, where a call is right";
    return failed(["parseRate", "schemaValid", "functionName"], reason, comparedFields([], gold));
  }
  const faults = said.calls.flatMap((call) => callFaults(call, functions, said.calls.length > 1));
  const fields = comparedFields(said.calls, gold);
  const named = sameNames(said.calls, gold);
  const f1 = argumentF1(fields, named);
  const measures = {
    argumentExact: named && f1 === 1 ? 1 : 0,
    argumentF1: f1,
    functionName: named ? 1 : 0,
    parseRate: 1,
    schemaValid: faults.length === 0 ? 1 : 0,
  };
  return { measures, faults, fields };
}

/** A turn whose right answer is in words: to call nothing is right. */
export function judgeAbstention(said: Said): Judgement {
  const calls = said.kind === "calls" ? said.calls : [];
  const faults =
    said.kind === "words" ? [] : [{ path: "", reason: "it calls a function, where none is needed" }];
  return {
    measures: { abstention: said.kind === "words" ? 1 : 0 },
    faults,
    fields: comparedFields(calls, []),
  };
}

/** An answer that is an object of a schema. */
export function judgeObject(
  said: { readonly value: PlainJson } | { readonly reason: string },
  gold: PlainJson,
  schema: JsonSchema,
): Judgement {
  const right = leavesOf(gold, "");
  if ("reason" in said) return failed(["parseRate", "schemaValid"], said.reason, compared(new Map(), right));
  const faults = schema.faults(said.value);
  const fields = compared(leavesOf(said.value, ""), right);
  const f1 = argumentF1(fields, true);
  const measures = {
    argumentExact: f1 === 1 ? 1 : 0,
    argumentF1: f1,
    parseRate: 1,
    schemaValid: faults.length === 0 ? 1 : 0,
  };
  return { measures, faults, fields };
}

function failed(keys: readonly string[], reason: string, fields: readonly FieldComparison[]): Judgement {
  const measures = Object.fromEntries(["argumentExact", "argumentF1", ...keys].map((key) => [key, 0]));
  return { measures, faults: [{ path: "", reason }], fields };
}

function callFaults(call: SaidCall, functions: readonly CallFunction[], several: boolean): SchemaFault[] {
  const known = functions.find(({ name }) => name === call.name);
  if (!known)
    return [{ path: "", reason: `the function ${JSON.stringify(call.name.slice(0, 60))} is not offered` }];
  const faults = known.schema.faults(call.arguments);
  return several ? faults.map(({ path, reason }) => ({ path: `/${call.name}${path}`, reason })) : faults;
}

function sameNames(said: readonly SaidCall[], gold: readonly GoldCall[]): boolean {
  const names = (calls: readonly { readonly name: string }[]): string =>
    JSON.stringify(calls.map(({ name }) => name).sort());
  return names(said) === names(gold);
}

function comparedFields(said: readonly SaidCall[], gold: readonly GoldCall[]): FieldComparison[] {
  const isSingle =
    said.length <= 1 && gold.length <= 1 && (said[0]?.name ?? gold[0]?.name) === (gold[0]?.name ?? "");
  return compared(leavesOfCalls(said, isSingle), leavesOfCalls(gold, isSingle));
}

/** Calls of one function are told apart by their order. */
function leavesOfCalls(
  calls: readonly { readonly name: string; readonly arguments: PlainJson }[],
  isSingle: boolean,
): Map<string, PlainJson> {
  const seen = new Map<string, number>();
  const leaves = calls.flatMap(({ name, arguments: given }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    const opening = isSingle ? "" : `/${name}${count > 1 ? `#${count}` : ""}`;
    return [...leavesOf(given, opening)];
  });
  return new Map(leaves);
}

function leavesOf(value: PlainJson, path: string): Map<string, PlainJson> {
  const members = Object.entries<PlainJson>(typeof value === "object" && value !== null ? { ...value } : {});
  if (members.length === 0)
    return new Map<string, PlainJson>(path === "" && isObject(value) ? [] : [[path, value]]);
  const leaves = members.flatMap(([key, own]) => [
    ...leavesOf(own, `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`),
  ]);
  return new Map<string, PlainJson>(leaves);
}

function compared(
  said: ReadonlyMap<string, PlainJson>,
  right: ReadonlyMap<string, PlainJson>,
): FieldComparison[] {
  const fields = [...right].map(([path, wanted]): FieldComparison => {
    const own = said.get(path);
    if (own === undefined) return { path, verdict: "missing", right: wanted };
    const verdict = JSON.stringify(own) === JSON.stringify(wanted) ? "right" : "wrong";
    return { path, verdict, said: own, right: wanted };
  });
  const extra = [...said].filter(([path]) => !right.has(path));
  return [...fields, ...extra.map(([path, own]): FieldComparison => ({ path, verdict: "extra", said: own }))];
}

function argumentF1(fields: readonly FieldComparison[], named: boolean): number {
  const count = (...verdicts: FieldVerdict[]): number =>
    fields.filter(({ verdict }) => verdicts.includes(verdict)).length;
  const [said, right] = [count("right", "wrong", "extra"), count("right", "wrong", "missing")];
  if (said + right === 0) return named ? 1 : 0;
  return (2 * count("right")) / (said + right);
}
