import type { EncoderView } from "../../src/app/studio-models.ts";
import type { Recipe } from "../../src/app/studio-training.ts";
import { expect, test } from "vitest";
import {
  adapterOf,
  changesOf,
  defaultSettings,
  describeAdapter,
  stackProblem,
  instructionFor,
  instructionIn,
  withInstruction,
  withNumber,
} from "../../src/ui/recipe.ts";
import { OFFERS } from "./fake-tuning.ts";

const start = defaultSettings(384);

test("the newcomer's settings are the recommended linear adapter with every number open", () => {
  expect(start).toEqual({
    mode: "recommended",
    adapter: { kind: "linear", features: 384, bias: false },
    seed: 0,
  });
  expect(changesOf(start, start)).toEqual([]);
});

test("what was changed is listed with both values, and goes when it is taken back", () => {
  const changed = withNumber({ ...start, mode: "compatible" }, "epochs", 8);
  expect(changesOf(changed, start)).toEqual([
    { name: "mode", from: "recommended", to: "compatible" },
    { name: "epochs", from: "chosen", to: "8" },
  ]);
  expect(withNumber(changed, "epochs", null)).toEqual({ ...start, mode: "compatible" });
});

test("an empty instruction leaves no trace in the settings", () => {
  const recipe: Recipe = { task: "adapter", settings: start };
  expect(instructionIn(withInstruction(recipe, "ask: "))).toBe("ask: ");
  expect(instructionIn(withInstruction(withInstruction(recipe, "ask: "), ""))).toBeUndefined();
  const lora: Recipe = { task: "lora", settings: { recipe: "lora", mode: "recommended", seed: 0 } };
  expect(instructionIn(withInstruction(lora, "ask: "))).toBe("ask: ");
});

test("the instruction on offer is that of the model a recipe starts from, not the project's", () => {
  const model = (id: string, queryInstruction: string): EncoderView => ({
    ...{ id, name: id, origin: "site", available: true, dimension: 384, precision: "fp32", queryInstruction },
  });
  const encoders = [model("bge", "Represent: "), model("nano", ""), model("e5", "query: ")];
  const project = { encoder: encoders[0]!, encoders };
  const offer = OFFERS.find(({ task }) => task === "lora")!;
  const lora: Recipe = { task: "lora", settings: { recipe: "lora", mode: "recommended", seed: 0 } };
  const started = { ...offer, bases: ["bge", "nano", "e5"] };
  expect(instructionFor(lora, started, project)).toBe("Represent: ");
  expect(instructionFor({ ...lora, base: "e5" }, started, project)).toBe("query: ");
  expect(instructionFor({ ...lora, base: "nano" }, started, project)).toBe("");
  expect(instructionFor({ ...lora, base: "nano", queryInstruction: "ask: " }, started, project)).toBe(
    "ask: ",
  );
  expect(instructionFor({ task: "adapter", settings: start }, started, project)).toBe("Represent: ");
});

test("an adapter reads as one line", () => {
  expect(describeAdapter(adapterOf("two-layer", 384))).toBe("384 → 1024 relu → 384, residual");
  expect(describeAdapter(adapterOf("custom", 384))).toBe("384 → 512 relu → 384, residual");
});

test("a stack that cannot end in the vectors' dimension is refused before the run", () => {
  const stack = adapterOf("custom", 384);
  expect(stackProblem(stack)).toBeNull();
  if (stack.kind !== "custom") throw new Error("not a stack");
  expect(stackProblem({ ...stack, layers: stack.layers.slice(0, 1) })).toBe("ends-elsewhere");
  expect(stackProblem({ ...stack, layers: [] })).toBe("empty");
});
