import { Constraints } from "../../../src/domain/generate/constraints.ts";
import { allows } from "../../../src/domain/generate/sampling.ts";
import { wordFormat } from "../../domain/generate/word-format.ts";

const WORDS = ['{"a":', "12,", "7,", '"b":', "true}", "tru", "}", "13"];
const ANSWER = '{"a": 12, "b": true}';

const SCHEMA = {
  type: "object",
  properties: { a: { type: "integer", minimum: 8 }, b: { type: "boolean" } },
  required: ["a", "b"],
};

/** The words that may come at each place of the answer, then what is said of a broken schema. */
async function report(): Promise<string> {
  const format = wordFormat(WORDS);
  const constraints = new Constraints(format, WORDS.length + 2);
  const constraint = await constraints.open({ kind: "json-schema", schema: JSON.stringify(SCHEMA) });
  const said: string[] = [];
  for (const id of format.tokenizer.encode(ANSWER)) {
    const mask = await constraint.mask();
    said.push(WORDS.filter((word) => allows(mask, format.tokenizer.idOf(word)!)).join(" "));
    constraint.accept(id);
  }
  const ends = allows(await constraint.mask(), format.tokenizer.eos!);
  const broken = await constraints.open({ kind: "grammar", grammar: "root ::= (" }).then(
    () => "taken",
    (error: unknown) => (error instanceof Error ? error.message : "another error"),
  );
  return [...said, String(ends), broken].join("\n");
}

report().then(
  (text) => postMessage(text),
  (error: unknown) => postMessage(`failed: ${String(error)}`),
);
