import { expect, test } from "vitest";
import { parseJson, plainJson } from "../../../src/domain/formats/json.ts";
import { refusal } from "./refusal.ts";

const plain = (text: string) => plainJson(parseJson(text).root);

test("agrees with JSON.parse on every kind of value", () => {
  const text =
    ' {"a": [1, -0.5e-3, true, false, null, "\\u00e9\\n\\/\\ud83d\\ude00"], "b": {}, "c": [], "": {"d": [[]]}} \n';
  expect(JSON.stringify(plain(text))).toBe(JSON.stringify(JSON.parse(text)));
});

test("keeps integer-like keys in the order of the file", () => {
  const { root } = parseJson('{"10": 1, "2": 2, "b": 3, "0": 4}');
  expect(root.kind === "object" && [...root.entries.keys()]).toEqual(["10", "2", "b", "0"]);
});

test("J1: a truncated file names line and column", () => {
  const error = refusal(
    () => parseJson('{"a": 1,\n  "b": [1, 2', "x.json"),
    "E_JSON",
    "x.json",
    "line 2, column 13",
    "cut off",
  );
  expect(error.place).toEqual({ file: "x.json", line: 2, column: 13 });
  refusal(() => parseJson('{"a": "never closed'), "E_JSON", "opened at column 7");
  refusal(() => parseJson('{\n"a": "never closed'), "E_JSON", "opened at line 2, column 6");
});

test("J2: trailing commas, NaN, Infinity and Python words are no JSON", () => {
  refusal(() => parseJson('{"a": 1,\n}'), "E_JSON", "line 2, column 1", "comma");
  refusal(() => parseJson("[1, 2, ]"), "E_JSON", "comma");
  for (const word of ["NaN", "Infinity", "-Infinity", "None", "True"]) {
    refusal(() => parseJson(`[1, ${word}]`), "E_JSON", `${word} is not JSON`, "column 5");
  }
  for (const text of [
    "01",
    "1.",
    ".5",
    "+1",
    "0x1",
    "1e",
    "'a'",
    "[1 2]",
    '{"a" 1}',
    "{a: 1}",
    '"\\x"',
    '"\t"',
    "[] []",
  ]) {
    refusal(() => parseJson(text), "E_JSON");
  }
});

test("J3: a number past the doubles is refused, not turned into Infinity", () => {
  refusal(() => parseJson('{"lr":\n 1e999}'), "E_NUMBER", "1e999", "line 2, column 2");
});

test("J5: of two equal keys the last value counts, at the first one's place, and both are reported", () => {
  const document = parseJson('{"a": 1, "b": 2, "a": 3}');
  expect(JSON.stringify(plainJson(document.root))).toBe('{"a":3,"b":2}');
  expect(document.duplicates).toEqual([{ key: "a", at: 17 }]);
});

test("J6: nesting a million deep is refused at the limit", () => {
  refusal(() => parseJson("[".repeat(1_000_000)), "E_DEPTH", "64", "column 65");
  refusal(() => parseJson('{"a":'.repeat(1_000_000)), "E_DEPTH");
  expect(() => parseJson("[".repeat(64) + "]".repeat(64))).not.toThrow();
});

test("J7: __proto__ and constructor are keys like any other", () => {
  const value = plain('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}');
  expect(Object.keys(value as object)).toEqual(["__proto__", "constructor"]);
  expect(Object.getPrototypeOf(value)).toBeNull();
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("J10: a key or a text past the limits is refused where it stands", () => {
  refusal(() => parseJson(`{"a": 1, "${"k".repeat(5000)}": 1}`), "E_TOO_LARGE", "a key", "column 10");
  refusal(() => parseJson(`["${"t".repeat(7_000_000)}`), "E_TOO_LARGE", "a text", "1000000");
  refusal(
    () => parseJson("[1, 2, 3, 4]", "x", { depth: 9, textCharacters: 9, keyCharacters: 9, records: 3 }),
    "E_TOO_LARGE",
  );
});

test("an empty file and a web page say what they are", () => {
  refusal(() => parseJson(" \n"), "E_EMPTY");
  refusal(() => parseJson("<!doctype html>"), "E_JSON", "web page");
});
