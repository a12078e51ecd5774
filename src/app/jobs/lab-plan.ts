import { openDecoderRun } from "../../domain/recipes/decoder/decoder.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { Backend } from "../../engine/backend.ts";
import type { DecoderSource } from "../encoders/decoder-source.ts";
import type { LabStore } from "../storage/lab-store.ts";
import type { LabPlan, LabRecipe } from "../studio-lab.ts";
import { labData } from "./lab-data.ts";
import { preparedRows } from "./lab-recipe.ts";
import { searchedData } from "./lab-retrieval.ts";
import { checkpointBytes } from "./worker-plan.ts";

interface PlanPorts {
  readonly store: LabStore;
  readonly decoders: DecoderSource;
  readonly openBackend: () => Promise<Backend>;
}

/** What a run would take on this device: the plan of its longest batch, and its time measured on five steps. */
export async function planLab(
  { store, decoders, openBackend }: PlanPorts,
  labId: string,
  recipe: LabRecipe,
): Promise<LabPlan> {
  const { data } = await searchedData(await labData(store, await store.get(labId)));
  if (data.obstacle !== null) throw new RetuneError("too-little-data", data.obstacle);
  const model = await decoders.open(recipe.base);
  const { job, notes } = await preparedRows(data, model, recipe);
  const backend = await openBackend();
  try {
    const run = await openDecoderRun(backend, { ...job, base: model, settings: recipe.settings });
    try {
      const { secondsLeft, warnings } = await run.measure();
      const { totalSteps, rows, tokens, learntTokens, trainedParameters, frozenParameters, memory } =
        run.plan;
      return {
        backend: backend.label,
        ...{ steps: totalSteps, rows, tokens, learntTokens, trainedParameters },
        totalParameters: trainedParameters + frozenParameters,
        peakBytes: memory.total,
        secondsToTrain: secondsLeft,
        checkpointBytes: checkpointBytes(trainedParameters),
        notes: [...warnings, ...notes],
      };
    } finally {
      run.dispose();
    }
  } finally {
    backend.dispose();
  }
}
