import type { AdapterSettings } from "../../domain/recipes/adapter-job.ts";
import type { RunRecord } from "../storage/records.ts";

/**
 * A run as a job for `npm run -s retune -- run JOB.json --out DIR`. Files are named as "Export dataset" names them;
 * what the run chose by itself is left out, so that the job chooses it again.
 */
export function jobFileOf({ settings }: RunRecord, model: string, backend: "webgpu" | "cpu"): string {
  const { mode, adapter, seed, queryInstruction, ...fixed } = settings;
  const { features: _features, ...shape } = adapter;
  const job = {
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
  return `${JSON.stringify(job, null, 2)}\n`;
}

function numbers(fixed: Omit<AdapterSettings, "mode" | "adapter" | "seed" | "queryInstruction">): object {
  return Object.fromEntries(Object.entries(fixed).filter(([, value]) => value !== undefined));
}
