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

/** What a run's result takes here: as it is kept (LoRA without its base), and as a whole model in fp32. */
export interface KeptSizes {
  readonly kept: number | null;
  readonly whole: number | null;
}

/** How a run can be taken away, about how large it gets, and what stands in the way of each form. */
export function exportOffers(run: RunRecord, sizes: KeptSizes): readonly ExportOffer[] {
  const { recipe, verdict } = run;
  return FORMATS[recipe.task].map((format) => ({
    format,
    bytes: bytesOf(format, sizes),
    strength: hasStrength(recipe, format),
    obstacle: FIGURES.includes(format) && verdict === undefined ? "It has not been judged." : null,
  }));
}

function bytesOf(format: RunExportFormat, { kept, whole }: KeptSizes): number | null {
  switch (format) {
    case "llamaindex":
    case "safetensors":
    case "peft":
    case "router":
      return kept;
    case "sentence-transformers":
    case "cross-encoder":
    case "onnx":
      return whole;
    case "onnx-fp16":
      return whole === null ? null : whole / 2;
    case "onnx-int8":
      return whole === null ? null : whole / 4;
    default:
      return null;
  }
}

function hasStrength(recipe: Recipe, format: RunExportFormat): boolean {
  if (recipe.task === "adapter") {
    return (
      canMerge(recipe.settings.adapter) && ["llamaindex", "safetensors", "query-router"].includes(format)
    );
  }
  return MODELS.includes(format);
}
