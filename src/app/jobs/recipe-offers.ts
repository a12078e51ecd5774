import type { LossNeeds, Recipe, RecipeOffer, Task } from "../studio-training.ts";
import { fieldsOf } from "./recipe-fields.ts";

/** What decides which recipes a project can start. */
export interface OfferGround {
  readonly dimension: number;
  readonly encoderId: string;
  readonly weights: string | null; // why the project's encoder cannot be trained; null: it can
  readonly encoders: readonly string[]; // models with weights
  readonly crossEncoders: readonly string[];
  readonly trainQuestions: number;
  readonly pairs: number;
  readonly choices: number;
  readonly routedQuestions: number;
  readonly losses: Readonly<Partial<Record<Task, LossNeeds>>>;
}

export const TASKS: readonly Task[] = ["adapter", "router", "cross-encoder", "lora", "encoder"]; // by cost

export function recipeOffers(ground: OfferGround): readonly RecipeOffer[] {
  return TASKS.map((task) => ({
    task,
    recommended: startingRecipe(task, "recommended", ground),
    compatible: startingRecipe(task, "compatible", ground),
    bases: basesOf(task, ground),
    obstacle: obstacleOf(task, ground),
    fields: fieldsOf(task),
    losses: ground.losses[task] ?? {},
  }));
}

function startingRecipe(task: Task, mode: "recommended" | "compatible", { dimension }: OfferGround): Recipe {
  const shared = { mode, seed: 0 } as const;
  switch (task) {
    case "adapter":
      return { task, settings: { ...shared, adapter: { kind: "linear", features: dimension, bias: false } } };
    case "encoder":
    case "lora":
      return { task, settings: { ...shared, recipe: task } };
    case "cross-encoder":
      return { task, settings: shared };
    case "router":
      return {
        task,
        settings: { trainer: "embedding", seed: 0, ...(mode === "compatible" ? AS_LLAMAINDEX : {}) },
      };
  }
}

/** The guide's router: the whole encoder, thirty epochs. */
const AS_LLAMAINDEX = { tune: "encoder", epochs: 30, batchSize: 10, learningRate: 2e-5 } as const;

function basesOf(task: Task, { encoderId, encoders, crossEncoders }: OfferGround): readonly string[] {
  if (task === "adapter") return [encoderId];
  const own = encoders.includes(encoderId) ? [encoderId] : [];
  const others = encoders.filter((id) => id !== encoderId);
  return task === "cross-encoder" ? [...crossEncoders, ...own, ...others] : [...own, ...others];
}

function obstacleOf(task: Task, ground: OfferGround): string | null {
  const { weights, encoders, crossEncoders, trainQuestions, pairs, choices, routedQuestions } = ground;
  if (task === "router") {
    if (choices < 2) return "A router needs at least two choices; add or import them on the Data screen.";
    return routedQuestions < 2 ? "The choices have no example questions yet; add or import some." : null;
  }
  if (task === "adapter") return enough(trainQuestions);
  const models = task === "cross-encoder" ? encoders.length + crossEncoders.length : encoders.length;
  if (models === 0) return weights ?? "No model with weights is here; add one under Models.";
  return task === "cross-encoder" && pairs > 0 ? null : enough(trainQuestions);
}

function enough(questions: number): string | null {
  return questions >= 2 ? null : "There are no training questions yet; import or generate some.";
}
