import { beforeAll, describe, expect, test } from "vitest";
import { schemaGrammar } from "../../../src/domain/generate/schema-grammar.ts";
import { loadXGrammar, type XGrammar } from "../../../src/domain/generate/xgrammar.ts";

let library: XGrammar;
beforeAll(async () => {
  library = await loadXGrammar();
});

/** Whether texts are answers to a schema. */
async function takes(schema: object): Promise<(text: string) => Promise<boolean>> {
  const { TokenizerInfo, GrammarCompiler, GrammarMatcher } = library;
  const info = await TokenizerInfo.createTokenizerInfo(["a"], "raw", false, 1, [0]);
  const compiler = await GrammarCompiler.createGrammarCompiler(info, false);
  const grammar = await compiler.compileGrammar(await schemaGrammar(library, JSON.stringify(schema)));
  return async (text) => {
    const matcher = await GrammarMatcher.createGrammarMatcher(grammar, undefined, true);
    const taken = matcher._acceptString(text) && matcher.isTerminated();
    matcher.dispose();
    return taken;
  };
}

describe("whole numbers keep to their bounds", () => {
  const cases = [-120, -7, 0, 1, 3, 10, 17, 100].flatMap((bound) => [
    { minimum: bound },
    { maximum: bound },
    { exclusiveMinimum: bound, maximum: bound + 57 },
    { minimum: bound, exclusiveMinimum: true },
  ]);
  test.each(cases)("%j", async (bounds) => {
    const taken = await takes({ type: "integer", ...bounds });
    const {
      minimum = -Infinity,
      maximum = Infinity,
      exclusiveMinimum = -Infinity,
    } = bounds as never as {
      minimum?: number;
      maximum?: number;
      exclusiveMinimum?: number | boolean;
    };
    const wrong: number[] = [];
    for (let value = -230; value <= 230; value++) {
      const above = exclusiveMinimum === true ? value > minimum : value > Number(exclusiveMinimum);
      const inside = value >= minimum && value <= maximum && above;
      if ((await taken(String(value))) !== inside) wrong.push(value);
    }
    expect(wrong).toEqual([]);
  });
});

test("numbers keep to their bounds, and zeros, signs and points to JSON", async () => {
  const taken = await takes({ type: "number", minimum: -1.5, maximum: 2.5 });
  for (const text of ["0", "-1", "2", "0.25", "1.999999", "-0.5"]) expect(await taken(text), text).toBe(true);
  for (const text of ["3", "2.9", "2x5", "-2", "-1.75", "00", "01.5", ".5", "+1", "1."])
    expect(await taken(text), text).toBe(false);
  const narrow = await takes({ type: "number", minimum: 0.2, exclusiveMaximum: 0.8 });
  for (const text of ["0.20", "0.50", "0.79"]) expect(await narrow(text), text).toBe(true);
  for (const text of ["0.80", "0.1", "0", "1"]) expect(await narrow(text), text).toBe(false);
});

test("strings keep to their length, in characters, and hold no raw control character", async () => {
  const taken = await takes({ type: "string", minLength: 1, maxLength: 3 });
  for (const text of ['"a"', '"éü東"', '"🦊🦊🦊"', String.raw`"\n\u0001\""`])
    expect(await taken(text), text).toBe(true);
  for (const text of ['""', '"abcd"', '"\u0001"', '"\n"', '"a""', String.raw`"\x"`])
    expect(await taken(text), text).toBe(false);
});

test("patterns keep to JSON where they leave a letter open", async () => {
  const taken = await takes({ type: "string", pattern: "^a.[^@]@[0-9]+$" });
  for (const text of ['"abc@1"', '"aé東@12"']) expect(await taken(text), text).toBe(true);
  for (const text of ['"a"c@1"', '"ab"@1"', String.raw`"a\c@1"`, '"a\nc@1"', '"ab@@1"'])
    expect(await taken(text), text).toBe(false);
});

test("a constant that looks like a class is a constant", async () => {
  const taken = await takes({ const: "[^x] # (" });
  expect(await taken('"[^x] # ("')).toBe(true);
});

test("one of many is one of them", async () => {
  const names = Array.from({ length: 60 }, (_, place) => `get_${(place * 37).toString(3)}`);
  const taken = await takes({ enum: names });
  for (let place = 0; place < 600; place++) {
    const name = `get_${place.toString(3)}`;
    expect(await taken(JSON.stringify(name)), name).toBe(names.includes(name));
  }
});

test("parts of a schema keep their rules, properties of any name among them", async () => {
  const taken = await takes({
    type: "object",
    properties: {
      enum: { type: ["integer", "null"], minimum: 3 },
      list: { type: "array", items: { $ref: "#/$defs/short" }, minItems: 1 },
      const: { enum: ["x", 7] },
    },
    required: ["enum", "list", "const"],
    $defs: { short: { type: "string", maxLength: 2 } },
  });
  expect(await taken('{"enum": 12, "list": ["ab", "c"], "const": 7}')).toBe(true);
  expect(await taken('{"enum": null, "list": [""], "const": "x"}')).toBe(true);
  expect(await taken('{"enum": 2, "list": ["a"], "const": 7}')).toBe(false);
  expect(await taken('{"enum": 3, "list": ["abc"], "const": 7}')).toBe(false);
  expect(await taken('{"enum": 3,"list": ["abc"],"const": 7}')).toBe(false);
});

test("bounds that nothing fits are refused", async () => {
  for (const schema of [
    { type: "integer", minimum: 3, maximum: 2 },
    { type: "number", exclusiveMinimum: 1, exclusiveMaximum: 1 },
    { type: "string", minLength: 3, maxLength: 2 },
  ])
    await expect(takes(schema)).rejects.toMatchObject({ code: "usage" });
});
