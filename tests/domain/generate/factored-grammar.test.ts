import { describe, expect, test } from "vitest";
import { parsedGrammar, printedGrammar } from "../../../src/domain/generate/ebnf.ts";
import { factoredGrammar } from "../../../src/domain/generate/factored-grammar.ts";
import { GrammarCheck } from "../../../src/domain/generate/grammar-check.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

/** Every text of the letters 0, 1 and 2 up to five. */
const TEXTS = [1, 2, 3, 4, 5].flatMap((length) =>
  Array.from({ length: 3 ** length }, (_, place) => place.toString(3).padStart(length, "0")),
);

async function wronglyJudged(grammar: string, belongs: (text: string) => boolean): Promise<string[]> {
  const check = await GrammarCheck.open(grammar);
  const wrong: string[] = [];
  for (const text of TEXTS) if ((await check.accepts(text)) !== belongs(text)) wrong.push(text);
  check.dispose();
  return wrong;
}

describe.each([5, 20, 60])("of %i alternatives", (count) => {
  test.each([1, 2, 3])("texts are taken where they belong, and no others (seed %i)", async (seed) => {
    const random = new CounterRandom(seed);
    const texts = new Set(Array.from({ length: count }, () => TEXTS[random.below(TEXTS.length)]!));
    const quoted = [...texts].map((text) => `"${text}"`);
    const half = Math.ceil(quoted.length / 2);
    expect(await wronglyJudged(`root ::= ${quoted.join(" | ")}`, (text) => texts.has(text))).toEqual([]);
    const parts = `root ::= some | others\nsome ::= ${quoted.slice(0, half).join(" | ")}\nothers ::= ${quoted.slice(half).join(" | ")}`;
    expect(await wronglyJudged(parts, (text) => texts.has(text))).toEqual([]);
  });

  test.each([1, 2, 3])("classes and groups, too (seed %i)", async (seed) => {
    const random = new CounterRandom(100 + seed);
    const part = (): [string, string] => {
      const letter = String(random.below(3));
      const kinds: [string, string][] = [
        [`"${letter}"`, letter],
        [`[0-${letter}]`, `[0-${letter}]`],
        [`("0" | "${letter}1")`, `(?:0|${letter}1)`],
        [`"${letter}"?`, `${letter}?`],
      ];
      return kinds[random.below(kinds.length)]!;
    };
    const choices = Array.from({ length: Math.min(count, 25) }, () =>
      Array.from({ length: 1 + random.below(4) }, part),
    );
    const grammar = `root ::= "0" | ${choices.map((own) => own.map(([ebnf]) => ebnf).join(" ")).join(" | ")}`;
    const pattern = new RegExp(
      `^(?:0|${choices.map((own) => own.map(([, regex]) => regex).join("")).join("|")})$`,
    );
    expect(await wronglyJudged(grammar, (text) => pattern.test(text))).toEqual([]);
  });
});

test("what alternatives have in common is written once", () => {
  const lines = (grammar: string): string[] => factoredGrammar(grammar).trim().split("\n");
  expect(lines('root ::= "ab" x | "ac" | "a" | "ab" x # the same again\nx ::= [0-9]+')).toEqual([
    'root ::= "a" ("b" x | "c")?',
    "x ::= [0-9]+",
  ]);
  expect(lines('root ::= name " is" | "not " name\nname ::= "no" | "nobody"')).toEqual([
    'root ::= "no" (" is" | "body is" | "t " name)',
    'name ::= "no" ("body")?',
  ]);
});

test("classes of letters beyond ASCII are taken as they are written", async () => {
  const check = await GrammarCheck.open('root ::= ([a-cà-ÿ€] | "\\"" [^"\\x00-\\x1f]* "\\"")+');
  for (const text of ["a", "é€c", '"東 🦊"à']) expect(await check.accepts(text), text).toBe(true);
  for (const text of ["", "d", "東", "aĀ", '"\n"']) expect(await check.accepts(text), text).toBe(false);
  check.dispose();
  const wide = await GrammarCheck.open("root ::= [\\x00-@\\u005b-\\ud7ff\\ue000-\\U0010ffff]");
  for (const text of ["@", "[", "\n", "é", "東", "🦊"]) expect(await wide.accepts(text), text).toBe(true);
  for (const text of ["A", "Z"]) expect(await wide.accepts(text), text).toBe(false);
  wide.dispose();
  for (const grammar of ["root ::= [^é]", "root ::= [\\u0000-\\uffff]"])
    await expect(GrammarCheck.open(grammar)).rejects.toMatchObject({ code: "usage" });
});

test("every part of the language is read and written again", () => {
  const grammar = [
    'root ::= (("\\"" [^"\\\\\\x00-\\x1f] | "\\u00e9\\n"?){2,3} | rest* | "")',
    'rest ::= ("a" [\\]b-] root+) (= [ \\n]* ("," | [}]) )',
    "",
  ].join("\n");
  const rules = parsedGrammar(grammar)!;
  expect([...rules.keys()]).toEqual(["root", "rest"]);
  expect(printedGrammar(parsedGrammar(printedGrammar(rules))!)).toBe(printedGrammar(rules));
});

test.each(["root ::= (", "root = a", 'root ::= "a', "root ::= a )", "root ::= a\nroot ::= b"])(
  "%s is left to be refused",
  (text) => {
    expect(factoredGrammar(text)).toBe(text);
  },
);
