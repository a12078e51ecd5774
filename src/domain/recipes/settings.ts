import { RetuneError } from "../../engine/errors.ts";
import { checkAdapterConfig } from "../models/adapter-weights.ts";
import { canMerge } from "../models/merge-adapter.ts";
import type { AdapterSettings } from "./adapter-job.ts";
import type { TrainingData } from "./training-data.ts";

/** Rejects settings that no run can follow, naming the field, its value and what is allowed. */
export function checkSettings(settings: AdapterSettings, data: TrainingData): void {
  checkAdapterConfig(settings.adapter);
  const { epochs, batchSize, learningRate, scale, alpha, adapter, mode } = settings;
  if (adapter.features !== data.queries.columns) {
    throw new RetuneError(
      "E_MISMATCH",
      `adapter.features: ${adapter.features}, but the vectors have ${data.queries.columns} dimensions`,
    );
  }
  check("epochs", epochs, (value) => value > 0 && value <= 10_000, "above 0, at most 10000");
  if (mode === "compatible") check("epochs", epochs, Number.isInteger, "a whole number in compatible mode");
  check(
    "batchSize",
    batchSize,
    (value) => Number.isInteger(value) && value >= 1 && value <= 4096,
    "1 to 4096",
  );
  check("learningRate", learningRate, (value) => value > 0 && value <= 1, "above 0, at most 1");
  check("scale", scale, (value) => value > 0 && value <= 1000, "above 0, at most 1000");
  check("alpha", alpha, (value) => value >= 0 && value <= 2, "0 to 2");
  if (alpha !== undefined && alpha !== 1 && !canMerge(adapter)) {
    throw new RetuneError(
      "usage",
      `alpha: ${alpha}, but this adapter has no residual, so only 1 can be exported`,
    );
  }
}

function check(
  name: string,
  value: number | undefined,
  allowed: (value: number) => boolean,
  rule: string,
): void {
  if (value !== undefined && !(Number.isFinite(value) && allowed(value))) {
    throw new RetuneError("usage", `${name}: ${value} is not possible; give ${rule}, or leave it out`);
  }
}
