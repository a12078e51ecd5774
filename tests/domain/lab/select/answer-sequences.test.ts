import { expect, test } from "vitest";
import { renderedRows } from "../../../../src/domain/chat/rendered-row.ts";
import { answerSequences } from "../../../../src/domain/lab/select/answer-sequences.ts";
import { formatOf, NAMES } from "../../chat/chat-fixtures.ts";

const prompt = {
  messages: [
    { role: "system", content: "Choose. [[A]] or 1?" },
    { role: "user", content: "1. harbour\n2. lighthouse\n\nQuestion: which one?" },
  ],
} as const;

test.each(NAMES)("answers have the ids that they are learnt by: %s", (name) => {
  const format = formatOf(name);
  for (const answers of [
    ["[[A]]", "[[B]]", "[[C]]"],
    ["1", "2", "10", "12", "99"],
    ["yes", "yes, of course"],
    ["one"],
  ]) {
    const wanted = answers.map((content) => {
      const messages = [...prompt.messages, { role: "assistant", content } as const];
      const { ids, supervised } = renderedRows(format, { messages }, { learn: "last-answer" })[0]!;
      return [...ids].slice(0, supervised.lastIndexOf(true) + 1);
    });
    expect(answerSequences(format, prompt, answers), answers.join()).toEqual(wanted);
  }
});
