import type { Recipe } from "../app/studio-training.ts";
import { GENERAL_QUESTIONS } from "../domain/data/general-questions.ts";

/** Which questions a fine-tune holds in place: none, Retune's general list, or a person's own. */
export type AnchorChoice = "none" | "general" | "own";

/** More than these are not kept: a step holds eight, in turn. */
export const MOST_ANCHORS = 1000;

/** One question a line; blank and repeated lines go. */
export function anchorLines(text: string): readonly string[] {
  const lines = text.split(/\r\n|[\n\r]/).map((line) => line.trim());
  return [...new Set(lines.filter((line) => line !== ""))].slice(0, MOST_ANCHORS);
}

export function anchorsIn(recipe: Recipe): readonly string[] {
  return recipe.task === "encoder" || recipe.task === "lora" ? (recipe.anchors ?? []) : [];
}

/** What a recipe from anywhere (another run's too) holds in place. */
export function anchorChoice(recipe: Recipe): AnchorChoice {
  const anchors = anchorsIn(recipe);
  if (anchors.length === 0) return "none";
  const general = anchors.length === GENERAL_QUESTIONS.length;
  return general && anchors.every((text, place) => text === GENERAL_QUESTIONS[place]) ? "general" : "own";
}

/** A recipe with these questions held in place; none of them takes the field away. */
export function withAnchors(recipe: Recipe, anchors: readonly string[]): Recipe {
  if (recipe.task !== "encoder" && recipe.task !== "lora") return recipe;
  const { anchors: _old, ...rest } = recipe;
  return anchors.length === 0 ? rest : { ...rest, anchors };
}
