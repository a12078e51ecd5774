import { expect, test } from "vitest";
import { GrammarCheck } from "../../../src/domain/generate/grammar-check.ts";

test("a text is of a grammar as a whole, or not at all", async () => {
  const check = await GrammarCheck.open(
    `root ::= command ("; " command)*\ncommand ::= "go " [a-z]+ | "öffne" | ""`,
  );
  const said = [
    "go north",
    "go north; go x",
    "",
    "öffne",
    "go ",
    "go north;",
    "go north; stop",
    "go north\n",
  ];
  const taken: boolean[] = [];
  for (const text of said) taken.push(await check.accepts(text));
  expect(taken).toEqual([true, true, true, true, false, false, false, false]);
  check.dispose();
});

test("a grammar that is none is refused with the reason", async () => {
  await expect(GrammarCheck.open(`root ::= "a" | missing`)).rejects.toMatchObject({
    code: "usage",
    message: expect.stringMatching(/refused: .*missing/) as string,
  });
});
