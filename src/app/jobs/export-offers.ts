import { canMerge } from "../../domain/models/merge-adapter.ts";
import type { RunRecord } from "../storage/records.ts";
import type { ExportOffer, RunExportFormat } from "../studio-models.ts";
import type { Recipe } from "../studio-training.ts";

const ONNX: readonly RunExportFormat[] = ["onnx", "onnx-fp16", "onnx-int8"];

const FORMATS: Readonly<Record<Recipe["task"], readonly RunExportFormat[]>> = {
  adapter: ["llamaindex", "safetensors", "query-router", "fusion", "metrics-csv", "report-json"],
  encoder: ["sentence-transformers", ...ONNX, "cluster", "fusion", "metrics-csv", "report-json"],
  lora: ["peft", "sentence-transformers", ...ONNX, "cluster", "fusion", "metrics-csv", "report-json"],
  "cross-encoder": ["cross-encoder", ...ONNX, "report-json"],
  router: ["router", "report-json"],
};

const MODELS: readonly RunExportFormat[] = [
  "sentence-transformers",
  "peft",
  ...ONNX,
  "cross-encoder",
  "router",
];
const FIGURES: readonly RunExportFormat[] = ["metrics-csv", "report-json"];

/** How a run can be taken away, and what stands in the way of each form. */
export function exportOffers(run: RunRecord): readonly ExportOffer[] {
  const { recipe, verdict } = run;
  return FORMATS[recipe.task].map((format) => ({
    format,
    bytes: null,
    strength: hasStrength(recipe, format),
    obstacle: FIGURES.includes(format) && verdict === undefined ? "It has not been judged." : null,
  }));
}

function hasStrength(recipe: Recipe, format: RunExportFormat): boolean {
  if (recipe.task === "adapter") {
    return (
      canMerge(recipe.settings.adapter) && ["llamaindex", "safetensors", "query-router"].includes(format)
    );
  }
  return MODELS.includes(format);
}
