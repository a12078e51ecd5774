import { expect, test } from "vitest";
import type { Recipe } from "../../src/app/studio-training.ts";
import { GENERAL_QUESTIONS } from "../../src/domain/data/general-questions.ts";
import { anchorChoice, anchorLines, anchorsIn, MOST_ANCHORS, withAnchors } from "../../src/ui/anchors.ts";

const recipe: Recipe = { task: "lora", settings: { recipe: "lora", mode: "recommended", seed: 0 } };

test("a text gives one question a line, without blank and repeated ones and not without end", () => {
  expect(anchorLines("how do tides work\r\n\n  why is the sky blue \nhow do tides work\n")).toEqual([
    "how do tides work",
    "why is the sky blue",
  ]);
  const many = Array.from({ length: 2 * MOST_ANCHORS }, (_, index) => `question ${index}`).join("\n");
  expect(anchorLines(many)).toHaveLength(MOST_ANCHORS);
});

test("a recipe tells the general list from a person's own and from none", () => {
  expect(anchorChoice(recipe)).toBe("none");
  expect(anchorChoice(withAnchors(recipe, GENERAL_QUESTIONS))).toBe("general");
  expect(anchorChoice(withAnchors(recipe, ["why is the sky blue"]))).toBe("own");
  expect(withAnchors(withAnchors(recipe, GENERAL_QUESTIONS), [])).toEqual(recipe);
});

test("only encoders hold questions in place", () => {
  const router: Recipe = { task: "router", settings: { trainer: "softmax", seed: 0 } };
  expect(anchorsIn(withAnchors(router, GENERAL_QUESTIONS))).toEqual([]);
});

test("the general list holds each question once", () => {
  expect(new Set(GENERAL_QUESTIONS).size).toBe(GENERAL_QUESTIONS.length);
});
