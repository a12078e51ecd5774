import { expect, test } from "vitest";
import { chatGenerator, type Chat } from "../../../src/domain/synth/chat-generator.ts";

const passage = { id: "p1", text: "The lead signs {the} form." };

function chat(answer: string): Chat & { readonly asked: string[] } {
  const asked: string[] = [];
  const ask = (prompt: string): Promise<string> => {
    asked.push(prompt);
    return Promise.resolve(answer);
  };
  return { name: "tiny", identity: "tiny-1", asked, ask };
}

test("a chat is asked with the prompt of the person, and its questions are read", async () => {
  const teacher = chat("Sure!\n1. Who signs the form?\n2. What is signed?\n3. When?");
  const generator = chatGenerator(teacher, "Write {num_questions_per_chunk}: {context_str}");
  expect(await generator.generate(passage, 2)).toEqual([
    { text: "Who signs the form?" },
    { text: "What is signed?" },
  ]);
  expect(teacher.asked).toEqual(["Write 2: The lead signs {the} form."]);
});

test("an answer without a question fails its passage, with what was said", async () => {
  const generator = chatGenerator(chat("I would rather not."));
  await expect(generator.generate(passage, 2)).rejects.toMatchObject({
    code: "network",
    message: 'tiny wrote no question: "I would rather not."',
  });
});

test("another prompt is another teacher, so its rows are asked for again", () => {
  const teacher = chat("");
  expect(chatGenerator(teacher, "A {context_str}").identity).not.toBe(
    chatGenerator(teacher, "B {context_str}").identity,
  );
});

test("a prompt without the passage is refused before anything is asked", () => {
  expect(() => chatGenerator(chat(""), "Write a quiz.")).toThrow("{context_str}");
});
