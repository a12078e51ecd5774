import { readFile, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RetuneError } from "../../src/engine/errors.ts";
import { exists, isFolder } from "./files.ts";

export const DEFAULT_MODEL = "bge-small-en-v1.5";

export type ModelKind = "encoder" | "cross-encoder" | "decoder";

export interface ModelFolder {
  readonly name: string;
  readonly folder: string;
  readonly ready: boolean;
  readonly kind: ModelKind;
  readonly weights: "onnx" | "safetensors"; // what runs it: onnxruntime-web, our own encoder
}

/** Folders that may hold models by name: the site's, then RETUNE_MODELS. */
function modelRoots(root: string): string[] {
  const named = process.env["RETUNE_MODELS"];
  return [join(root, "public", "models"), ...(named ? [named] : [])];
}

/** Models found in the known folders; the default one is listed even where it is missing. */
export async function knownModels(root: string): Promise<readonly ModelFolder[]> {
  const found = new Map<string, ModelFolder>();
  for (const folder of modelRoots(root)) {
    const names = (await isFolder(folder)) ? await readdir(folder) : [];
    for (const name of names.sort()) {
      const path = join(folder, name);
      const weights = found.has(name) ? undefined : await weightsIn(path);
      if (weights) found.set(name, { name, folder: path, ready: true, kind: await kindOf(path), weights });
    }
  }
  if (!found.has(DEFAULT_MODEL)) {
    const folder = join(root, "public", "models", DEFAULT_MODEL);
    const open = { ready: false, kind: "encoder", weights: "onnx" } as const;
    found.set(DEFAULT_MODEL, { name: DEFAULT_MODEL, folder, ...open });
  }
  return [...found.values()];
}

/** What weights a model folder holds: ONNX where there is an export, else safetensors; undefined: it is no model. */
export async function weightsIn(folder: string): Promise<ModelFolder["weights"] | undefined> {
  if (!(await isFolder(folder)) || !(await exists(join(folder, "tokenizer.json")))) return undefined;
  const has = (name: string): Promise<boolean> => exists(join(folder, name));
  if ((await has("onnx/model.onnx")) || (await has("model.onnx"))) return "onnx";
  return (await has("model.safetensors")) ? "safetensors" : undefined;
}

async function kindOf(folder: string): Promise<ModelKind> {
  const config = await readFile(join(folder, "config.json"), "utf8").catch(() => "");
  if (config.includes("ForCausalLM")) return "decoder";
  return config.includes("ForSequenceClassification") ? "cross-encoder" : "encoder";
}

/**
 * The folder of `model`: a known name, or else a folder, relative to `beside`. Throws "model-missing" saying what was
 * looked for.
 */
export async function modelFolder(root: string, model: string, beside: string): Promise<string> {
  const known = (await knownModels(root)).find(({ name }) => name === model);
  if (known?.ready) return known.folder;
  const folder = resolve(beside, model);
  if (await weightsIn(folder)) return folder;
  const places = modelRoots(root).join(", ");
  const next = known
    ? "npm start fetches it"
    : "expected a folder with tokenizer.json and onnx/model.onnx, model.onnx or model.safetensors";
  throw new RetuneError(
    "model-missing",
    `model "${model}" is neither in ${places} nor a model folder (${folder}); ${next}`,
  );
}
