import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { nanoLanguage } from "../../scripts/nano-decoder/language.ts";
import { sampleFiles } from "../../scripts/nano-decoder/samples.ts";
import { labTask, LAB_TASK_IDS } from "../../src/domain/lab/registry.ts";

const SAMPLES = new URL("../../public/samples/lab/", import.meta.url);
const MODEL = new URL("../../public/models/retune-nano-decoder/", import.meta.url);
const LARGEST = 200_000; // bytes: they are part of what a page keeps for offline use

const files = sampleFiles();

describe.each([...files])("%s", (path, content) => {
  it("is what the generator writes, and small", () => {
    const bytes = readFileSync(new URL(path, SAMPLES));
    expect(bytes.toString("utf8")).toBe(content);
    expect(bytes.length).toBeLessThan(LARGEST);
  });
});

test.each(LAB_TASK_IDS)("the rows of %s are read without a note", (id) => {
  const task = labTask(id);
  const own = [...files.keys()].filter((path) => path.startsWith(`${id}/`) && path.endsWith(".jsonl"));
  expect(own.length).toBeGreaterThan(0);
  for (const path of own) {
    const { examples, notes } = task.read(path, readFileSync(new URL(path, SAMPLES)));
    expect(examples.length).toBeGreaterThanOrEqual(50);
    expect(notes).toEqual([]);
  }
});

test("the bundled decoder reads the language that the generators write", () => {
  const { tokenizerJson, tokenizerConfigJson } = nanoLanguage();
  expect(readFileSync(new URL("tokenizer.json", MODEL), "utf8")).toBe(tokenizerJson);
  expect(readFileSync(new URL("tokenizer_config.json", MODEL), "utf8")).toBe(tokenizerConfigJson);
});
