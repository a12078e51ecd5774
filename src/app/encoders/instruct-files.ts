import { RetuneError } from "../../engine/errors.ts";
import type { HubWanted } from "./hub-models.ts";

/** Precisions a model may come in, the one that is taken first; its file below onnx/ as transformers.js names it. */
export const INSTRUCT_FILES = {
  q4: "onnx/model_q4.onnx",
  q8: "onnx/model_quantized.onnx",
  fp16: "onnx/model_fp16.onnx",
  fp32: "onnx/model.onnx",
} as const;
export type InstructPrecision = keyof typeof INSTRUCT_FILES;

const NEEDED = ["config.json", "tokenizer.json", "tokenizer_config.json"];

/** The precision of a model folder by its files; "model-missing" names what an instruct model lacks. */
export function instructPrecision(name: string, paths: ReadonlySet<string>): InstructPrecision {
  const precisions = Object.keys(INSTRUCT_FILES) as InstructPrecision[];
  const found = precisions.find((precision) => paths.has(INSTRUCT_FILES[precision]));
  const missing = NEEDED.filter((path) => !paths.has(path));
  if (found && missing.length === 0) return found;
  const lacking = [...missing, ...(found ? [] : [`one of ${Object.values(INSTRUCT_FILES).join(", ")}`])];
  const text = `${name} is no instruct model that runs here: it lacks ${lacking.join(" and ")}.`;
  throw new RetuneError("model-missing", `${text} Choose a folder as the hub lays it out.`);
}

/** The files of a folder that running it needs: weights of one precision and everything that is small. */
export function neededFiles(paths: readonly string[], precision: InstructPrecision): readonly string[] {
  const weights = INSTRUCT_FILES[precision];
  return paths.filter(
    (path) =>
      path === weights || path.startsWith(`${weights}_data`) || /\.(json|jinja|txt|model)$/.test(path),
  );
}

/** How the hub is asked for an instruct model of one precision. */
export function instructWanted(precision: InstructPrecision): HubWanted {
  const along = [
    "generation_config.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "special_tokens_map.json",
  ];
  return { precision, weights: INSTRUCT_FILES[precision], along, oneFile: false };
}
