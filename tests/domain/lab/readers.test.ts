import { expect, test } from "vitest";
import { CounterRandom } from "../../../src/domain/random.ts";
import { readJudgeRows } from "../../../src/domain/lab/judge/judge-rows.ts";
import { readReactRows } from "../../../src/domain/lab/react/react-rows.ts";
import { readSelectRows } from "../../../src/domain/lab/select/select-rows.ts";
import { readStyleRows } from "../../../src/domain/lab/style/style-rows.ts";
import { RetuneError } from "../../../src/engine/errors.ts";
import { jsonLines } from "./reference.ts";

const TRACE = 'Thought: a\nAction: t\nAction Input: {"k": 1}\nObservation: b\nAnswer: c';
const SEEDS = [
  jsonLines(
    { question: "q", answer_a: "a", answer_b: "b", verdict: "A" },
    { question: "q", answer: "a", score: 3, reference: "r" },
  ),
  jsonLines(
    { tools: [{ name: "t", sandbox: { kind: "lookup", table: { k: "v" } } }] },
    { question: "q", trace: TRACE, answers: ["c"] },
    {
      messages: [
        { role: "user", content: "q" },
        { role: "assistant", content: TRACE },
      ],
    },
  ),
  new TextEncoder().encode(`Tools: [{"name": "t"}]\nQuestion: q\n${TRACE}\n`),
  jsonLines({ neutral: "a", styled: "b" }, { styled: "c" }),
  jsonLines({ id: "a", description: "d" }, { id: "b", description: "e" }, { text: "t", choices: ["a"] }),
  jsonLines({ question: "q", choices: ["a", { name: "b" }], answer: 1 }),
];
const READERS = [readJudgeRows, readReactRows, readSelectRows, readStyleRows];

test("no file makes a reader throw anything but an error that says what is wrong", () => {
  const random = new CounterRandom(3);
  let refused = 0;
  for (let round = 0; round < 1500; round++) {
    const bytes = mutated(SEEDS[random.below(SEEDS.length)]!, random);
    const read = READERS[random.below(READERS.length)]!;
    try {
      const { examples, notes } = read("file.jsonl", bytes, { skipBadRows: random.below(2) === 1 });
      expect(examples.length).toBeGreaterThan(0);
      for (const { line, reason } of notes) expect(line > 0 && reason !== "").toBe(true);
    } catch (error) {
      if (!(error instanceof RetuneError)) throw error;
      expect(error.message).not.toBe("");
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(200);
});

/** Bytes taken out, doubled or replaced by signs that mean something. */
function mutated(bytes: Uint8Array, random: CounterRandom): Uint8Array {
  const own = [...bytes];
  for (let count = random.below(4); count > 0; count--) {
    const at = random.below(own.length);
    const kind = random.below(3);
    const signs = '{}[]":,\\\n0ntf';
    if (kind === 0) own.splice(at, 1 + random.below(8));
    else if (kind === 1) own.splice(at, 0, ...own.slice(at, at + random.below(20)));
    else own[at] = signs.charCodeAt(random.below(signs.length));
    if (own.length === 0) break;
  }
  return Uint8Array.from(own);
}
