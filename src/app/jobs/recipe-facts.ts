import { RetuneError } from "../../engine/errors.ts";
import type { Recipe } from "../studio-training.ts";

/** The instruction put before every question of a run; "" for none. */
export function queryInstructionOf(recipe: Recipe): string {
  switch (recipe.task) {
    case "adapter":
    case "router":
      return recipe.settings.queryInstruction ?? "";
    case "encoder":
    case "lora":
      return recipe.queryInstruction ?? "";
    case "cross-encoder":
      return "";
  }
}

/** The instruction whose vectors a run needs: its own, else the encoder's, so that base + instruction is shown. */
export function instructionOf(recipe: Recipe, encoder: { readonly queryInstruction: string }): string {
  return queryInstructionOf(recipe) || encoder.queryInstruction;
}

/** Throws "too-little-data" with what to add, before anything starts. */
export function checkEnoughData(train: number, test: number): void {
  const need = (what: string): RetuneError =>
    new RetuneError(
      "too-little-data",
      `${what} Import a labelled file or generate questions on the Data screen.`,
    );
  if (train < 2)
    throw need(`There are ${train} training questions; at least 2 are needed, 20 to learn anything.`);
  if (test < 1) throw need("There are no test questions, so nothing could be judged.");
}
