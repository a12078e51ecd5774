import type { AdapterSettings } from "../../domain/recipes/adapter-job.ts";
import { queryInstructionOf } from "../jobs/recipe-facts.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Recipe } from "../studio-training.ts";

/**
 * A run as a job for `npm run -s retune -- run JOB.json --out DIR`. Files are named as "Export dataset" names them;
 * what the run chose by itself is left out, so that the job chooses it again.
 */
export function jobFileOf({ recipe }: RunRecord, model: string, backend: "webgpu" | "cpu"): string {
  const job =
    recipe.task === "adapter"
      ? adapterJob(recipe.settings, model, backend)
      : tunedJob(recipe, model, backend);
  return `${JSON.stringify(job, null, 2)}\n`;
}

function adapterJob(settings: AdapterSettings, model: string, backend: "webgpu" | "cpu"): object {
  const { mode, adapter, seed, queryInstruction, ...fixed } = settings;
  const { features: _features, ...shape } = adapter;
  return {
    task: "adapter",
    model,
    train: "train.json",
    validation: "test.json",
    mode,
    adapter: shape,
    ...numbers(fixed),
    seed,
    backend,
    ...(queryInstruction ? { queryInstruction } : {}),
    export: ["llamaindex", "safetensors"],
  };
}

const EXPORTS = {
  encoder: ["sentence-transformers"],
  lora: ["peft", "sentence-transformers"],
  "cross-encoder": ["cross-encoder"],
  router: ["router"],
} as const;

/** Settings of the other tasks lie under their own names in a job, but for what is held out, which files are not. */
function tunedJob(
  recipe: Exclude<Recipe, { readonly task: "adapter" }>,
  model: string,
  backend: "webgpu" | "cpu",
): object {
  const files =
    recipe.task === "router" ? { train: "router.json" } : { train: "train.json", validation: "test.json" };
  const instruction = queryInstructionOf(recipe);
  return {
    ...{ task: recipe.task, model, ...files, ...jobSettings(recipe), backend },
    ...(instruction === "" ? {} : { queryInstruction: instruction }),
    export: EXPORTS[recipe.task],
  };
}

function jobSettings(recipe: Exclude<Recipe, { readonly task: "adapter" }>): object {
  if (recipe.task !== "encoder" && recipe.task !== "lora") return recipe.settings;
  const { recipe: _task, validation: holdOut, matryoshka, ...settings } = recipe.settings;
  return {
    ...settings,
    ...(recipe.anchors === undefined ? {} : { anchors: recipe.anchors }),
    ...(holdOut === undefined ? {} : { holdOut }),
    ...(matryoshka === undefined ? {} : { matryoshka: matryoshka.dimensions }),
  };
}

function numbers(fixed: Omit<AdapterSettings, "mode" | "adapter" | "seed" | "queryInstruction">): object {
  return Object.fromEntries(Object.entries(fixed).filter(([, value]) => value !== undefined));
}
