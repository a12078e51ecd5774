import { expect, test } from "vitest";
import { asked } from "../../../src/domain/lab/asked.ts";
import { renderedRows } from "../../../src/domain/chat/rendered-row.ts";
import { ScriptedModel, lastMessage } from "./scripted-model.ts";

const hello = { messages: [{ role: "user", content: "say WHERE is “it”" }] } as const;

test("a scripted model answers as a function of the prompt's own text", async () => {
  const model = new ScriptedModel({ answer: (prompt) => `heard: ${lastMessage(prompt)}` });
  const [answer] = await asked(model, [{ prompt: hello }], { maxTokens: 64 });
  expect(answer).toMatchObject({ text: "heard: say WHERE is “it”", ended: "turn" });
  expect(model.asked[0]?.prompt).toContain("<|im_start|>user\n");
});

test("it keeps stops, lengths and positions as a model does", async () => {
  const model = new ScriptedModel({ answer: () => "one Observation: two", contextTokens: 80 });
  const [stopped] = await asked(model, [{ prompt: hello }], { maxTokens: 32, stop: ["Observation:"] });
  expect(stopped).toMatchObject({ text: "one ", ended: "stop" });
  const [cut] = await asked(model, [{ prompt: hello }], { maxTokens: 2 });
  expect(cut).toMatchObject({ tokens: 2, ended: "length" });
  await expect(asked(model, [{ prompt: hello }], { maxTokens: 79 })).rejects.toMatchObject({ code: "usage" });
  const control = { signal: AbortSignal.abort() };
  await expect(asked(model, [{ prompt: hello }], { maxTokens: 2 }, control)).rejects.toMatchObject({
    code: "cancelled",
  });
});

test("it scores the learnt tokens only, and ranks what may follow", async () => {
  const model = new ScriptedModel({
    lossPerToken: (_, learnt) => (learnt.startsWith("yes") ? 0.5 : 2),
    next: (_, candidate) => (candidate === "B" ? -0.1 : -3),
  });
  const rows = ["yes", "no"].flatMap((content) =>
    renderedRows(model.format, { messages: [...hello.messages, { role: "assistant", content }] }),
  );
  const [yes, no] = await model.score(rows);
  expect(yes!.loss / yes!.tokens).toBe(0.5);
  expect(no!.loss / no!.tokens).toBe(2);
  const ids = ["A", "B"].map((letter) => model.format.tokenizer.encode(letter)[0]!);
  const [next] = await model.nextTokens([model.format.promptIds(hello)], ids);
  expect([...next!]).toEqual([-3, -0.1]);
});
