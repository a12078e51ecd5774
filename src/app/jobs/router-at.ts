import { routerAtStrength } from "../../domain/recipes/router/router-strength.ts";
import type { TrainedRouter } from "../../domain/recipes/router/router-job.ts";
import type { Backend } from "../../engine/backend.ts";
import type { RunRecord } from "../storage/records.ts";
import { routerGround } from "./run-router.ts";
import type { RouterGround, RouterRecipe } from "./run-router.ts";
import type { RunPorts } from "./run-ports.ts";
import { loadTrained } from "./trained-store.ts";

/** A run's router between what it was trained from (0) and itself (1), with the ground it stands on. */
export async function routerAt(
  ports: Pick<RunPorts, "workspace" | "models">,
  run: RunRecord,
  recipe: RouterRecipe,
  { strength, backend }: { readonly strength: number; readonly backend: Backend },
): Promise<{ readonly router: TrainedRouter; readonly ground: RouterGround }> {
  const trained = await loadTrained(ports.workspace.checkpoints, run.id, "router");
  const ground = await routerGround(ports, run, recipe);
  const { scale } = recipe.settings;
  const start = { ...ground.base.train, ...(scale === undefined ? {} : { scale }) };
  return { router: await routerAtStrength(backend, trained, strength, start), ground };
}
