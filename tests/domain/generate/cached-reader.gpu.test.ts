import { afterAll, beforeAll, expect, test } from "vitest";
import { openLanguageModel } from "../../../src/domain/generate/open-language-model.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { openDawn } from "../../engine/dawn.ts";
import { openTestCpu } from "../recipes/open-backend.ts";
import { expectCacheAgrees } from "./cached-reader-agreement.ts";
import { randomAdapter, randomDecoder, type Shape } from "./random-decoder.ts";

let gpu: Backend;
beforeAll(async () => {
  gpu = await openDawn();
});
afterAll(() => gpu.dispose());

test.each<Shape>(["llama", "qwen2", "qwen3"])(
  "cached keys and values give the logits of whole passes: %s",
  (shape) => expectCacheAgrees(gpu, shape, { steps: 5 }),
);

test("WebGPU and the CPU backend say the same", async () => {
  const cpu = await openTestCpu();
  const decoder = randomDecoder("llama");
  const lora = randomAdapter(decoder.config, 1);
  const prompts = ["x", "Which cities?"].map((content) =>
    decoder.format.promptIds({ messages: [{ role: "user", content }] }),
  );
  const said = [];
  for (const backend of [gpu, cpu]) {
    const model = await openLanguageModel(backend, { ...decoder, lora });
    said.push(await model.generate(prompts, { maxTokens: 10 }));
    model.dispose();
  }
  expect(said[0]).toEqual(said[1]);
  cpu.dispose();
});
